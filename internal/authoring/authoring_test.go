package authoring

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/rego"
)

func TestReadAsked(t *testing.T) {
	question := policies.Question{Fault: policies.FaultFacts{Kind: "node"}}
	whole, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, text, missing, err string }{
		{"a question", string(whole), "", ""},
		{"a stored decision", `{"question":` + string(whole) + `,"decision":{"verdict":"act","would":"act"}}`, "", ""},
		{"a stored decision, as it is shown", `{"ref":"x/1","document":{"question":` + string(whole) + `,"decision":{"verdict":"act","would":"act"}}}`, "", ""},
		{"a case of a test", `{"name":"x","question":` + string(whole) + `,"want":{"verdict":"act"}}`, "", ""},
		{"some facts are missing", strings.Replace(strings.Replace(string(whole), `"unknown":null`, `"pauses":null`, 1), `"healthy_zones":0,`, "", 1), "plan.after.healthy_zones, unknown", ""},
		{"a field that no question has", `{"fault":{"knd":"node"}}`, "", `it is no question that Salvor asks: json: unknown field "knd"`},
		{"another type", `{"fault":{"kind":5}}`, "", "it is no question that Salvor asks: "},
		{"no object", `[1]`, "", "it is no JSON object of a question: "},
		{"no JSON", `kind: node`, "", "it is no JSON object of a question: "},
		{"more than one", string(whole) + "{}", "", "it is no JSON object of a question: "},
	} {
		got, err := ReadAsked([]byte(c.text))
		switch {
		case c.err != "":
			if err == nil || !strings.HasPrefix(err.Error(), c.err) {
				t.Errorf("%s: %v, want %s", c.name, err, c.err)
			}
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case got.Question.Fault.Kind != "node" || strings.Join(got.Missing, ", ") != c.missing:
			t.Errorf("%s: %+v lacks %v", c.name, got.Question.Fault, got.Missing)
		case (got.Decision != nil) != strings.HasPrefix(c.name, "a stored decision"):
			t.Errorf("%s: its decision is %v", c.name, got.Decision)
		}
	}
}

// speaks is rules that say what a test wants.
type speaks struct {
	said  policies.Said
	lacks []string
	err   error
}

func (s speaks) Ask(context.Context, policies.Question) (policies.Said, error) { return s.said, s.err }

func (s speaks) Replay(_ context.Context, document []byte) (rego.Replayed, error) {
	var doc struct {
		Question policies.Question `json:"question"`
		Decision policies.Decision `json:"decision"`
	}
	if json.Unmarshal(document, &doc) != nil {
		return rego.Replayed{}, rego.ErrNoDocument
	}
	return rego.Replayed{Question: doc.Question, Recorded: doc.Decision, Said: s.said, Lacks: s.lacks}, s.err
}

var (
	acts = policies.Said{Revision: "r2", Act: []policies.Reason{{Text: "only w-1 is broken", Rule: "node.rego:4"}},
		Ask: []policies.AskRule{{Groups: []string{"owners"}, Otherwise: true, WithinS: 600, OnTimeout: "escalate", EscalateTo: []string{"leads"}, Reason: policies.Reason{Text: "who else", Rule: "kinds.rego:9"}}}}
	asks   = policies.Said{Revision: "r2", Ask: []policies.AskRule{{Groups: []string{"sre"}, Votes: 2, Reason: policies.Reason{Text: "it is Friday", Rule: "own.rego:3"}}}, Act: acts.Act}
	denies = policies.Said{Revision: "r2", Deny: []policies.Reason{{Text: "never\x1b[31m", Rule: "own.rego:5"}}}
)

