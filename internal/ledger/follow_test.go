package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/internal/incident"
)

func TestFollowGivesEachRecordOnceInOrder(t *testing.T) {
	s := startStore(t)
	l := s.ledger("one")
	inc := acting(t, l, "w1", "w1") // two records
	if _, err := l.AppendIntent(t.Context(), inc, intent(0), claim("w1"), "gate"); err != nil {
		t.Fatal(err)
	}
	came := make(chan incident.Sequenced, 100)
	caughtUp := make(chan int, 10)
	inBackground(t, func(ctx context.Context) error {
		return s.ledger("two").Follow(ctx, func(rec incident.Sequenced) error {
			came <- rec
			return nil
		}, func() { caughtUp <- len(came) })
	})
	if n := receive(t, caughtUp, "word that it caught up"); n != 3 {
		t.Errorf("it had caught up after %d records, want 3", n)
	}
	var want []string
	for round := range 3 {
		for n := range 5 {
			text := fmt.Sprint(round, ".", n)
			want = append(want, text)
			add(t, l, inc, note(text))
		}
		s.restart()
	}
	var got []incident.Sequenced
	var texts []string
	for range 3 + len(want) {
		rec := receive(t, came, "record")
		got = append(got, rec)
		if rec.Kind == incident.Noted {
			texts = append(texts, rec.Text)
		}
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	folded, err := incident.Fold(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(load(t, l, inc.ID), folded); diff != "" {
		t.Errorf("what was followed is not what is loaded (-loaded +followed):\n%s", diff)
	}
	if len(came) != 0 || len(caughtUp) != 0 {
		t.Errorf("%d records and %d words of catching up too many", len(came), len(caughtUp))
	}
}

func TestFollowOfAnEmptyLedger(t *testing.T) {
	l := newLedger(t)
	caughtUp := make(chan bool, 1)
	stop := errors.New("enough")
	ended := make(chan error, 1)
	go func() {
		ended <- l.Follow(t.Context(), func(incident.Sequenced) error { return stop }, func() { caughtUp <- true })
	}()
	receive(t, caughtUp, "word that it caught up")
	open(t, l, "w1")
	if err := receive(t, ended, "end"); !errors.Is(err, stop) {
		t.Errorf("it ended with %v", err)
	}
}

func TestFollowGivesUnreadableRecordsToBeRefused(t *testing.T) {
	l := newLedger(t)
	inc := open(t, l, "w1")
	for _, text := range []string{`{"schema":2,"kind":{}}`, `not json`, `{"schema":1,"kind":{}}`} {
		if _, err := l.js.Publish(t.Context(), incidentSubject("prod.eu", inc.ID), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	came := make(chan incident.Sequenced, 10)
	inBackground(t, func(ctx context.Context) error {
		return l.Follow(ctx, func(rec incident.Sequenced) error { came <- rec; return nil }, nil)
	})
	receive(t, came, "first record")
	for range 3 {
		rec := receive(t, came, "unreadable record")
		if rec.Incident != inc.ID {
			t.Errorf("it is of incident %q", rec.Incident)
		}
		if err := inc.Apply(rec); err == nil {
			t.Errorf("record %+v is believed", rec)
		}
	}
	if _, err := l.Load(t.Context(), inc.ID); err == nil {
		t.Error("a history that cannot be read is loaded")
	}
}

func TestLoadOfALongHistory(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	inc := open(t, l, "w1")
	var wg sync.WaitGroup
	for n := range 6 { // other incidents in between
		wg.Go(func() { open(t, l, fmt.Sprint("other-", n)) })
	}
	const records = readAtOnce + 20
	for n := range records {
		add(t, l, inc, note(fmt.Sprint(n)))
	}
	wg.Wait()
	got := load(t, l, inc.ID)
	if len(got.History) != records+1 || got.Seq != inc.Seq {
		t.Fatalf("%d records to %d, want %d to %d", len(got.History), got.Seq, records+1, inc.Seq)
	}
	for n, rec := range got.History[1:] {
		if rec.Text != fmt.Sprint(n) {
			t.Fatalf("record %d is %q", n, rec.Text)
		}
	}
}

func TestFind(t *testing.T) {
	l := newLedger(t)
	if _, err := l.Find(t.Context(), "inc-2222"); !errors.Is(err, ErrNotFound) {
		t.Errorf("in an empty ledger it finds %v", err)
	}
	inc, other := open(t, l, "w1"), open(t, l, "w2")
	for _, text := range []string{string(inc.ID), inc.Name(), string(inc.ID[:6])} {
		if id, err := l.Find(t.Context(), text); err != nil || id != inc.ID {
			t.Errorf("%q is %q, %v", text, id, err)
		}
	}
	closeOf(t, l, inc)
	again := open(t, l, "w1") // the same hash
	if _, err := l.Find(t.Context(), string(inc.ID[:6])); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("two of a name give %v", err)
	}
	if id, err := l.Find(t.Context(), again.Name()); err != nil || id != again.ID {
		t.Errorf("%q is %q, %v", again.Name(), id, err)
	}
	for _, text := range []string{"", "*", ">", "inc-none", string(other.ID) + "0"} {
		if id, err := l.Find(t.Context(), text); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q is %q, %v", text, id, err)
		}
		if _, err := l.Load(t.Context(), incident.ID(text)); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q is loaded: %v", text, err)
		}
	}
}
