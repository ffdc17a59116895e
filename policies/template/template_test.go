package template

import (
	"bytes"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/policies/bundle"
	"github.com/salvor-io/salvor/policies/rego"
	"github.com/salvor-io/salvor/policies/rego/regotest"
)

func made(t *testing.T, name string) fstest.MapFS {
	t.Helper()
	files, err := Files(name, bundle.Files(), bundle.Schemas())
	if err != nil {
		t.Fatal(err)
	}
	held := fstest.MapFS{}
	for path, text := range files {
		held[path] = &fstest.MapFile{Data: text}
	}
	return held
}

// What an author begins with is what check, fmt and test want of it.
func TestFilesAreWell(t *testing.T) {
	for _, name := range []string{"team", "shop_eu2"} {
		files := made(t, name)
		report, err := regotest.Run(t.Context(), []rego.Source{{Name: "the shipped bundle", Files: bundle.Files()}, {Name: name, Files: files}},
			regotest.Options{DropFacts: true})
		if err != nil {
			t.Fatal(err)
		}
		if !report.Well() || report.Coverage.Percent != 100 || len(report.Coverage.Files) != 1 || report.Coverage.Files[0].File != name+".rego" {
			var text bytes.Buffer
			_ = report.Write(&text, regotest.Pretty, regotest.Show{Coverage: true})
			t.Error(text.String())
		}
		for path, file := range files {
			if !strings.HasSuffix(path, ".rego") {
				continue
			}
			formatted, err := rego.Format(path, file.Data)
			if diff := cmp.Diff(string(formatted), string(file.Data)); diff != "" || err != nil {
				t.Error(diff, err)
			}
			if other := regexp.MustCompile(`policies\.(\w+?)(_test)?\b`).FindSubmatch(file.Data); string(other[1]) != name {
				t.Errorf("%s is of %s", path, other[1])
			}
		}
	}
}

// With the comments taken away, the settings are the shipped ones.
func TestSettingsAreTheShippedOnes(t *testing.T) {
	text := string(made(t, "team")["data.yaml"].Data)
	_, text, _ = strings.Cut(text, "  config: {}\n")
	text = "salvor:\n  config:\n" + regexp.MustCompile(`(?m)^    # ( *["\w-]+:|  +- )`).ReplaceAllString(text, "    $1")
	count := func(settings string) int {
		_, n, err := rego.Source{Name: "x", Files: fstest.MapFS{"data.yaml": {Data: []byte(settings)}}}.Holds(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	shipped, err := fs.ReadFile(bundle.Files(), "data.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := count(text), count(string(shipped)); got != want {
		t.Errorf("%d settings are there, %d are shipped", got, want)
	}
}

func TestSchemasAreCopied(t *testing.T) {
	files := made(t, "team")
	for _, name := range []string{"schemas/input.json", "schemas/decision.json"} {
		want, err := fs.ReadFile(bundle.Schemas(), name)
		if err != nil || files[name] == nil || !bytes.Equal(files[name].Data, want) {
			t.Errorf("%s is not the shipped one, %v", name, err)
		}
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"", "Shop", "shop-eu", "2nd", "a.b", "../x", "shop_test", "shop eu"} {
		if _, err := Files(name, bundle.Files(), bundle.Schemas()); err == nil || !strings.Contains(err.Error(), "cannot name a package of rules") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
