package recovery

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

// zoneFault is a lost zone a, of which w1 is a node.
func zoneFault() classifiers.Fault {
	f := fault
	f.Kind, f.Anchor, f.Sentence = classifiers.KindZone, classifiers.Anchor{Kind: "zone", Name: "a"}, "zone a is lost"
	return f
}

// TestAZoneTakesOverWhatItExplains: an incident of a node of the zone that waits for its node holds the zone's plan back no more; one that is
// worked on does, and so does one of another zone or another kind.
func TestAZoneTakesOverWhatItExplains(t *testing.T) {
	for name, c := range map[string]struct {
		narrow func(*classifiers.Fault)
		works  bool
		goes   bool
	}{
		"a node of the zone":     {func(*classifiers.Fault) {}, false, true},
		"one that is worked on":  {func(*classifiers.Fault) {}, true, false},
		"of another zone":        {func(f *classifiers.Fault) { f.Scope.Zones = []string{"b"} }, false, false},
		"of nobody knows where":  {func(f *classifiers.Fault) { f.Scope.Zones = nil }, false, false},
		"of another kind":        {func(f *classifiers.Fault) { f.Kind = classifiers.KindSecurity }, false, false},
		"of a zone, as it is so": {func(f *classifiers.Fault) { f.Kind = classifiers.KindZone }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				elsewhere := fault
				elsewhere.Anchor = classifiers.Anchor{Kind: "node", Name: "w9", UID: "uid-9"}
				c.narrow(&elsewhere)
				s.other = s.open("rival", elsewhere)
				s.takes(s.other, "w1", "a")
				if c.works {
					plan, _ := s.Plan(t.Context(), "book", incident.PhaseRecover, nil, s.env(s.other, s.Look(nil)))
					s.put(s.other.ID, incident.Record{Kind: incident.Decided, Writer: "rival", Decided: &incident.Decision{Phase: incident.PhaseRecover, Plan: &plan,
						Answer: policies.Decision{Verdict: policies.Act}}})
				}
				s.finding = &classifiers.Finding{Fault: zoneFault()}
				s.Clusters["prod"].Modes[classifiers.KindZone] = policies.ModeAct
				inc := s.moves(s.open("me", zoneFault()).ID)
				held := s.holding(s.other.ID)
				if goes := inc.State == incident.Recovered; goes != c.goes || goes != (len(held.Targets) == 0) {
					t.Fatalf("%s: %s, the other holds %+v", inc.State, inc.Why, held)
				}
				last := s.now(s.other.ID).History
				if said := last[len(last)-1].Text; c.goes != strings.Contains(said, "which is about all of zone/a") {
					t.Errorf("the other's last record says %q", said)
				}
			})
		})
	}
}

// TestWhoYieldedBeginsOnNothing: who was about to begin on what was taken over is refused.
func TestWhoYieldedBeginsOnNothing(t *testing.T) {
	play(t, func(s *stage) {
		narrow := s.now(s.another().ID)
		s.takes(narrow, "w1", "a")
		slow := s.now(narrow.ID)
		if took, err := s.takeOver(t.Context(), s.open("me", zoneFault())); err != nil || !took {
			t.Fatalf("took over: %t, %v", took, err)
		}
		plan, _ := s.Plan(t.Context(), "book", incident.PhaseRecover, nil, s.env(slow, s.Look(nil)))
		_, err := s.store.Writer("rival").AppendClaimed(t.Context(), slow, incident.Record{Kind: incident.Decided, Decided: &incident.Decision{
			Phase: incident.PhaseRecover, Plan: &plan, Answer: policies.Decision{Verdict: policies.Act}}})
		if err == nil || s.now(slow.ID).Working() {
			t.Errorf("it began: %v", err)
		}
	})
}

// TestAPlanGivesWayToItsZone: a plan for one node that is under way when its zone is lost ends between two of its steps, or after the writer of one was
// lost: else it would wait for the zone, and the zone for what it holds. What only may pass is waited for.
func TestAPlanGivesWayToItsZone(t *testing.T) {
	zone, storm := zoneFault(), fault
	storm.Anchor = classifiers.Anchor{Kind: classifiers.AnchorCluster, Name: "prod"}
	for name, c := range map[string]struct {
		wider    *classifiers.Fault
		lost     bool // in the midst of a step
		passes   bool
		gaveWay  bool
		recovers bool
	}{
		"between two steps":   {&zone, false, false, true, true},
		"in the midst of one": {&zone, true, false, true, true},
		"it passes":           {&zone, false, true, false, false},
		"under a storm":       {&storm, false, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				node := s.opened()
				s.apply = func(_ context.Context, step string) error {
					s.finding = &classifiers.Finding{Fault: fault, Under: c.wider}
					if c.lost {
						return ErrHeld
					}
					return nil
				}
				s.moves(node)
				if c.passes {
					time.Sleep(10 * time.Second)
					s.finding, s.apply = &classifiers.Finding{Fault: fault}, nil
				}
				for range 4 {
					time.Sleep(16 * time.Second)
					s.moves(node)
				}
				if narrow := s.now(node); slices.Contains(kinds(narrow), incident.Handed) != c.gaveWay || narrow.Working() == (c.gaveWay || c.passes) {
					t.Fatalf("%s: %s, after %v", narrow.State, narrow.Why, kinds(narrow))
				}
				s.finding, s.apply = &classifiers.Finding{Fault: zone}, nil
				s.Clusters["prod"].Modes[classifiers.KindZone] = policies.ModeAct
				wide := s.open("me", zone)
				if inc := s.moves(wide.ID); c.recovers != (inc.State == incident.Recovered) && !c.passes {
					t.Errorf("the zone is %s: %s", inc.State, inc.Why)
				}
			})
		})
	}
}
