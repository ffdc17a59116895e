package ledger

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

func TestOpenIncident(t *testing.T) {
	l := newLedger(t)
	inc := open(t, l, "worker-1")
	if inc.State != incident.Suspected || inc.Name() == "" || inc.Key.Cluster != "prod.eu" {
		t.Errorf("the incident is %+v", inc)
	}
	rec := inc.History[0]
	if rec.Writer != "one" || rec.Nonce == "" || rec.Incident != inc.ID || rec.Schema != incident.Schema || rec.StoredAt.IsZero() {
		t.Errorf("the first record is %+v", rec)
	}
	if again, err := l.OpenIncident(t.Context(), first("worker-1")); !errors.Is(err, ErrAlreadyOpen) || again != inc.ID {
		t.Errorf("opening it again gives %q, %v", again, err)
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
		if _, err := l.OpenIncident(t.Context(), rec); err == nil {
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
		var mu sync.Mutex
		ids, winners := map[incident.ID]bool{}, 0
		for n := range 6 {
			wg.Go(func() {
				id, err := ledgers[n%2].OpenIncident(t.Context(), first("worker-1"))
				mu.Lock()
				defer mu.Unlock()
				ids[id] = true
				if err == nil {
					winners++
				} else if !errors.Is(err, ErrAlreadyOpen) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(ids) != 1 || winners != 1 {
			t.Fatalf("%d won, the ids are %v", winners, ids)
		}
		for id := range ids {
			inc := load(t, ledgers[0], id)
			if len(inc.History) != 1 {
				t.Fatalf("the history has %d records", len(inc.History))
			}
			closeOf(t, ledgers[0], inc)
		}
	}
}

// closeOf ends a suspected incident.
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

func TestOpeningThatDiedIsCompleted(t *testing.T) {
	s := startStore(t)
	dying := s.ledger("dying")
	real := dying.request
	dying.request = func(ctx context.Context, msg *nats.Msg) (*nats.Msg, error) {
		if strings.HasPrefix(msg.Subject, incidentPrefix) && !strings.Contains(msg.Subject, ".key.") {
			return nil, errors.New("died before the first record")
		}
		return real(ctx, msg)
	}
	if _, err := dying.OpenIncident(t.Context(), first("worker-1")); !errors.Is(err, events.ErrUnavailable) {
		t.Fatalf("the dying opening says %v", err)
	}
	l := s.ledger("two")
	later := first("worker-1")
	later.At = noon.Add(3600e9)
	id, err := l.OpenIncident(t.Context(), later)
	if err != nil {
		t.Fatal(err)
	}
	inc := load(t, l, id)
	if seq, _ := openedAt(id); seq != 1 {
		t.Errorf("incident %s does not belong to the key that was opened", id)
	}
	if len(inc.History) != 1 || !inc.OpenedAt.Equal(later.At) || inc.History[0].Writer != "two" {
		t.Errorf("the history is %+v, want the younger judgement alone", inc.History)
	}
}

func TestUnknownSchemaIsLeftAlone(t *testing.T) {
	l := newLedger(t)
	inc := open(t, l, "worker-1")
	closeOf(t, l, inc)
	for subject, call := range map[string]func() error{
		keySubject(inc.Key): func() error { _, err := l.OpenIncident(t.Context(), first("worker-1")); return err },
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
