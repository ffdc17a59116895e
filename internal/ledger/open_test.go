package ledger

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/salvor-io/salvor/internal/incident"
)

func TestOpenIncident(t *testing.T) {
	l := newLedger(t)
	inc := open(t, l, "worker-1")
	if inc.State != incident.Deciding || inc.Name() == "" || inc.Key.Cluster != "prod.eu" {
		t.Errorf("the incident is %+v", inc)
	}
	rec := inc.History[0]
	if rec.Writer != "one" || rec.Nonce == "" || rec.Incident != inc.ID || rec.Schema != incident.Schema || rec.StoredAt.IsZero() {
		t.Errorf("the first record is %+v", rec)
	}
	if again, err := l.OpenIncident(t.Context(), first("worker-1"), 0); !errors.Is(err, ErrAlreadyOpen) || !strings.Contains(err.Error(), string(inc.ID)) {
		t.Errorf("opening it again gives %v, %v", again, err)
	}
	if other := open(t, l, "worker-2"); other.ID == inc.ID {
		t.Errorf("two faults share incident %s", inc.ID)
	}
}

func TestOpenIncidentRefusesWhatIsNoFirstRecord(t *testing.T) {
	l := newLedger(t)
	for name, rec := range map[string]incident.Record{
		"another kind": note("x"),
		"no fault":     {Kind: incident.Opened, Key: first("w").Key},
		"no key":       {Kind: incident.Opened, Fault: first("w").Fault},
	} {
		if _, err := l.OpenIncident(t.Context(), rec, 0); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if seq := lastSeq(t, l); seq != 0 {
		t.Errorf("%d messages were written", seq)
	}
}

func TestOpenedByManyAtOnceIsOneIncident(t *testing.T) {
	s := startStore(t)
	ledgers := []*Ledger{s.ledger("one"), s.ledger("two")}
	for range 10 {
		var wg sync.WaitGroup
		won := make(chan *incident.Incident, 6)
		for n := range cap(won) {
			wg.Go(func() {
				inc, err := ledgers[n%2].OpenIncident(t.Context(), first("worker-1"), 0)
				if err == nil {
					won <- inc
				} else if !errors.Is(err, ErrAlreadyOpen) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("%d won, want one", len(won))
		}
		inc := load(t, ledgers[0], (<-won).ID)
		if len(inc.History) != 1 {
			t.Fatalf("the history has %d records", len(inc.History))
		}
		closeOf(t, ledgers[0], inc)
	}
}

// closeOf ends an incident upon which nothing was decided.
func closeOf(t *testing.T, l *Ledger, inc *incident.Incident) {
	t.Helper()
	add(t, l, inc, incident.Record{Kind: incident.Cleared, At: noon})
	if _, err := l.Close(t.Context(), inc, incident.Record{Kind: incident.Closed, At: noon}); err != nil {
		t.Fatal(err)
	}
}

func TestReopenedFaultIsANewIncident(t *testing.T) {
	s := startStore(t)
	l := s.ledger("one")
	inc := open(t, l, "worker-1")
	closeOf(t, l, inc)
	if got := load(t, l, inc.ID); got.State != incident.Ended {
		t.Fatalf("it is %s", got.State)
	}
	s.stop()
	s.start()
	again := open(t, s.ledger("one"), "worker-1")
	if again.ID == inc.ID || again.Key != inc.Key {
		t.Errorf("the fault that came back is incident %s with key %v, was %s with %v", again.ID, again.Key, inc.ID, inc.Key)
	}
	if got := load(t, l, inc.ID); got.State != incident.Ended || len(got.History) != 3 {
		t.Errorf("the old incident is %s with %d records", got.State, len(got.History))
	}
}

// TestOpeningByWhoKnowsTheLastEnd asks nothing where he is right, and opens the same where he is not.
func TestOpeningByWhoKnowsTheLastEnd(t *testing.T) {
	l := newLedger(t)
	asked := 0
	real := l.request
	l.request = func(ctx context.Context, msg *nats.Msg) (*nats.Msg, error) {
		asked++
		return real(ctx, msg)
	}
	inc, err := l.OpenIncident(t.Context(), first("worker-1"), 0)
	if err != nil || asked != 1 {
		t.Fatalf("the first says %v after %d questions", err, asked)
	}
	closeOf(t, l, inc)
	for _, wrong := range []uint64{0, inc.Seq - 1, inc.Seq + 1} {
		asked = 0
		again, err := l.OpenIncident(t.Context(), first("worker-1"), wrong)
		if err != nil || asked != 3 || again.ID == inc.ID {
			t.Fatalf("by %d it is %v, %v after %d questions", wrong, again, err, asked)
		}
		closeOf(t, l, again)
		inc = again
	}
	asked = 0
	if _, err := l.OpenIncident(t.Context(), first("worker-1"), inc.Seq); err != nil || asked != 1 {
		t.Errorf("by the last end it says %v after %d questions", err, asked)
	}
}

// TestOpeningByWhoLookedLongAgo: whoever looked, and was stopped before the write, opens nothing on what has passed since, be it
// still there or archived.
func TestOpeningByWhoLookedLongAgo(t *testing.T) {
	for name, passes := range map[string]func(*Ledger){
		"opened":              func(l *Ledger) { open(t, l, "worker-1") },
		"opened and closed":   func(l *Ledger) { closeOf(t, l, open(t, l, "worker-1")) },
		"closed and archived": func(l *Ledger) { closeOf(t, l, open(t, l, "worker-1")); archive(t, l) },
		"twice, and compacted": func(l *Ledger) {
			for range 2 {
				closeOf(t, l, open(t, l, "worker-1"))
			}
			archive(t, l)
			compact(t, l)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startStore(t)
			slow, l := s.ledger("slow"), s.ledger("two")
			slow.request = meanwhile(slow, func() { passes(l) })
			inc, err := slow.OpenIncident(t.Context(), first("worker-1"), 0)
			if name == "opened" {
				if !errors.Is(err, ErrAlreadyOpen) {
					t.Errorf("it says %v, %v", inc, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.ledger("three").OpenIncident(t.Context(), first("worker-1"), 0); !errors.Is(err, ErrAlreadyOpen) {
				t.Errorf("once more it says %v", err)
			}
			if got := load(t, l, inc.ID); len(got.History) != 1 || got.History[0].Writer != "slow" || strings.HasSuffix(string(inc.ID), "-0") {
				t.Errorf("incident %s has the history %+v", inc.ID, got.History)
			}
			closeOf(t, l, load(t, l, inc.ID))
		})
	}
}

// meanwhile calls f once, between the first question of a ledger and its first write.
func meanwhile(l *Ledger, f func()) func(context.Context, *nats.Msg) (*nats.Msg, error) {
	real := l.request
	return func(ctx context.Context, msg *nats.Msg) (*nats.Msg, error) {
		if strings.HasPrefix(msg.Subject, incidentPrefix) && f != nil {
			f()
			f = nil
		}
		return real(ctx, msg)
	}
}

func TestUnknownSchemaIsLeftAlone(t *testing.T) {
	l := newLedger(t)
	inc := open(t, l, "worker-1")
	closeOf(t, l, inc)
	for subject, call := range map[string]func() error{
		keySubject(inc.Key): func() error { _, err := l.OpenIncident(t.Context(), first("worker-1"), 0); return err },
		budgetSubject:       func() error { _, err := l.Budget(t.Context()); return err },
		incidentSubject("prod.eu", inc.ID): func() error {
			_, err := l.Load(t.Context(), inc.ID)
			if err != nil {
				return errors.Join(err, ErrNewer) // the state machine has the words for it
			}
			return nil
		},
	} {
		if _, err := l.js.Publish(t.Context(), subject, []byte(`{"schema":2,"nonce":"x","kind":{"of":"another shape"}}`)); err != nil {
			t.Fatal(err)
		}
		before := lastSeq(t, l)
		if err := call(); !errors.Is(err, ErrNewer) {
			t.Errorf("%s of schema 2 gives %v", subject, err)
		}
		if lastSeq(t, l) != before {
			t.Errorf("%s of schema 2 was written to", subject)
		}
	}
}