func TestExplain(t *testing.T) {
	ask := policies.Question{Mode: policies.ModeAsk, Plan: policies.Proposal{Class: policies.Disruptive}}
	for _, c := range []struct {
		name string
		said policies.Said
		want string
	}{
		{"held by the mode", acts, `What the rules said:
  ask, if nobody else speaks  kinds.rego:9  who else
  act                         node.rego:4   only w-1 is broken
How that became the answer:
  rules  ACT              only w-1 is broken
  mode   ASK 1 of owners  the mode is ask: a person is asked first
  nothing to add: class, unknown, single source, pause, at work, wider fault, storm, budget, lock, attempts
So it is ASK 1 of owners, though the rules say ACT, by revision r2. It is so because of mode: without that it would be ACT.
`},
		{"denied", denies, `What the rules said:
  deny  own.rego:5  never\x1b[31m
How that became the answer:
  rules  DENY  never\x1b[31m
  nothing to add: class, unknown, single source, mode, pause, at work, wider fault, storm, budget, lock, attempts
So it is DENY, by revision r2. The rules made it so.
`},
		{"nobody spoke", policies.Said{Revision: "r2"}, `What the rules said:
  nothing    
How that became the answer:
  rules  ASK 1 person  no rule speaks about this, so a person is asked
  nothing to add: class, unknown, single source, mode, pause, at work, wider fault, storm, budget, lock, attempts
So it is ASK 1 person, by revision r2. The rules made it so.
`},
	} {
		found, err := Evaluate(t.Context(), speaks{said: c.said}, ask)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		if err := found.Explain(&got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got.String()); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestWriteSaysWhoIsAskedAndForHowLong(t *testing.T) {
	found, err := Evaluate(t.Context(), speaks{said: acts}, policies.Question{Mode: policies.ModeAsk})
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := found.Write(&got); err != nil {
		t.Fatal(err)
	}
	const want = `ASK 1 of owners, though the rules say ACT, by revision r2
  within 10m0s, then leads are asked
  only w-1 is broken                        node.rego:4
  the mode is ask: a person is asked first  mode
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

func recorded(t *testing.T, mode policies.Mode, was policies.Said) Recorded {
	t.Helper()
	q := policies.Question{Mode: mode, Cluster: policies.ClusterFacts{Name: "prod"}, Fault: policies.FaultFacts{Anchor: "node/w-1"}}
	doc, err := json.Marshal(map[string]any{"question": q, "decision": policies.Settle(was, q)})
	if err != nil {
		t.Fatal(err)
	}
	return Recorded{Ref: "x/1", Incident: "inc-7k3d", At: time.Date(2026, 3, 1, 3, 11, 4, 0, time.UTC), Document: doc}
}

func TestTally(t *testing.T) {
	two := asks
	two.Ask = []policies.AskRule{{Groups: []string{"sre"}, Votes: 1, Reason: policies.Reason{Text: "one is enough", Rule: "own.rego:3"}}}
	for _, c := range []struct {
		name    string
		mode    policies.Mode
		was, is policies.Said
		sum     string
		looser  int
	}{
		{"the same", policies.ModeAct, acts, acts, "1 the same", 0},
		{"tighter", policies.ModeAct, acts, asks, "0 the same, 1 act to ask", 0},
		{"looser", policies.ModeAct, asks, acts, "0 the same, 1 ask to ACT", 1},
		{"much looser", policies.ModeAct, denies, acts, "0 the same, 1 deny to ACT", 1},
		{"looser, and held by the mode", policies.ModeObserve, asks, acts, "0 the same, 1 ask to ACT, held back all the same", 1},
		{"fewer people", policies.ModeAct, asks, two, "0 the same, 1 ask that is EASIER to be met", 1},
		{"more people", policies.ModeAct, two, asks, "0 the same, 1 ask that is harder to be met", 0},
	} {
		tally := NewTally()
		if err := tally.Add(t.Context(), speaks{said: c.is}, recorded(t, c.mode, c.was)); err != nil {
			t.Fatal(err)
		}
		if tally.Sum() != c.sum || tally.LooserThan() != c.looser || tally.Replayed() != 1 {
			t.Errorf("%s: %s, %d looser", c.name, tally.Sum(), tally.LooserThan())
		}
	}
}

func TestTallyOfWhatCannotBeReplayed(t *testing.T) {
	tally, well := NewTally(), recorded(t, policies.ModeAct, acts)
	for _, c := range []struct {
		judge speaks
		rec   Recorded
	}{
		{speaks{said: acts}, Recorded{Document: []byte(`{"question": 5}`)}}, {speaks{said: acts}, Recorded{Document: []byte(`no`)}},
		{speaks{lacks: []string{"protection.level", "plan.after"}}, well}, {speaks{err: errors.New("zone.rego:4: no answer within 1s")}, well}, {speaks{said: asks}, well},
	} {
		if err := tally.Add(t.Context(), c.judge, c.rec); err != nil {
			t.Fatal(err)
		}
	}
	var got strings.Builder
	if err := tally.Write(&got); err != nil {
		t.Fatal(err)
	}
	const want = `2026-03-01 03:11:04 inc-7k3d prod node/w-1: act to ask
    was  only w-1 is broken
    is   it is Friday
not replayable: 1 lack protection.level, plan.after, which the candidate reads
not replayable: 2 cannot be read
no answer, so Salvor would deny: zone.rego:4: no answer within 1s
0 the same, 1 act to ask, 1 without an answer, 3 not replayable
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tally.Add(ended, speaks{said: acts}, well); !errors.Is(err, context.Canceled) {
		t.Errorf("after its end: %v", err)
	}
}
