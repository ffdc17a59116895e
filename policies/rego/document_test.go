package rego

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/bundle"
)

func marshal(t testing.TB, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// stored is a question as it is stored, with a decision.
func stored(t testing.TB, q policies.Question) []byte {
	t.Helper()
	return marshal(t, map[string]any{"question": q, "decision": policies.Decision{Verdict: policies.Ask, Reasons: []policies.Reason{{Text: "why \"not\""}}}})
}

// readAll are rules that read and tell everything.
func readAll(t *testing.T) *Rules {
	t.Helper()
	return load(t, rules(`act contains sprintf("%v", [input])`)).current.Load()
}

// TestADocumentIsAnsweredAsItsQuestion: what is read of JSON is what was stored, and the answer is that to the question itself.
func TestADocumentIsAnsweredAsItsQuestion(t *testing.T) {
	all := readAll(t)
	shipped, err := New(t.Context(), []Source{{"the shipped bundle", bundle.Files()}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	questions := append(variants(), policies.Question{})
	for seed := range 20 {
		var q policies.Question
		fill(reflect.ValueOf(&q).Elem(), seed)
		questions = append(questions, q)
	}
	for _, q := range questions {
		for _, r := range []*Rules{all, shipped.current.Load()} {
			want, wantErr := r.Ask(t.Context(), q)
			got, err := r.Replay(t.Context(), stored(t, q))
			if diff := cmp.Diff(want, got.Said); diff != "" || (err == nil) != (wantErr == nil) || got.Lacks != nil {
				t.Errorf("%v, want %v; lacks %v\n%s", err, wantErr, got.Lacks, diff)
			}
			var same policies.Question
			if err := json.Unmarshal(marshal(t, q), &same); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(same, got.Question); diff != "" || got.Recorded.Reasons[0].Text != `why "not"` {
				t.Errorf("decided %+v, read %s", got.Recorded, diff)
			}
		}
	}
}

func TestWhatADocumentLacks(t *testing.T) {
	const rule = `deny contains "x" if { input.plan.after.nodes == 1; input.view.zones[_].broken == 2; some t in input.plan.targets; t.name == "a" }`
	r := load(t, rules(rule)).current.Load()
	const whole = `{"plan": {"after": {"nodes": 1}, "targets": [{"kind": "", "namespace": "", "name": "a", "uid": "", "zone": ""}]}, "view": {"zones": {"z": {"nodes": 3, "broken": 2}}}}`
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing", "", "", ""},
		{"a fact", `"after": {"nodes": 1}`, `"after": {}`, "plan.after.nodes"},
		{"a record", `"after": {"nodes": 1}, `, ``, "plan.after.nodes"},
		{"a list and a map", whole, `{"plan": {"after": {"nodes": 1}}}`, "plan.targets, view.zones"},
		{"a field in a list", `, "name": "a"`, ``, "plan.targets[_].name"},
		{"a field in a list that no rule reads", `, "uid": "", "zone": ""`, ``, ""},
		{"a field in a map", `, "broken": 2`, ``, "view.zones[_].broken"},
		{"a field in a map that no rule reads", `"nodes": 3, `, ``, ""},
		{"a field of one of two", `[{`, `[{"kind": ""}, {`, "plan.targets[_].name"},
		{"empty is there", `[{"kind": "", "namespace": "", "name": "a", "uid": "", "zone": ""}]`, `[]`, ""},
		{"null is empty, and there", `[{"kind": "", "namespace": "", "name": "a", "uid": "", "zone": ""}]`, `null`, ""},
		{"what nobody knows, and another order", `{"plan"`, `{"later": {"a": [1, {"b": null}], "plan": "\""}, "plan"`, ""},
	} {
		question := strings.Replace(whole, c.old, c.new, 1)
		found, err := r.Replay(t.Context(), []byte(`{"question": `+question+`, "decision": {}}`))
		if got := strings.Join(found.Lacks, ", "); got != c.want || err != nil {
			t.Errorf("%s: it lacks %s, %v, want %s", c.name, got, err, c.want)
		}
		if c.want != "" && !cmp.Equal(found.Said, policies.Said{}) {
			t.Errorf("%s: it says %+v of it", c.name, found.Said)
		}
	}
}

func TestWhatIsNoDocument(t *testing.T) {
	r := readAll(t)
	whole := string(stored(t, deadNode(2)))
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing", whole, "", "want an object, not the end"},
		{"a list", whole, "[]", "want an object, not a list"},
		{"no question", whole, `{"decision": {}}`, "want a question and a decision"},
		{"no decision", whole, `{"question": {}}`, "want a question and a decision"},
		{"cut off", `,"person":`, "", `question: want a comma or }, not an object`},
		{"a text for a number", `"agree":2`, `"agree":"2"`, "question: fault: agree: want a number, not a text"},
		{"a part of a number", `"agree":2`, `"agree":2.5`, "question: fault: agree: want a whole number, not 2.5"},
		{"no number of JSON", `"agree":2`, `"agree":02`, `question: fault: agree: want a number, not "02,`},
		{"a number for a text", `"anchor":"node/worker-1"`, `"anchor":1`, `question: fault: anchor: want a text, not "1,`},
		{"a null for a text", `"anchor":"node/worker-1"`, `"anchor":null`, `question: fault: anchor: want a text, not "null,`},
		{"a text for a boolean", `"agrees":true`, `"agrees":"true"`, `question: fault: signals: lease: agrees: want true or false, not a text`},
		{"a class that is none", `"class":"disruptive"`, `"class":"gentle"`, `question: plan: class: unknown class "gentle"`},
		{"a time that is none", `"now":"2026-03-01T12:00:00Z"`, `"now":"noon"`, `question: now: parsing time "noon"`},
		{"a list in a list", `"nodes":["worker-1"]`, `"nodes":["a",["b"]]`, "question: fault: nodes: 1: want a text, not a list"},
		{"a field that is there twice", `"anchor":`, `"kind":"node","anchor":`, "question: fault: kind: it is there twice"},
		{"a decision of another form", `"verdict":"ask"`, `"verdict":7`, "decision: json: "},
		{"more than one", whole, whole + "{}", "want the end, not an object"},
		{"very deep", `{"`, `{"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `,"`, "x: values lie more than 100 deep"},
	} {
		text := strings.Replace(whole, c.old, c.new, 1)
		if text == whole {
			t.Fatalf("%s: nothing was replaced", c.name)
		}
		_, err := r.Replay(t.Context(), []byte(text))
		wantError(t, err, ErrNoDocument.Error()+": "+c.want)
		if !errors.Is(err, ErrNoDocument) {
			t.Errorf("%s: %v is none", c.name, err)
		}
	}
}

func TestRulesThatFailAreNoFaultOfTheDocument(t *testing.T) {
	r := load(t, rules(`act contains "x" if to_number(input.fault.kind) > 3`)).current.Load()
	got, err := r.Replay(t.Context(), stored(t, question()))
	if wantError(t, err, "zone.rego:2: to_number"); errors.Is(err, ErrNoDocument) || got.Question.Fault.Kind != "node" {
		t.Errorf("%v comes with %+v", err, got)
	}
}

// Whatever is read as a question: it is JSON, and written again it is read as the same by encoding/json.
func FuzzQuestion(f *testing.F) {
	f.Add(marshal(f, deadNode(2)))
	for _, seed := range []string{
		`{}`, `{"plan":{"targets":null,"steps":[]}}`, `{"view":{"age_s":-0.0e+1}}`, `{"unknown":["\ud800"," \u00e9"]}`, `{"Fault":1,"x":[{},null,true,-1.5E3]}`,
		`{"fault":{"signals":{"a":{"asked":true},"a":{}}}}`, `{"now":"2026-03-01T12:00:00.5+01:00"}`, "{\"unknown\":[\"\xff\"]}", `{"x":1e999,"view":{"nodes":1}} `,
	} {
		f.Add([]byte(seed))
	}
	rules, err := New(f.Context(), rules(`act contains "x"`), Options{})
	if err != nil {
		f.Fatal(err)
	}
	r := rules.current.Load()
	f.Fuzz(func(t *testing.T, text []byte) {
		d := r.decoder(text)
		var got, again policies.Question
		if d.facts(r.program.whole, reflect.ValueOf(&got).Elem(), 0) != nil || d.end() != nil {
			return
		}
		if !json.Valid(text) {
			t.Errorf("%q is no JSON, and read as %+v", text, got)
		}
		written, err := json.Marshal(got)
		if err == nil {
			err = json.Unmarshal(written, &again)
		}
		if diff := cmp.Diff(got, again); diff != "" || err != nil {
			t.Errorf("%q is read as %s, %v: %s", text, written, err, diff)
		}
		if has := slices.Contains(d.has, true); !has && !cmp.Equal(got, policies.Question{}) {
			t.Errorf("%q has no fact, and is read as %+v", text, got)
		}
	})
}
