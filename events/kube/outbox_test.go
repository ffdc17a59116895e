package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
)

func letterTo(key, id string) events.Event {
	return events.Event{ID: id, Source: "/s", Type: events.TypeNode, Cluster: "c", Entity: key, Data: []byte(`{}`)}
}

func ids(evs []events.Event) (out []string) {
	for _, ev := range evs {
		out = append(out, ev.ID)
	}
	return out
}

// TestOutboxKeepsTheNewestWhileTheLogIsAway has the log refuse for a minute, during which objects change again.
func TestOutboxKeepsTheNewestWhileTheLogIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := newRecorder()
		var tries atomic.Int32
		var away, sent atomic.Bool
		away.Store(true)
		rec.refuse = func([]events.Event) error {
			tries.Add(1)
			if away.Load() {
				return fmt.Errorf("disk full: %w", events.ErrUnavailable)
			}
			return nil
		}
		o := newOutbox(rec, testLog(t))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); o.run(ctx) }()

		o.put("a", letterTo("a", "a1"))
		o.put("b", letterTo("b", "b1"))
		o.whenSent("w", func() { sent.Store(true) })
		o.put("c", letterTo("c", "c1"))
		time.Sleep(30 * time.Second)
		o.put("a", letterTo("a", "a2"))
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if tries.Load() > 30 || sent.Load() || len(rec.all) != 0 {
			t.Errorf("tried %d times in a minute, recorded %v, said sent: %v", tries.Load(), ids(rec.all), sent.Load())
		}
		away.Store(false)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if diff := cmp.Diff([]string{"a2", "b1", "c1"}, ids(rec.all)); diff != "" || !sent.Load() {
			t.Errorf("said sent: %v; recorded %s", sent.Load(), diff)
		}
		cancel()
		<-done
	})
}

// TestOutboxKeepsWhatArrivesDuringAnAppend has an object change while its last event is on the way.
func TestOutboxKeepsWhatArrivesDuringAnAppend(t *testing.T) {
	rec := newRecorder()
	o := newOutbox(rec, testLog(t))
	rec.refuse = func(evs []events.Event) error {
		if evs[0].ID == "a1" {
			o.put("a", letterTo("a", "a2"))
		}
		return nil
	}
	o.put("a", letterTo("a", "a1"))
	o.put("b", letterTo("b", "b1"))
	o.flush()
	if diff := cmp.Diff([]string{"a1", "b1", "a2"}, ids(rec.all)); diff != "" {
		t.Error(diff)
	}
}

func TestOutboxDropsOnlyWhatTheLogRefusesForEver(t *testing.T) {
	rec := newRecorder()
	rec.refuse = func(evs []events.Event) error {
		if slices.Contains(ids(evs), "bad") {
			return events.Permanent(errors.New("no"))
		}
		return nil
	}
	o := newOutbox(rec, testLog(t))
	for _, id := range []string{"a1", "bad", "c1"} {
		o.put(id, letterTo(id, id))
	}
	o.flush()
	if diff := cmp.Diff([]string{"a1", "c1"}, ids(rec.all)); diff != "" {
		t.Error(diff)
	}
}

func TestOutboxIsBounded(t *testing.T) {
	rec := newRecorder()
	o := newOutbox(rec, testLog(t))
	o.logger = quiet()
	for i := range maxPending + 10 {
		o.put(fmt.Sprint(i), letterTo("e", fmt.Sprint(i)))
	}
	o.put("0", letterTo("e", "newest"))
	var sent bool
	o.whenSent("list", func() { sent = true })
	if len(o.order) != maxPending+1 || o.pending["0"].event.ID != "newest" {
		t.Errorf("%d wait, the first is %q", len(o.order), o.pending["0"].event.ID)
	}
	o.flush()
	if len(rec.all) != maxPending || len(o.pending) != 0 || !sent {
		t.Errorf("recorded %d, %d left", len(rec.all), len(o.pending))
	}
}

// TestOutboxKeepsWhatIsNewNew: a repeat in place of a report that the log has not accepted yet says that anew.
func TestOutboxKeepsWhatIsNewNew(t *testing.T) {
	again := events.Again("observer/r/nodes")
	for _, c := range []struct{ first, then, want string }{
		{"observer/r/nodes", again, "observer/r/nodes"}, {again, again, again}, {again, "observer/r/nodes", "observer/r/nodes"},
	} {
		o := newOutbox(newRecorder(), nil)
		o.put("k", letterTo(c.first, "1"))
		o.put("k", letterTo(c.then, "2"))
		if _, evs := o.batch(); len(evs) != 1 || evs[0].ID != "2" || evs[0].Entity != c.want {
			t.Errorf("%s, then %s: got %+v, want one of %s", c.first, c.then, evs, c.want)
		}
	}
}
