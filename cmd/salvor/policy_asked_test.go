package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/bundle"
	"github.com/salvor-io/salvor/policies/rego"
)

// deadNode is a question as Salvor asks it, with every fact.
func deadNode(change func(*policies.Question)) policies.Question {
	q := policies.Question{Schema: policies.InputVersion, About: policies.AboutDecision, Now: morning, Mode: policies.ModeAct,
		Cluster:  policies.ClusterFacts{Name: "prod-eu"},
		Incident: policies.IncidentFacts{OpenedAt: morning},
		Fault: policies.FaultFacts{Kind: "node", Anchor: "node/worker-7", Nodes: []string{"worker-7"}, Agree: 1, Asked: 1,
			Signals: map[string]policies.SignalFacts{"lease": {Asked: true, Agrees: true}}},
		Plan: policies.Proposal{Runbook: "node-displace", Phase: "recover", Class: policies.Disruptive, Targets: []policies.Target{{Kind: "Node", Name: "worker-7"}}},
		View: policies.ViewFacts{Nodes: 10, Broken: 1, LostTogether: 1, LostOf: 10}, Limits: policies.Limits{NodesPerZone: 1, FleetShare: 0.1, StormNodes: 3, StormShare: 0.2, Attempts: 3}}
	change(&q)
	return q
}

