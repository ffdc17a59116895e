package policies

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	no    = []Reason{{Text: "no", Rule: "a.rego:1"}}
	yes   = []Reason{{Text: "yes", Rule: "a.rego:2"}}
	asked = []AskRule{{Groups: []string{"sre"}, Votes: 1, Reason: Reason{Text: "who", Rule: "a.rego:3"}}}
	weak  = []AskRule{{Groups: []string{"owners"}, Votes: 1, Otherwise: true, Reason: Reason{Text: "who else", Rule: "a.rego:4"}}}
)

// TestCombineCellByCell goes through every combination of words.
func TestCombineCellByCell(t *testing.T) {
	for deny := range 2 {
		for ask := range 4 { // 1: asks, 2: asks otherwise, 3: both
			for act := range 2 {
				s := Said{Revision: "r1"}
				want := Ask // nobody spoke
				if ask >= 2 {
					s.Ask = weak
				}
				if act == 1 {
					s.Act, want = yes, Act
				}
				if ask%2 == 1 {
					s.Ask, want = append(asked[:1:1], s.Ask...), Ask
				}
				if deny == 1 {
					s.Deny, want = no, Deny
				}
				got := Combine(s)
				if got.Verdict != want {
					t.Errorf("deny %d ask %d act %d: %s, want %s", deny, ask, act, got.Verdict, want)
				}
				if (got.Asks != nil) != (got.Verdict == Ask) {
					t.Errorf("deny %d ask %d act %d: asks %v with verdict %s", deny, ask, act, got.Asks, got.Verdict)
				}
				if group := map[int]string{1: "sre", 2: "owners", 3: "sre"}[ask]; got.Verdict == Ask && ask > 0 && (len(got.Asks.Needs) != 1 || got.Asks.Needs[0].Groups[0] != group) {
					t.Errorf("deny %d ask %d act %d: asks %v, want %s", deny, ask, act, got.Asks.Needs, group)
				}
				if len(got.Reasons) == 0 || got.Revision != "r1" {
					t.Errorf("deny %d ask %d act %d: no reason or revision: %+v", deny, ask, act, got)
				}
			}
		}
	}
}

// TestSettleCellByCell holds the table of verdict, class and mode: what the rules said is never loosened.
func TestSettleCellByCell(t *testing.T) {
	words := map[Verdict]Said{Deny: {Deny: no}, Ask: {Ask: asked}, Act: {Act: yes}}
	for said, s := range words {
		for class := Observe; class <= Irreversible; class++ {
			for mode := ModeObserve; mode <= ModeAct; mode++ {
				q := calm()
				q.Plan.Class, q.Mode = class, mode
				got := Settle(s, q)
				if want := expected(said, class, mode); got.Verdict != want {
					t.Errorf("said %s, class %s, mode %s: %s, want %s", said, class, mode, got.Verdict, want)
				}
				if got.Verdict > said || got.Verdict > got.Would || got.Would > said {
					t.Errorf("said %s, class %s, mode %s: loosened to %s (would %s)", said, class, mode, got.Verdict, got.Would)
				}
				if got.Verdict == Ask && class == Irreversible && got.Asks.Votes < 2 {
					t.Errorf("irreversible asks %d people", got.Asks.Votes)
				}
			}
		}
	}
}

func expected(said Verdict, class Class, mode Mode) Verdict {
	if said == Deny || mode <= ModeSuggest {
		return Deny
	}
	if said == Ask || class >= Destructive || mode == ModeAsk {
		return Ask
	}
	return Act
}

// TestWhomToAskWhereRulesDoNotAsk: mode, class, and what is unknown ask whom the rules name for that.
func TestWhomToAskWhereRulesDoNotAsk(t *testing.T) {
	for name, change := range map[string]func(*Question){
		"mode": func(q *Question) { q.Mode = ModeAsk }, "class": func(q *Question) { q.Plan.Class = Irreversible },
		"unknown": func(q *Question) { q.Unknown = []string{"view"} }, "one source": func(q *Question) { q.Fault.Kind, q.Fault.Single = "zone", true },
	} {
		q := calm()
		change(&q)
		for _, c := range []struct {
			said Said
			want []string
		}{{Said{Act: yes}, []string{}}, {Said{Act: yes, Ask: weak}, []string{"owners"}}} {
			got := Settle(c.said, q)
			if got.Verdict != Ask || !slices.Equal(got.Asks.Needs[0].Groups, c.want) || got.Reasons[0] != yes[0] {
				t.Errorf("%s: %s of %v because %v, want %v", name, got.Verdict, got.Asks, got.Reasons, c.want)
			}
		}
	}
}

