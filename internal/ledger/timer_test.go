package ledger

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/internal/incident"
)

// fire subscribes to what fires.
func fire(t *testing.T, l *Ledger) <-chan Timer {
	fired := make(chan Timer, 100)
	inBackground(t, func(ctx context.Context) error {
		return l.Fired(ctx, func(_ context.Context, timer Timer) error { fired <- timer; return nil })
	})
	return fired
}

func set(t *testing.T, l *Ledger, id string, seq uint64, in time.Duration) Timer {
	t.Helper()
	timer := Timer{ID: id, Incident: incident.ID(id), ForSeq: seq, At: time.Now().Add(in).UTC().Round(0)}
	if err := l.SetTimer(t.Context(), timer); err != nil {
		t.Fatal(err)
	}
	return timer
}

func TestTimersFire(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	fired := fire(t, l)
	for name, in := range map[string]time.Duration{"past": -time.Hour, "now": 0, "soon": 50 * time.Millisecond, "later": 600 * time.Millisecond} {
		want := set(t, l, "timer "+name, 3, in) // no subject token: it must become one
		got := receive(t, fired, name)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if early := time.Until(want.At); early > 0 {
			t.Errorf("%s fired %s early", name, early)
		}
	}
	if err := l.SetTimer(t.Context(), Timer{ID: "never", At: time.Time{}}); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, fired, "timer without a time"); got.ID != "never" {
		t.Errorf("%+v fired", got)
	}
}

// inTime gives do a span, and a longer one where it says that it was over before do had said what must not come by then: a busy machine
// takes its time.
func inTime(t *testing.T, span time.Duration, do func(span time.Duration) bool) {
	t.Helper()
	for range 3 {
		if do(span) {
			return
		}
		span *= 4
	}
	t.Fatalf("this machine is too slow: %s were not enough", span/4)
}

func TestTimersAreReplacedAndCancelled(t *testing.T) {
	t.Parallel()
	inTime(t, 2*time.Second, func(span time.Duration) bool {
		l := newLedger(t)
		fired := fire(t, l)
		set(t, l, "moved", 1, time.Hour)
		set(t, l, "moved", 2, 300*time.Millisecond)
		if got := receive(t, fired, "timer that was moved nearer"); got.ForSeq != 2 {
			t.Errorf("it fired for record %d", got.ForSeq)
		}
		first := set(t, l, "moved", 3, span)
		set(t, l, "moved", 4, time.Hour)
		set(t, l, "cancelled", 1, span)
		for range 2 { // it may be repeated
			if err := l.CancelTimer(t.Context(), "cancelled"); err != nil {
				t.Fatal(err)
			}
		}
		if !time.Now().Before(first.At) {
			return false
		}
		set(t, l, "after", 1, span+500*time.Millisecond) // it comes after all that must not come
		if got := receive(t, fired, "timer"); got.ID != "after" {
			t.Errorf("%+v fired", got)
		}
		return true
	})
}

func TestTimersSurviveRestarts(t *testing.T) {
	t.Parallel()
	inTime(t, 3*time.Second, func(span time.Duration) bool { return surviveRestarts(t, span) })
}

// surviveRestarts says whether what must not come was cancelled in time.
func surviveRestarts(t *testing.T, span time.Duration) bool {
	s := startStore(t)
	l := s.ledger("one")
	set(t, l, "due-meanwhile", 1, 300*time.Millisecond)
	set(t, l, "due-later", 1, span)
	cancelled := set(t, l, "cancelled", 1, span)
	set(t, l, "replaced", 1, time.Hour)
	set(t, l, "replaced", 2, span*2/3)
	if err := l.CancelTimer(t.Context(), "cancelled"); err != nil {
		t.Fatal(err)
	}
	if !time.Now().Before(cancelled.At) {
		return false
	}
	s.stop()
	_ = sleep(t.Context(), 400*time.Millisecond) // let the first be due while nothing runs
	s.start()
	fired := fire(t, s.ledger("two"))
	got := map[string]uint64{}
	for range 3 {
		timer := receive(t, fired, "timer")
		got[timer.ID] = timer.ForSeq
	}
	if diff := cmp.Diff(map[string]uint64{"due-meanwhile": 1, "due-later": 1, "replaced": 2}, got); diff != "" {
		t.Errorf("fired (-want +got):\n%s", diff)
	}
	return true
}

func TestFiringsAreKeptUntilHandled(t *testing.T) {
	t.Parallel()
	s := startStore(t)
	l := s.ledger("one")
	calls := make(chan Timer, 10)
	n := 0
	inBackground(t, func(ctx context.Context) error {
		return l.Fired(ctx, func(_ context.Context, timer Timer) error {
			n++
			calls <- timer
			if n == 1 {
				return errors.New("not now")
			}
			return nil
		})
	})
	set(t, l, "t", 1, 0)
	first := receive(t, calls, "firing")
	if again := receive(t, calls, "firing again"); again != first {
		t.Errorf("it came again as %+v, was %+v", again, first)
	}
}

func TestTimerOfAnIncidentWaitsForItsMove(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	inc := open(t, l, "w1")
	began, release := make(chan bool, 1), make(chan struct{})
	var moving atomic.Bool
	moving.Store(true)
	inBackground(t, func(ctx context.Context) error {
		return l.Work(ctx, "recovery", func(context.Context, incident.ID) error {
			began <- true
			<-release
			moving.Store(false)
			return nil
		})
	})
	receive(t, began, "move")
	fired, kicked := make(chan Timer, 10), make(chan bool, 1)
	inBackground(t, func(ctx context.Context) error {
		return l.Fired(ctx, func(_ context.Context, timer Timer) error {
			if timer.Incident == inc.ID && moving.Load() {
				t.Error("a timer of the incident was handled during its move")
			}
			fired <- timer
			return nil
		})
	})
	inBackground(t, func(ctx context.Context) error {
		return l.Alone(ctx, inc.ID, func(context.Context) error { kicked <- moving.Load(); return nil })
	})
	set(t, l, string(inc.ID), 1, 0)
	if err := l.SetTimer(t.Context(), Timer{ID: "of nobody", At: time.Now().Add(time.Second)}); err != nil {
		t.Fatal(err)
	}
	if timer := receive(t, fired, "timer of nobody"); timer.ID != "of nobody" { // the other was delivered before it
		t.Errorf("%+v fired", timer)
	}
	close(release)
	if receive(t, kicked, "turn") {
		t.Error("Alone did not wait for the move")
	}
	if timer := receive(t, fired, "timer"); timer.Incident != inc.ID {
		t.Errorf("%+v fired", timer)
	}
}
