package ledger

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/salvor-io/salvor/internal/incident"
)

// watched is a follower that may stop at its first record until it is let go.
type watched struct {
	records  chan incident.Sequenced
	caughtUp chan bool
	stopped  chan bool
	letGo    chan bool
}

func watch(t *testing.T, l *Ledger, stops bool) watched {
	w := watched{make(chan incident.Sequenced, 2000), make(chan bool, 10), make(chan bool), make(chan bool)}
	inBackground(t, func(ctx context.Context) error {
		return l.Follow(ctx, func(rec incident.Sequenced) error {
			w.records <- rec
			if stops {
				stops = false
				close(w.stopped)
				select {
				case <-w.letGo:
				case <-ctx.Done():
				}
			}
			return nil
		}, func() { w.caughtUp <- true })
	})
	return w
}

// of are the records of an incident that came so far, which must be all that came.
func (w watched) of(t *testing.T, id incident.ID) []incident.Sequenced {
	t.Helper()
	var recs []incident.Sequenced
	for len(w.records) > 0 {
		if rec := <-w.records; rec.Incident == id {
			recs = append(recs, rec)
		}
	}
	return recs
}

// gives fails the test unless the records are the history of the incident, each once and in order.
func gives(t *testing.T, recs []incident.Sequenced, want *incident.Incident) {
	t.Helper()
	got, err := incident.Fold(recs)
	if err != nil {
		t.Fatalf("of %d records, want %d: %v", len(recs), len(want.History), err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what was followed is not what was there (-want +followed):\n%s", diff)
	}
}

// An incident that is purged in the midst of its replay comes to its end nevertheless, and the history has an end.
func TestFollowWhileItsHistoryIsPurged(t *testing.T) {
	for name, follows := range map[string]bool{"and more follows": true, "and nothing follows": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startStore(t)
			l := s.ledger("one")
			inc := open(t, l, "w1")
			for n := range pullMessages + 20 { // more than are on their way at once
				add(t, l, inc, note(fmt.Sprint(n)))
			}
			closeOf(t, l, inc)
			was := load(t, l, inc.ID)
			if follows {
				open(t, l, "w2")
			}
			w := watch(t, s.ledger("two"), true)
			receive(t, w.stopped, "first record")
			archive(t, l)
			archivedAs(t, l, was)
			close(w.letGo)
			receive(t, w.caughtUp, "word that it caught up")
			gives(t, w.of(t, inc.ID), was)
		})
	}
}

// The record that the history was to end with is purged before anything of it comes.
func TestFollowWhoseTargetIsPurged(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	l, follows := s.ledger("one"), s.ledger("two")
	inc := ended(t, l, "w1")
	real := follows.request
	purged := false
	follows.request = func(ctx context.Context, msg *nats.Msg) (*nats.Msg, error) {
		resp, err := real(ctx, msg)
		if !purged && strings.Contains(string(msg.Data), `"`+anyIncident+`"`) {
			purged = true
			archive(t, l)
		}
		return resp, err
	}
	w := watch(t, follows, false)
	receive(t, w.caughtUp, "word that it caught up")
	if recs := w.of(t, inc.ID); !purged || len(recs) != 0 {
		t.Errorf("%d records of an archived incident came", len(recs))
	}
	next := open(t, l, "w2")
	if rec := receive(t, w.records, "record"); rec.Incident != next.ID {
		t.Errorf("a record of %s came", rec.Incident)
	}
}

// A follower that was cut off while an incident ended and was archived learns of its end.
func TestFollowAfterItWasCutOff(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	l, follows := s.ledger("one"), s.ledger("two")
	w := watch(t, follows, true)
	receive(t, w.caughtUp, "word that it caught up")
	inc := open(t, l, "w1")
	receive(t, w.stopped, "first record")
	s.restart()
	add(t, l, inc, note("a"))
	closeOf(t, l, inc)
	was := load(t, l, inc.ID)
	archive(t, l)
	next := open(t, l, "w2")
	close(w.letGo)
	var recs []incident.Sequenced
	came := false
	for !came || len(recs) < len(was.History) {
		if rec := receive(t, w.records, "record"); rec.Incident == inc.ID {
			recs = append(recs, rec)
		} else {
			came = rec.Incident == next.ID
		}
	}
	gives(t, recs, was)
	if len(w.caughtUp) != 0 {
		t.Error("it caught up twice")
	}
}

// Where the rest of an incident is nowhere any more, following goes on.
func TestFollowOfWhatIsInNoPlace(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	said := journal(t, l)
	inc := ended(t, l, "w1")
	archive(t, l)
	subject := incidentSubject("prod.eu", inc.ID)
	if err := l.purge(t.Context(), ArchiveStream, archiveSubject(subject)); err != nil {
		t.Fatal(err)
	}
	caughtUp := false
	f := &follower{ledger: l, begun: map[string]uint64{subject: inc.History[1].Seq}, last: inc.Seq, patience: callWithin,
		fold: func(rec incident.Sequenced) error { return fmt.Errorf("record %d came", rec.Seq) }, caughtUp: func() { caughtUp = true }}
	if err := f.place(t.Context()); err != nil || !caughtUp || !strings.Contains(said(), subject) {
		t.Errorf("it says %v, caught up: %v, the log:\n%s", err, caughtUp, said())
	}
}
