package rego

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/salvor-io/salvor/policies"
)

func policyOf(t *testing.T, from []Source) Policy {
	t.Helper()
	p, err := Read(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func ownPolicy(change func(map[string]string)) []Source {
	own := map[string]string{"zone.rego": "package salvor.policies.zone\ndeny contains \"x\"", "data.yaml": settingsText,
		"a/b/zone_test.rego": "package test\ntest_x if true", "notes.txt": "not policy"}
	if change != nil {
		change(own)
	}
	own2 := sources(own)[0]
	own2.Name = "a\ndirectory"
	return append(sources(map[string]string{"base.rego": "package salvor.policies.base\nask contains {\"reason\": \"y\"}"}), own2)
}

func TestPackedPolicyIsTheSame(t *testing.T) {
	p := policyOf(t, ownPolicy(nil))
	pack, err := p.Pack()
	if err != nil {
		t.Fatal(err)
	}
	again, err := policyOf(t, ownPolicy(nil)).Pack()
	if err != nil || !bytes.Equal(pack, again) {
		t.Errorf("packed again it is another, %v", err)
	}
	got, err := Unpack(t.Context(), pack)
	if err != nil || got.Revision() != p.Revision() || p.Revision() == "" {
		t.Fatalf("unpacked it is %q, was %q: %v", got.Revision(), p.Revision(), err)
	}
	rules, err := Compile(got, Options{})
	if err != nil {
		t.Fatal(err)
	}
	said, err := rules.Ask(t.Context(), policies.Question{})
	if err != nil || len(said.Deny) != 1 || len(said.Ask) != 1 || said.Revision != p.Revision() {
		t.Errorf("it says %+v, %v", said, err)
	}
	for _, bad := range [][]byte{nil, []byte("x"), pack[:len(pack)/2]} {
		if _, err := Unpack(t.Context(), bad); err == nil {
			t.Errorf("%d bytes of a pack are a policy", len(bad))
		}
	}
}

func TestWhatNamesAPolicy(t *testing.T) {
	p := policyOf(t, ownPolicy(nil))
	for _, c := range []struct {
		name             string
		change           func(map[string]string)
		revision, digest bool // are another
	}{
		{"a rule", func(own map[string]string) { own["zone.rego"] += " " }, true, true},
		{"a setting", func(own map[string]string) { own["data.yaml"] += " " }, true, true},
		{"a test", func(own map[string]string) { own["a/b/zone_test.rego"] += " " }, false, true},
		{"another file", func(own map[string]string) { own["notes.txt"] += " " }, false, false},
		{"input.json", func(own map[string]string) { own["input.json"] = "{}" }, false, false},
	} {
		got := policyOf(t, ownPolicy(c.change))
		if (got.Revision() != p.Revision()) != c.revision || (got.Digest() != p.Digest()) != c.digest {
			t.Errorf("%s: revision %s, was %s; digest %s, was %s", c.name, got.Revision(), p.Revision(), got.Digest(), p.Digest())
		}
	}
	if bare := policyOf(t, ownPolicy(func(own map[string]string) { delete(own, "a/b/zone_test.rego") })); bare.Tested() || !p.Tested() {
		t.Error("it is not known which has tests")
	}
	if text, err := fs.ReadFile(p.Sources()[1].Files, "a/b/zone_test.rego"); err != nil || !strings.Contains(string(text), "test_x") {
		t.Errorf("its test reads %q, %v", text, err)
	}
}

// bottomless has rule files that never end.
type bottomless struct{ fstest.MapFS }

func (b bottomless) Open(name string) (fs.File, error) {
	f, err := b.MapFS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".rego") {
		return f, err
	}
	return bottomlessFile{f}, nil
}

type bottomlessFile struct{ fs.File }

func (bottomlessFile) Read(p []byte) (int, error) { return len(p), nil }

// TestAPolicyIsBounded: what is too large is refused early, before it is held.
func TestAPolicyIsBounded(t *testing.T) {
	large := map[string]string{}
	for n := range 5 {
		large[fmt.Sprint(n, ".rego")] = strings.Repeat("#", maxFileBytes)
	}
	many := map[string]string{}
	for n := range maxFiles + 1 {
		many[fmt.Sprint(n, ".rego")] = "#"
	}
	for name, c := range map[string]struct {
		files fs.FS
		want  string
	}{
		"a file without end":     {bottomless{fstest.MapFS{"a.rego": {}}}, "a.rego is larger than 1048576 bytes"},
		"five files of a MiB":    {sources(large)[0].Files, "larger than 4194304 bytes"},
		"more than 1000 files":   {sources(many)[0].Files, "more than 1000 files"},
		"nothing that is policy": {fstest.MapFS{"a.txt": {}}, "it holds no policy"},
	} {
		_, err := Read(t.Context(), []Source{{Name: "/etc/rules", Files: c.files}})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "read /etc/rules: ") {
			t.Errorf("%s: it says %v, want %q", name, err, c.want)
		}
	}
}

func TestAPackIsBounded(t *testing.T) {
	noise := map[string]string{"zone.rego": "package salvor.policies.zone\ndeny contains \"x\""}
	text := make([]byte, 700<<10)
	state := uint32(1)
	for i := range text {
		state = state*1664525 + 1013904223
		text[i] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-"[state>>26]
	}
	noise["zone.rego"] += "\n# " + string(text)
	if _, err := policyOf(t, sources(noise)).Pack(); err == nil || !strings.Contains(err.Error(), "at most 524288 are kept") {
		t.Errorf("it says %v", err)
	}
}

// FuzzUnpack: whatever bytes are given for a pack, they are a policy or an error.
func FuzzUnpack(f *testing.F) {
	p, err := Read(f.Context(), ownPolicy(nil))
	if err != nil {
		f.Fatal(err)
	}
	pack, err := p.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pack)
	f.Fuzz(func(t *testing.T, pack []byte) {
		if p, err := Unpack(t.Context(), pack); (err == nil) != (p.Revision() != "") {
			t.Errorf("it is policy %q, %v", p.Revision(), err)
		}
	})
}