// TestOneSourceIsNoReasonToLeaveThingsAsTheyAre: two people are asked what is done about a zone on one source's word, and not whether that is
// taken back.
func TestOneSourceIsNoReasonToLeaveThingsAsTheyAre(t *testing.T) {
	for _, kind := range []string{"zone", "region"} {
		for phase, want := range map[string]Verdict{"recover": Ask, "undo": Act} {
			q := calm()
			q.Fault.Kind, q.Fault.Single, q.Plan.Phase = kind, true, phase
			if got := Settle(Said{Act: yes}, q); got.Verdict != want {
				t.Errorf("%s of a %s: %s because %v, want %s", phase, kind, got.Verdict, got.Reasons, want)
			}
		}
	}
}

func TestUnknownTurnsActIntoAsk(t *testing.T) {
	q := calm()
	q.Unknown = []string{"fault.zones"}
	if got := Settle(Said{Act: yes}, q); got.Verdict != Ask || !strings.Contains(got.Reasons[1].Text, "fault.zones") {
		t.Errorf("decision = %+v, want an ask that names what is not known", got)
	}
}

func TestStrictestMergeOfAsks(t *testing.T) {
	got := Combine(Said{Ask: []AskRule{
		{Groups: []string{"sre", "oncall"}, Votes: 1, WithinS: 600, OnTimeout: "expire", Reason: Reason{Text: "a"}},
		{Groups: []string{"oncall", "sre"}, Votes: 2, WithinS: 300, OnTimeout: "escalate", EscalateTo: []string{"leads"}, Reason: Reason{Text: "b"}},
		{Groups: []string{"owners"}, Votes: 1, Reason: Reason{Text: "c"}},
	}}).Asks
	want := &Asks{Needs: []Need{{[]string{"oncall", "sre"}, 2, []string{"leads"}}, {[]string{"owners"}, 1, []string{}}}, Votes: 2, WithinS: 300,
		OnTimeout: "escalate", EscalateTo: []string{"leads"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merge (-want +got):\n%s", diff)
	}
}

// TestWhoStandsInForWhom: only those may whom somebody who asks a group lets stand in for it.
func TestWhoStandsInForWhom(t *testing.T) {
	ask := func(group string, to ...string) AskRule {
		r := AskRule{Groups: []string{group}, Votes: 1, OnTimeout: "expire", Reason: Reason{Text: "x"}}
		if len(to) > 0 {
			r.OnTimeout, r.EscalateTo = "escalate", to
		}
		return r
	}
	got := Combine(Said{Ask: []AskRule{ask("sre", "leads", "boss"), ask("dba"), ask("sre", "boss"), ask("web", "leads")}}).Asks
	want := []Need{{[]string{"dba"}, 1, []string{}}, {[]string{"sre"}, 1, []string{"boss", "leads"}}, {[]string{"web"}, 1, []string{"leads"}}}
	if diff := cmp.Diff(want, got.Needs); diff != "" {
		t.Errorf("needs (-want +got):\n%s", diff)
	}
}

func TestBrakesHoldWithTheirNumbers(t *testing.T) {
	cases := []struct {
		name  string
		with  func(*Question)
		wants string // "" means no brake
	}{
		{"calm", func(*Question) {}, ""},
		{"fleet pause", func(q *Question) { q.Pauses = []Pause{pause(Pause{})} }, "the whole fleet"},
		{"pause of this cluster", func(q *Question) { q.Pauses = []Pause{pause(Pause{Cluster: "prod-eu"})} }, "cluster prod-eu"},
		{"pause of another cluster", func(q *Question) { q.Pauses = []Pause{pause(Pause{Cluster: "prod-us"})} }, ""},
		{"pause of this kind", func(q *Question) { q.Pauses = []Pause{pause(Pause{Kind: "node"})} }, "kind node"},
		{"pause of this target", func(q *Question) { q.Pauses = []Pause{pause(Pause{Target: "node/worker-1"})} }, "target node/worker-1"},
		{"pause of another target", func(q *Question) { q.Pauses = []Pause{pause(Pause{Target: "node/worker-2"})} }, ""},
		{"expired pause", func(q *Question) { q.Pauses = []Pause{{Owner: "alice", Until: q.Now}} }, ""},
		{"a person at work", func(q *Question) {
			q.View.AtWork = []AtWork{{"a person or another tool", "cordoned it", "node/worker-1"}}
		}, "cordoned it"},
		{"storm", func(q *Question) { q.View.LostTogether = 10 }, "10 of 20 nodes were lost at once (4 are enough)"},
		{"just below a storm", func(q *Question) { q.View.LostTogether = 3 }, ""},
		{"a small fleet needs the least number too", func(q *Question) { q.View.LostOf, q.View.LostTogether = 6, 2 }, ""},
		{"storm does not hold a zone", func(q *Question) { q.View.LostTogether, q.Fault.Kind = 10, "zone" }, ""},
		{"part of a wider fault", func(q *Question) { q.Fault.Under = "zone/a" }, "node/worker-1 is part of a wider fault, zone/a"},
		{"what was done may be taken back under a wider fault", func(q *Question) { q.Fault.Under, q.Plan.Phase = "zone/a", "undo" }, ""},
		{"zone is full", func(q *Question) { q.InFlight.Zones["a"] = 1 }, "1 of at most 1 nodes of zone a"},
		{"another zone is full", func(q *Question) { q.InFlight.Zones["b"] = 1 }, ""},
		{"fleet share is used up", func(q *Question) { q.InFlight.Cluster = 2 }, "2 of at most 2 nodes"},
		{"one node is always allowed", func(q *Question) { q.View.Nodes = 3 }, ""},
		{"held by another", func(q *Question) { q.InFlight.Targets = []string{"node/worker-1"} }, "another incident holds node/worker-1"},
		{"tried too often", func(q *Question) { q.History.Attempts = 3 }, "3 plans were tried"},
		{"the gate of the last attempt is not held by its own count", func(q *Question) { q.History.Attempts, q.About = 3, AboutGate }, ""},
		{"what was done may be taken back in a storm", func(q *Question) { q.View.LostTogether, q.Plan.Phase = 10, "undo" }, ""},
		{"but not while paused", func(q *Question) { q.Pauses, q.Plan.Phase = []Pause{pause(Pause{})}, "undo" }, "paused"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			q := calm()
			c.with(&q)
			got := Settle(Said{Act: yes}, q)
			if c.wants == "" {
				if got.Verdict != Act {
					t.Errorf("held: %v", got.Held)
				}
				return
			}
			if got.Verdict != Deny || len(got.Held) == 0 || !strings.Contains(got.Held[0].Text, c.wants) || got.Would != Act {
				t.Errorf("decision = %+v, want it held because of %q", got, c.wants)
			}
		})
	}
}

