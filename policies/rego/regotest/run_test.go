package regotest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/bundle"
	"github.com/salvor-io/salvor/policies/rego"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// shop runs the tests of the fixture, in which something of every kind is bad.
func shop(t *testing.T, options Options) *Report {
	t.Helper()
	report, err := Run(t.Context(), []rego.Source{{Name: "shop", Files: os.DirFS("testdata/shop")}}, options)
	if err != nil {
		t.Fatal(err)
	}
	for i := range report.Results {
		report.Results[i].DurationS = 0.001
	}
	return report
}

func TestReports(t *testing.T) {
	report := shop(t, Options{DropFacts: true})
	for _, format := range Formats() {
		t.Run(string(format), func(t *testing.T) {
			var got bytes.Buffer
			if err := report.Write(&got, format, Show{Dir: "policies", Verbose: true, Coverage: true}); err != nil {
				t.Fatal(err)
			}
			wellFormed(t, format, got.Bytes())
			golden(t, filepath.Join("testdata", "golden", string(format)+".txt"), got.String())
		})
	}
}

func wellFormed(t *testing.T, format Format, text []byte) {
	t.Helper()
	switch format {
	case JSON:
		if !json.Valid(text) {
			t.Error("it is no JSON")
		}
	case JUnit:
		for in := xml.NewDecoder(bytes.NewReader(text)); ; {
			if _, err := in.Token(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// source is an author's directory with these files.
func source(files map[string]string) rego.Source {
	held := fstest.MapFS{}
	for name, text := range files {
		held[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return rego.Source{Name: "own", Files: held}
}

// own runs the tests of an author's directory.
func own(t *testing.T, files map[string]string, options Options) (*Report, error) {
	t.Helper()
	return Run(t.Context(), []rego.Source{source(files)}, options)
}

const (
	rules = "package salvor.policies.own\n\ndeny contains \"no\" if input.view.broken_nodes > 3\n"
	head  = "package salvor.policies.own_test\n\nimport data.salvor.policies.own\n\n"
)

func TestBadTests(t *testing.T) {
	for _, c := range []struct{ name, file, text, want string }{
		{"syntax", "own_test.rego", head + "test_x if {", "load tests: own_test.rego:5: "},
		{"unknown function", "own_test.rego", head + "test_x if own.nosuch(3)", "load tests: own_test.rego:5: undefined function"},
		{"unused variable", "own_test.rego", head + "test_x if { x := own.deny }", "load tests: own_test.rego:5: assigned var x unused"},
		{"network", "own_test.rego", head + "test_x if http.send({}) == own.deny", "load tests: own_test.rego:5: undefined function http.send"},
		{"no case", "x_test.json", "{\n", "load tests: x_test.json:1: unexpected EOF"},
		{"case without a comma", "x_test.json", "{\n\"name\": \"x\"\n\"question\": {}}", "x_test.json:3: invalid character"},
		{"case with a number for a name", "x_test.json", "{\n\"name\": 5}", "x_test.json:2: json: cannot unmarshal number"},
		{"case with an unknown field", "x_test.json", `{"name": "x", "question": {"plan": {"clas": "x"}}, "want": {}}`, `x_test.json: json: unknown field "clas"`},
		{"case with an unknown verdict", "x_test.json", `{"name": "x", "question": {}, "want": {"verdict": "allow"}}`, `x_test.json: unknown verdict "allow"`},
		{"case without a verdict", "x_test.json", `{"name": "x", "question": {}, "want": {"verdict": "ask"}}`, "x_test.json: it does not say what is wanted"},
		{"case without a name", "x_test.json", `{"question": {}, "want": {"verdict": "ask", "would": "ask"}}`, "x_test.json: it has no name"},
		{"case with a name of lines", "x_test.json", `{"name": "a\nb", "question": {}, "want": {"verdict": "ask", "would": "ask"}}`, "x_test.json: its name is not one line"},
		{"case without a question", "x_test.json", `{"name": "x", "want": {"verdict": "ask", "would": "ask"}}`, "x_test.json: it has no question"},
		{"two cases", "x_test.json", `{"name": "x", "question": {}, "want": {"verdict": "ask", "would": "ask"}} {}`, "x_test.json: something follows after its end"},
		{"rules", "own_too.rego", "package salvor.policies.own\ndeny := true", "load policy: own_too.rego:2: deny has another form"},
		{"nested rules", "own_too.rego", "package salvor.policies.own\neu.deny contains \"x\"", "load policy: own_too.rego:2: eu.deny has another form"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := own(t, map[string]string{"own.rego": rules, c.file: c.text}, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %s", err, c.want)
			}
		})
	}
}

func TestNothingRan(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		options Options
	}{
		"no test":       {head + "x := own.deny", Options{}},
		"a test to do":  {head + "todo_test_x if own.deny", Options{}},
		"none of these": {head + "test_x if own.deny", Options{Run: regexp.MustCompile("nosuch")}},
	} {
		report, err := own(t, map[string]string{"own.rego": rules, "own_test.rego": c.text}, c.options)
		if err != nil || report.Ran() != 0 || report.Well() {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
}

func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		name, text string
		outcome    Outcome
		why        string
	}{
		{"passes", "test_x if count(own.deny) == 1 with input.view.broken_nodes as 4", Passed, ""},
		{"undefined", "test_x if own.deny.no with input.view.broken_nodes as 3", Failed, "own.deny.no with input.view.broken_nodes as 3"},
		{"false", "test_x := false", Failed, "it is not true"},
		{"empty table", "test_x[name] if some name in []", Failed, "its table has no case, so nothing was tested"},
		{"within every", "test_x if { every n in [4, 3] { count(own.deny) == 1 with input.view.broken_nodes as n } }", Failed, "count(own.deny) == 1 with input.view.broken_nodes as n"},
		{"function fails", "test_x if to_number(sprintf(\"%s\", [\"x\"]))", Broken, "to_number: strconv"},
	} {
		t.Run(c.name, func(t *testing.T) {
			report, err := own(t, map[string]string{"own.rego": rules, "own_test.rego": head + "x := own.deny\n" + c.text}, Options{})
			if err != nil || len(report.Results) != 1 {
				t.Fatalf("%+v, %v", report, err)
			}
			got := report.Results[0]
			if got.Outcome != c.outcome || !strings.HasPrefix(got.Why, c.why) || got.Line != 6 || got.File != "own_test.rego" {
				t.Errorf("it is %+v", got)
			}
		})
	}
}

// Two tests of one name are two tests, and which of them fails is said.
func TestTestsOfOneName(t *testing.T) {
	report, err := own(t, map[string]string{"own.rego": rules, "own_test.rego": head + "test_x if count(own.deny) == 0 with input as {}\n\ntest_x if count(own.deny) == 1 with input as {}"}, Options{})
	if err != nil || report.Count(Passed) != 1 || report.Count(Failed) != 1 || report.Results[1].Line != 7 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestACaseReachesRules(t *testing.T) {
	const text = `{"name": "x", "question": {"view": {"broken_nodes": 4}}, "want": {"verdict": "deny", "would": "deny", "reasons": [{"text": "no", "rule": "own.rego:77"}]}}`
	report, err := own(t, map[string]string{"own.rego": rules, "x_test.json": text}, Options{})
	if err != nil || !report.Well() || report.Coverage.Percent != 100 {
		t.Errorf("%+v, %v", report, err)
	}
}

// The rules and settings of all sources are there; the tests and the coverage are those of the last one.
func TestShippedRulesAreThere(t *testing.T) {
	report, err := Run(t.Context(), []rego.Source{{Name: "the shipped bundle", Files: bundle.Files()}, source(map[string]string{
		"own.rego":      rules,
		"data.yaml":     "salvor: {config: {groups: {on_call: [own]}}}",
		"own_test.rego": head + "test_x if {\n\tdata.salvor.config.groups.on_call == [\"own\"]\n\tcount(data.salvor.config.groups) > 1\n\tcount(data.salvor.policies.node.deny | own.deny) == 0 with input as {}\n}",
	})}, Options{})
	if err != nil || !report.Well() {
		t.Fatalf("%+v, %v", report, err)
	}
	if files := report.Coverage.Files; len(files) != 1 || files[0].File != "own.rego" {
		t.Errorf("coverage is of %v", files)
	}
}

func TestACaseIsReadAsItIsWritten(t *testing.T) {
	want := Case{Name: "x", Want: WantOf(policies.Decision{Would: policies.Act, Held: []policies.Reason{}, Reasons: []policies.Reason{{Text: "a<b", Rule: "x.rego:1"}},
		Asks: &policies.Asks{Votes: 2}})}
	var written bytes.Buffer
	if err := want.Write(&written); err != nil {
		t.Fatal(err)
	}
	got, err := ReadCase(written.Bytes())
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
