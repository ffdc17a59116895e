package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

func TestRacingWritersOneWins(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	writers := map[string]*Ledger{"one": s.ledger("one"), "two": s.ledger("two"), "three": s.ledger("three")}
	inc := open(t, writers["one"], "worker-1")
	const rounds = 30
	for round := range rounds {
		var wg sync.WaitGroup
		var mu sync.Mutex
		var won []string
		judged := map[string]*incident.Incident{}
		for name, l := range writers {
			judged[name] = load(t, l, inc.ID)
		}
		for name, l := range writers {
			wg.Go(func() {
				_, err := l.Append(t.Context(), judged[name], note(fmt.Sprint(name, " ", round)))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won = append(won, name)
				} else if !errors.Is(err, ErrLost) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("round %d was won by %v", round, won)
		}
		got := load(t, writers["one"], inc.ID)
		if last := got.History[len(got.History)-1]; last.Writer != won[0] || last.Text != fmt.Sprint(won[0], " ", round) {
			t.Fatalf("round %d was won by %s, the record is %+v", round, won[0], last)
		}
		if len(got.History) != round+2 {
			t.Fatalf("after round %d there are %d records", round, len(got.History))
		}
	}
}

func TestAppendMovesTheIncident(t *testing.T) {
	l := newLedger(t)
	inc := open(t, l, "worker-1")
	asked := decided(policies.Ask, "worker-1")
	asked.ViewSeq = 9
	seq, err := l.Append(t.Context(), inc, asked)
	if err != nil || inc.Seq != seq || inc.State != incident.Awaiting || inc.ViewSeq != 9 {
		t.Errorf("the incident is %s at %d, appended was %d, %v", inc.State, inc.Seq, seq, err)
	}
	before := *inc
	var refused *incident.RefusedError
	if _, err := l.Append(t.Context(), inc, incident.Record{Kind: incident.Done}); !errors.As(err, &refused) {
		t.Errorf("a record out of place gives %v", err)
	}
	if _, err := l.Append(t.Context(), &incident.Incident{}, first("worker-9")); err == nil {
		t.Error("an incident was opened by Append")
	}
	if inc.Seq != before.Seq || lastSeq(t, l) != before.Seq {
		t.Error("a refused record was written")
	}
	if err := l.Current(t.Context(), inc); err != nil {
		t.Errorf("the incident is not current: %v", err)
	}
	other := load(t, l, inc.ID)
	add(t, l, other, note("another"))
	if err := l.Current(t.Context(), inc); !errors.Is(err, ErrLost) {
		t.Errorf("the incident that lost its turn is called current: %v", err)
	}
}

// loseAnswer makes the next write to a subject get no answer: before it is sent, or after.
func loseAnswer(l *Ledger, subject string, sent bool, then func()) {
	real := l.request
	var once sync.Once
	l.request = func(ctx context.Context, msg *nats.Msg) (*nats.Msg, error) {
		lost := false
		if strings.HasPrefix(msg.Subject, subject) {
			once.Do(func() { lost = true })
		}
		if !lost {
			return real(ctx, msg)
		}
		if sent {
			if _, err := real(ctx, msg); err != nil {
				return nil, err
			}
		}
		if then != nil {
			then()
		}
		return nil, nats.ErrTimeout
	}
}

func TestLostAnswers(t *testing.T) {
	type ways struct {
		sent   bool
		rival  bool // another record follows before the ledger looks
		wants  error
		landed bool
	}
	for name, way := range map[string]ways{
		"landed":                        {sent: true, landed: true},
		"landed and was followed":       {sent: true, rival: true, landed: true},
		"did not land":                  {wants: events.ErrUnavailable},
		"did not land, another came in": {rival: true, wants: ErrLost},
	} {
		t.Run(name, func(t *testing.T) {
			s := startStore(t)
			l, rival := s.ledger("one"), s.ledger("two")
			inc := open(t, l, "worker-1")
			loseAnswer(l, incidentPrefix, way.sent, func() {
				if way.rival {
					add(t, rival, load(t, rival, inc.ID), note("rival"))
				}
			})
			was := inc.Seq
			seq, err := l.Append(t.Context(), inc, note("mine"))
			if !errors.Is(err, way.wants) {
				t.Fatalf("it says %v, want %v", err, way.wants)
			}
			if way.landed != (seq > was) || way.landed != (inc.Seq == seq) {
				t.Errorf("it says record %d, the incident is at %d, was at %d", seq, inc.Seq, was)
			}
			count := 0
			for _, rec := range load(t, rival, inc.ID).History {
				if rec.Text == "mine" {
					count++
					if rec.Seq != seq {
						t.Errorf("the record is at %d, said was %d", rec.Seq, seq)
					}
				}
			}
			if (count == 1) != way.landed || count > 1 {
				t.Errorf("the record is there %d times", count)
			}
		})
	}
}

func TestLostAnswerOfOpening(t *testing.T) {
	for _, sent := range []bool{true, false} {
		l := newLedger(t)
		loseAnswer(l, faultPrefix(*first("worker-1").Key), sent, nil)
		inc, err := l.OpenIncident(t.Context(), first("worker-1"), 0)
		if !sent {
			if !errors.Is(err, events.ErrUnavailable) {
				t.Errorf("never sent, it says %v", err)
			}
			inc, err = l.OpenIncident(t.Context(), first("worker-1"), 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		if inc := load(t, l, inc.ID); len(inc.History) != 1 {
			t.Errorf("the history has %d records", len(inc.History))
		}
	}
}

func TestCutConnection(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	l := s.ledger("one")
	inc := open(t, l, "worker-1")
	l.callWithin = callWithin
	s.stop()
	if _, err := l.Append(t.Context(), inc, note("into the void")); !errors.Is(err, events.ErrUnavailable) {
		t.Errorf("without a server it says %v", err)
	}
	if _, err := l.Load(t.Context(), inc.ID); !errors.Is(err, events.ErrUnavailable) {
		t.Errorf("without a server loading says %v", err)
	}
	s.start()
	within(t, func(ctx context.Context) {
		for ctx.Err() == nil {
			if _, err := l.Append(ctx, inc, note("back")); err == nil {
				return
			}
		}
	})
	if got := load(t, l, inc.ID); len(got.History) != 2 || got.History[1].Text != "back" {
		t.Errorf("the history is %+v", got.History)
	}
}

// TestRecordsAreChained: whoever writes a record names the one before it as it is stored, and whoever reads them finds it so, in the
// archive too. Records of before that name none are read as they are.
func TestRecordsAreChained(t *testing.T) {
	s := startStore(t)
	l := s.ledger("one")
	inc := ended(t, l, "w1")
	for _, rec := range load(t, l, inc.ID).History {
		if stored, err := l.following(t.Context(), anyIncident, rec.Seq-1); err != nil || incident.SumOf(stored.Data) != rec.Sum {
			t.Errorf("record %d has the sum %s: %v", rec.Seq, rec.Sum, err)
		}
	}
	archive(t, l)
	inc = load(t, s.ledger("two"), inc.ID)
	head := ""
	for _, rec := range inc.History {
		if rec.Prev != head || rec.Sum == "" {
			t.Errorf("%s at %d names %q before it, want %q", rec.Kind, rec.Seq, rec.Prev, head)
		}
		head = rec.Sum
	}
	if inc.Head != head || len(inc.History) < 6 {
		t.Errorf("%d records, the head is %q, want %q", len(inc.History), inc.Head, head)
	}
	old := open(t, l, "w2")
	old.Head = ""
	add(t, l, old, note("of a version that chains nothing"))
	add(t, l, load(t, l, old.ID), note("of this one"))
	if got := load(t, l, old.ID).History; got[1].Prev != "" || got[2].Prev != got[1].Sum {
		t.Errorf("the chain begins so: %q, %q", got[1].Prev, got[2].Prev)
	}
}