func TestBrokenEngineDenies(t *testing.T) {
	got, err := Judge{broken{}}.Decide(context.Background(), calm())
	if err == nil || got.Verdict != Deny || len(got.Held) != 1 {
		t.Errorf("decision = %+v, %v; want a refusal with its reason", got, err)
	}
}

func TestZeroDecisionRefuses(t *testing.T) {
	if (Decision{}).Verdict != Deny {
		t.Error("a decision nobody filled in does not refuse")
	}
}

type broken struct{}

func (broken) Ask(context.Context, Question) (Said, error) { return Said{}, errors.New("no bundle") }

// calm is a question about one dead node of twenty with nothing that holds a plan back.
func calm() Question {
	return Question{Schema: 1, About: AboutDecision, Now: time.Date(2026, 11, 22, 3, 12, 0, 0, time.UTC),
		Cluster: ClusterFacts{Name: "prod-eu"}, Mode: ModeAct,
		Fault: FaultFacts{Kind: "node", Anchor: "node/worker-1", Nodes: []string{"worker-1"}, Zones: []string{"a"}, Agree: 1, Asked: 2},
		Plan:  Proposal{Phase: "recover", Class: Disruptive, Targets: []Target{{Kind: "Node", Name: "worker-1", UID: "u1"}}},
		View:  ViewFacts{Nodes: 20, Broken: 1, LostTogether: 1, LostOf: 20}, InFlight: InFlight{Zones: map[string]int{}},
		Limits: Limits{NodesPerZone: 1, FleetShare: 0.1, StormNodes: 3, StormShare: 0.2, Attempts: 3}}
}

func pause(p Pause) Pause {
	p.Owner, p.Reason, p.Until = "alice", "migration", calm().Now.Add(time.Hour)
	return p
}
