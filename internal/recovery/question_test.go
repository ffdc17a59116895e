package recovery

import (
	"slices"
	"testing"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

func TestWhoDeclaredIt(t *testing.T) {
	for name, c := range map[string]struct {
		said func(now time.Time) events.Declared
		want string
	}{
		"it stands":        {func(now time.Time) events.Declared { return events.Declared{By: "ada", Until: now.Add(time.Hour)} }, "ada"},
		"it is over":       {func(now time.Time) events.Declared { return events.Declared{By: "ada", Until: now} }, ""},
		"it is taken back": {func(time.Time) events.Declared { return events.Declared{By: "bob", Ended: true} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				s.said = map[string]classifiers.DeclaredView{"node/node/w1": {Declared: c.said(time.Now())}}
				s.moves(s.opened())
				if got := s.asked[0].Incident.Declared; got != c.want {
					t.Errorf("policy was told that %q declared it, want %q", got, c.want)
				}
			})
		})
	}
}

// TestToWhereAPlanLeadsBack has a plan bring something back: policy is told from when, and who made the plan when the fault began.
func TestToWhereAPlanLeadsBack(t *testing.T) {
	play(t, func(s *stage) {
		at := time.Now().Add(-time.Hour)
		s.finding.Since = time.Now().Add(-time.Minute)
		s.plans = func(p *responders.Plan) { p.Steps[0].Change.Point = &responders.RecoveryPoint{Name: "nightly", At: at} }
		s.moves(s.opened())
		want := policies.RecoveryPoint{Name: "nightly", At: at.UTC().Format(time.RFC3339), AgeS: s.asked[0].Now.Sub(at).Seconds()}
		if got := s.asked[0].Plan.RecoveryPoint; got != want {
			t.Errorf("policy was told of %+v, want %+v", got, want)
		}
		if since := s.finding.Since; since.IsZero() || !s.since.Equal(since) {
			t.Errorf("the plan was made for what is broken since %s, want %s", s.since, since)
		}
	})
}

// TestEarlier says which of two beginnings counts.
func TestEarlier(t *testing.T) {
	first := time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC)
	later, none := first.Add(time.Minute), time.Time{}
	for _, c := range []struct{ a, b, want time.Time }{{first, later, first}, {later, first, first}, {none, later, later}, {first, none, first}, {none, none, none}} {
		if got := earlier(c.a, c.b); !got.Equal(c.want) {
			t.Errorf("of %s and %s: %s", c.a, c.b, got)
		}
	}
}

// TestOnlyTheRunbookThatIsMeant is tried where a person wants it to run, for as long as that stands.
func TestOnlyTheRunbookThatIsMeant(t *testing.T) {
	for name, c := range map[string]struct {
		runbook string
		ended   bool
		want    []string
	}{
		"one is meant":        {"third", false, []string{"third"}},
		"none is":             {"", false, []string{"book", "second", "third"}},
		"there is none of it": {"gone", false, nil},
		"it is taken back":    {"third", true, []string{"book", "second", "third"}},
	} {
		play(t, func(s *stage) {
			s.books = []string{"book", "second", "third"}
			s.verdict = func(policies.Question) policies.Verdict { return policies.Deny }
			s.said = map[string]classifiers.DeclaredView{"node/node/w1": {Declared: events.Declared{By: "ada", Until: time.Now().Add(time.Hour), Runbook: c.runbook, Ended: c.ended}}}
			s.moves(s.opened())
			var tried []string
			for _, q := range s.asked {
				if q.Plan.Runbook != "" && !slices.Contains(tried, q.Plan.Runbook) {
					tried = append(tried, q.Plan.Runbook)
				}
			}
			if !slices.Equal(tried, c.want) {
				t.Errorf("%s: tried %v, want %v", name, tried, c.want)
			}
		})
	}
}

// TestWhyTheLastPlanStopped: what was said of anything else is not why it did.
func TestWhyTheLastPlanStopped(t *testing.T) {
	history := []incident.Sequenced{
		{Record: incident.Record{Kind: incident.Opened, Text: "worker-1 is silent"}},
		{Record: incident.Record{Kind: incident.Failed, Text: "the node is not off"}},
		{Record: incident.Record{Kind: incident.Decided, Text: "act: only worker-1 is.since"}},
		{Record: incident.Record{Kind: incident.Checked, Text: "1 of 2 pods is ready"}},
		{Record: incident.Record{Kind: incident.Handed, Text: "3 plans were tried"}},
	}
	for n, want := range []string{"", "", "the node is not off", "the node is not off", "1 of 2 pods is ready", "1 of 2 pods is ready"} {
		if got := stopCause(&incident.Incident{History: history[:n]}); got != want {
			t.Errorf("after %d records it is %q, want %q", n, got, want)
		}
	}
}

// TestWhatWasReadAMomentAgo serves what may run; only what may not is asked about again, and never worked out again.
func TestWhatWasReadAMomentAgo(t *testing.T) {
	for name, c := range map[string]struct {
		verdict policies.Verdict
		asked   int // a decision, and a gate before each of two steps
	}{
		"approved":    {policies.Ask, 3},
		"not allowed": {policies.Deny, 2},
	} {
		play(t, func(s *stage) {
			made := 0
			s.plans = func(*responders.Plan) { made++ }
			id := asks(s)
			s.say(id, incident.Approve, "ada", "sre")
			s.verdict = func(policies.Question) policies.Verdict { return c.verdict }
			time.Sleep(standsFor / 2)
			s.asked, made = nil, 0
			s.moves(id)
			if len(s.asked) != c.asked || made != 1 {
				t.Errorf("%s: asked %d times about %d plans, want %d times about one", name, len(s.asked), made, c.asked)
			}
		})
	}
}