// stored is a decision about a question by the shipped rules, as the store has it.
func stored(t *testing.T, q policies.Question) string {
	t.Helper()
	engine, err := rego.New(t.Context(), []rego.Source{{Name: "the shipped bundle", Files: bundle.Files()}}, rego.Options{})
	if err != nil {
		t.Fatal(err)
	}
	decision, err := policies.Judge{Engine: engine}.Decide(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := json.Marshal(map[string]any{"question": q, "decision": decision})
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

// askedLately is a server that has decided upon some questions, and a directory with rules.
func askedLately(t *testing.T, rules string, questions ...policies.Question) (*server, string) {
	t.Helper()
	s := serving(t)
	for _, q := range questions {
		s.asked = append(s.asked, stored(t, q))
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "own.rego"), []byte("package salvor.policies.own\n\n"+rules), 0o600); err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func TestPolicyReplay(t *testing.T) {
	node, zone := deadNode(func(*policies.Question) {}), deadNode(func(q *policies.Question) { q.Fault.Kind, q.Fault.Anchor = "zone", "zone/a" })
	for _, c := range []struct {
		name, rules string
		args        []string
		code        int
		out, talked string
	}{
		{"the same", `deny contains "x" if input.fault.kind == "region"`, nil, exitOK, "2 the same, 1 not replayable\n", ""},
		{"tighter", `deny contains "not now" if input.fault.kind == "node"`, nil, exitOK, "1 the same, 1 act to deny, 1 not replayable\n", ""},
		{"looser", `act contains "why not" if input.fault.kind == "zone"`, nil, exitError, "zone/a: ask to ACT\n    was  about zone faults of prod-eu a person is asked\n    is   why not\n",
			"1 move toward more automation\nnext: if that is meant, say --allow-looser"},
		{"looser, as is meant", `act contains "why not" if input.fault.kind == "zone"`, []string{"--allow-looser"}, exitOK, "1 the same, 1 ask to ACT, 1 not replayable\n", ""},
		{"an answer is owed", `deny contains "x" if to_number(input.fault.anchor) > 1`, nil, exitError, "2 without an answer", ""},
		{"what an older version did not say", `deny contains "x" if input.history.attempts > 99`, nil, exitOK, "which the candidate reads\n", ""},
		{"rules that are refused", `deny := true`, nil, exitError, "", "own.rego:3: deny has another form than the contract"},
		{"since when", `deny contains "x"`, []string{"--since", "never"}, exitUsage, "", `--since is "never"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, dir := askedLately(t, c.rules, node, zone)
			got := salvor(t.Context(), nil, append([]string{"policy", "replay", "--socket", s.socket, "--candidate", dir}, c.args...)...)
			if got.code != c.code || !strings.Contains(got.out, c.out) || !strings.Contains(got.talked, c.talked) {
				t.Errorf("exit %d\n%s\n%s", got.code, got.out, got.talked)
			}
		})
	}
	if got := salvor(t.Context(), nil, "policy", "replay"); got.code != exitUsage || !strings.Contains(got.talked, "no --candidate is named") {
		t.Errorf("exit %d: %s", got.code, got.talked)
	}
}

func TestPolicyEvalInputAndRecord(t *testing.T) {
	s, dir := askedLately(t, `ask contains {"reason": "it is Monday", "groups": ["owners"]} if input.fault.kind == "node"`, deadNode(func(*policies.Question) {}))
	name := s.inc.Name()
	at := func(args ...string) result {
		return salvor(t.Context(), nil, append([]string{"policy"}, append(args, "--socket", s.socket)...)...)
	}
	input := filepath.Join(dir, "input.json")
	if got := at("input", name, "--out", input); got.code != exitOK || !strings.Contains(got.talked, "what policy was asked about "+name) {
		t.Fatalf("input: exit %d, %s", got.code, got.talked)
	}
	for _, args := range [][]string{{"eval", input}, {"eval", "--incident", name}} {
		got := at(append(args, "--dir", dir, "--explain")...)
		if got.code != exitOK || !strings.Contains(got.out, "ask                         own.rego:3     it is Monday") || got.talked != "" ||
			!strings.Contains(got.out, "\nSo it is ASK 1 of owners, by revision ") {
			t.Errorf("%v: exit %d\n%s\n%s", args, got.code, got.out, got.talked)
		}
	}
	if got := at("record", name, "--dir", dir); got.code != exitOK || !strings.Contains(got.talked, "it is ask, and was act by revision ") {
		t.Errorf("record: exit %d, %s", got.code, got.talked)
	}
	if got := salvor(t.Context(), nil, "policy", "test", dir); got.code != exitError || !strings.Contains(got.out, "1 failed") {
		t.Errorf("what was decided is no test: exit %d\n%s\n%s", got.code, got.out, got.talked)
	}
	kept := filepath.Join(dir, name+"_test.json")
	if err := os.WriteFile(kept, []byte("edited"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := at("record", name, "--dir", dir); got.code != exitError || !strings.Contains(got.talked, "it is there, and says something else") {
		t.Errorf("record again: exit %d, %s", got.code, got.talked)
	}
}

func TestPolicyEvalOfWhatIsNoQuestion(t *testing.T) {
	dir := written(t, map[string]string{"p/own.rego": "package salvor.policies.own\n\ndeny contains \"x\" if to_number(input.fault.kind) > 1\n", "odd.json": `{"fault":{"knd":1}}`, "few.json": `{"mode":"act"}`})
	for _, c := range []struct {
		args   []string
		code   int
		talked string
	}{
		{[]string{"odd.json"}, exitError, `it is no question that Salvor asks: json: unknown field "knd"` + "\nnext: get a real one: salvor policy input INCIDENT"},
		{[]string{"few.json"}, exitError, "facts are not in the question, and are taken to be zero: about, "},
		{[]string{"few.json"}, exitError, "own.rego:3: to_number: "},
		{[]string{"none.json"}, exitError, "no such file"},
		{nil, exitUsage, "nothing is named to ask about"},
		{[]string{"few.json", "--incident", "x"}, exitUsage, "a file and --incident are both given"},
	} {
		t.Chdir(dir)
		if got := salvor(t.Context(), nil, append([]string{"policy", "eval", "--dir", "p"}, c.args...)...); got.code != c.code || !strings.Contains(got.talked, c.talked) {
			t.Errorf("%v: exit %d\n%s", c.args, got.code, got.talked)
		}
	}
}
