package ledger

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/salvor-io/salvor/internal/incident"
)

func compact(t *testing.T, l *Ledger) {
	t.Helper()
	if err := l.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestCompactKeepsTheLast(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	l, other := s.ledger("one"), s.ledger("two")
	lives := acting(t, l, "w0", "w0")
	if _, err := l.AppendIntent(t.Context(), lives, intent(0), claim("w0"), "gate"); err != nil {
		t.Fatal(err)
	}
	var was []*incident.Incident
	for range 3 { // the same fault again and again
		was = append(was, ended(t, l, "w1"))
	}
	was = append(was, load(t, l, lives.ID))
	budget, _ := stand(t, l)
	key := keySubject(was[0].Key)
	if n := messages(t, l, IncidentsStream, budgetSubject) + messages(t, l, IncidentsStream, key); n < 10 {
		t.Fatalf("there are %d revisions: too few to tell anything", n)
	}
	stale := staleBudget(t, other)
	for range 2 {
		compact(t, l)
		for _, subject := range []string{budgetSubject, key} {
			if n := messages(t, l, IncidentsStream, subject); n != 1 {
				t.Errorf("%s has %d revisions, want the last", subject, n)
			}
		}
	}
	after, _ := stand(t, l)
	if diff := cmp.Diff(budget.Holdings, after.Holdings); diff != "" {
		t.Errorf("the budget changed (-was +is):\n%s", diff)
	}
	for _, inc := range was {
		if diff := cmp.Diff(inc, load(t, l, inc.ID)); diff != "" {
			t.Errorf("an incident changed (-was +is):\n%s", diff)
		}
	}
	if err := stale(); !errors.Is(err, errRefused) {
		t.Errorf("a write on an old budget gives %v, want it to be refused", err)
	}
	goesOn(t, l, other, lives)
}

// staleBudget writes the budget on the revision before the last.
func staleBudget(t *testing.T, l *Ledger) func() error {
	t.Helper()
	was, _ := stand(t, l)
	was.seq--
	w, _, err := l.budgetWrite(was)
	if err != nil {
		t.Fatal(err)
	}
	return func() error {
		_, err := l.publish(t.Context(), w.message())
		return err
	}
}

// goesOn uses the budget and the keys: claims are refused and taken, a fault opens and is open.
func goesOn(t *testing.T, l, other *Ledger, lives *incident.Incident) {
	t.Helper()
	again := acting(t, other, "w1", "w0", "w1")
	if _, err := other.AppendIntent(t.Context(), again, intent(0), claim("w0"), "gate"); !isHeld(err, target("w0").String(), lives.ID) {
		t.Errorf("a held target gives %v", err)
	}
	if _, err := other.AppendIntent(t.Context(), again, intent(0), claim("w1"), "gate"); err != nil {
		t.Errorf("a free target gives %v", err)
	}
	for _, inc := range []*incident.Incident{lives, again} {
		if _, err := l.OpenIncident(t.Context(), first(inc.Fault.Anchor.Name), 0); !errors.Is(err, ErrAlreadyOpen) || !strings.Contains(err.Error(), string(inc.ID)) {
			t.Errorf("opening it again gives %v", err)
		}
	}
	add(t, l, lives, done(0), incident.Record{Kind: incident.Cleared, At: noon})
	if _, err := l.Close(t.Context(), lives, incident.Record{Kind: incident.Closed, At: noon}); err != nil {
		t.Errorf("closing on compacted subjects gives %v", err)
	}
	if budget, _ := stand(t, l); len(budget.Holdings) != 1 || !budget.Holds(again.ID) {
		t.Errorf("the budget is %+v", budget)
	}
}

// What is written between the look at the last revision and the purge stays.
func TestCompactLeavesWhatIsWrittenMeanwhile(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	l, other := s.ledger("one"), s.ledger("two")
	ended(t, l, "w1")
	real := l.request
	raced := false
	l.request = func(ctx context.Context, msg *nats.Msg) (*nats.Msg, error) {
		resp, err := real(ctx, msg)
		if !raced && string(msg.Data) == `{"last_by_subj":"`+budgetSubject+`"}` {
			raced = true
			inc := acting(t, other, "w2", "w2")
			if _, err := other.AppendIntent(ctx, inc, intent(0), claim("w2"), "gate"); err != nil {
				t.Error(err)
			}
		}
		return resp, err
	}
	compact(t, l)
	if !raced {
		t.Fatal("nothing was written meanwhile")
	}
	if n := messages(t, l, IncidentsStream, budgetSubject); n != 2 {
		t.Errorf("the budget has %d revisions, want the one that was the last and the one after it", n)
	}
	if budget, _ := stand(t, l); len(budget.Holdings) != 1 {
		t.Errorf("the budget is %+v", budget)
	}
}

func TestLastCounts(t *testing.T) {
	key := *first("w1").Key
	for subject, want := range map[string]bool{
		budgetSubject: true, keySubject(key): true,
		incidentSubject("prod.eu", incident.IDOf(key, 7)): false, incidentSubject("key", incident.IDOf(key, 7)): false,
		incidentSubject("budget", incident.IDOf(key, 7)): false, incidentPrefix + "c.other.0123": false,
	} {
		if got := lastCounts(subject); got != want {
			t.Errorf("of %s only the last counts: %v, want %v", subject, got, want)
		}
	}
}
