package clock

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// TestVirtualOrder has tasks and appointments meet at the same times: the order is that in which they were asked for.
func TestVirtualOrder(t *testing.T) {
	run := func() []string {
		v := NewVirtual(start)
		var log []string
		say := func(what string) { log = append(log, fmt.Sprint(v.Now().Sub(start), " ", what)) }
		for _, name := range []string{"a", "b"} {
			v.Go(func() {
				for n := range 2 {
					say(fmt.Sprint(name, n))
					v.Sleep(t.Context(), time.Second)
				}
			})
		}
		v.At(start.Add(time.Second), func() {
			say("appointment")
			v.Go(func() { say("within") })
		})
		off := v.At(start.Add(time.Second), func() { say("called off") })
		off()
		v.AdvanceTo(start.Add(time.Minute))
		if len(v.asleep) > 0 || !v.Now().Equal(start.Add(time.Minute)) {
			t.Fatalf("%d tasks sleep, now %s", len(v.asleep), v.Now())
		}
		return log
	}
	want := []string{"0s a0", "0s b0", "1s a1", "1s b1", "1s appointment", "1s within"}
	if got := run(); !slices.Equal(got, want) || !slices.Equal(got, run()) {
		t.Fatalf("ran %q, want %q", got, want)
	}
}

// TestVirtualContextsEndSleeps has a deadline, and an end from elsewhere, wake who sleeps.
func TestVirtualContextsEndSleeps(t *testing.T) {
	v := NewVirtual(start)
	outer, stop := context.WithCancel(t.Context())
	var ended []string
	task := func(name string, ctx context.Context) {
		v.Go(func() {
			alive := v.Sleep(ctx, time.Hour)
			ended = append(ended, fmt.Sprint(name, " ", v.Now().Sub(start), " ", alive, " ", context.Cause(ctx)))
		})
	}
	short, cancel := v.WithTimeout(outer, time.Second)
	defer cancel()
	task("short", short)
	task("outer", outer)
	v.AdvanceTo(start.Add(2 * time.Second))
	if len(v.asleep) != 1 {
		t.Fatal("the second does not sleep any more")
	}
	stop()
	v.Wake()
	want := []string{"short 1s false context deadline exceeded", "outer 2s false context canceled"}
	if !slices.Equal(ended, want) {
		t.Fatalf("ended %q, want %q", ended, want)
	}
	if at, any := v.Next(); any {
		t.Fatalf("something is still due at %s", at)
	}
}

// TestVirtualRefusesSleepOutsideATask tells a driver that would wait for itself.
func TestVirtualRefusesSleepOutsideATask(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("the driver slept")
		}
	}()
	NewVirtual(start).Sleep(t.Context(), time.Second)
}
