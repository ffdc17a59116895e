package kube

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/salvor-io/salvor/events"
)

func testDesk(t *testing.T, log Appender) desk {
	return desk{cluster: "c", replica: "r", out: newOutbox(log, testLog(t)), log: testLog(t)}
}

// flush hands what waits in the outbox to the log.
func (o *outbox) flush() {
	for {
		keys, evs := o.batch()
		if len(keys) == 0 {
			return
		}
		if err := o.append(context.Background(), evs); err != nil {
			panic(err)
		}
		o.settle(keys, evs)
	}
}

func seen(name string, edits ...func(*corev1.Node)) sighted {
	return see(project(testNode(name, edits...)))
}

// TestRosterPublishesWhatChanged plays what a watch may bring against what must be told of it.
func TestRosterPublishesWhatChanged(t *testing.T) {
	all := func(ns ...sighted) []sighted { return ns }
	list := func(v string, ns ...sighted) func(*roster) {
		return func(r *roster) { r.replace(all(ns...), nil, v) }
	}
	put := func(n sighted) func(*roster) { return func(r *roster) { r.put(n) } }
	remove := func(n sighted) func(*roster) { return func(r *roster) { r.remove(n) } }
	for name, c := range map[string]struct {
		known []sighted
		steps []func(*roster)
		want  []string
	}{
		"first list":           {nil, []func(*roster){list("5", seen("b"), seen("a"))}, []string{"a True", "b True"}},
		"known already":        {all(seen("a")), []func(*roster){list("5", seen("a", version("3")))}, nil},
		"changed while down":   {all(seen("a")), []func(*roster){list("5", seen("a", version("3"), notReady))}, []string{"a Unknown"}},
		"deleted while down":   {all(seen("a"), seen("b")), []func(*roster){list("5", seen("b"))}, []string{"a gone"}},
		"recreated while down": {all(seen("a")), []func(*roster){list("5", seen("a", uid("new"), version("3")))}, []string{"a gone", "a True"}},
		"view is ahead of the list": {all(seen("a", version("9"), notReady), seen("b", version("8"))),
			[]func(*roster){list("5", seen("a", version("3")))}, nil},
		"view knows a successor already":   {all(seen("a", uid("new"), version("9"))), []func(*roster){list("5", seen("a"))}, nil},
		"versions that cannot be compared": {all(seen("a", version("xyz"))), []func(*roster){list("5", seen("b"))}, []string{"a gone", "b True"}},
		"heartbeats": {nil, []func(*roster){list("5", seen("a")), put(seen("a", version("6"), heartbeat)), put(seen("a", version("7"), heartbeat))},
			[]string{"a True"}},
		"flaps": {nil, []func(*roster){list("5", seen("a")), put(seen("a", version("6"), notReady)), put(seen("a", version("7"))), put(seen("a", version("8"), notReady))},
			[]string{"a True", "a Unknown", "a True", "a Unknown"}},
		"versions going backwards": {nil, []func(*roster){list("5", seen("a", version("5"))), put(seen("a", version("4"), notReady)), remove(seen("a", version("3")))},
			[]string{"a True"}},
		"created, deleted": {nil, []func(*roster){list("5"), put(seen("a", version("6"))), remove(seen("a", version("7"), cordoned))},
			[]string{"a True", "a gone"}},
		"recreated": {nil, []func(*roster){list("5", seen("a")), remove(seen("a", version("6"))), put(seen("a", uid("new"), version("7")))},
			[]string{"a True", "a gone", "a True"}},
		"recreated, deletion missed": {nil, []func(*roster){list("5", seen("a")), put(seen("a", uid("new"), version("7"))), remove(seen("a", version("6")))},
			[]string{"a True", "a gone", "a True"}},
		"late word of a predecessor's end": {nil, []func(*roster){list("9", seen("a", uid("new"), version("8"))), remove(seen("a", version("10")))},
			[]string{"a True"}},
		"late word of a predecessor": {nil, []func(*roster){list("9", seen("a", uid("new"), version("8"))), put(seen("a", version("7")))},
			[]string{"a True"}},
		"relist": {nil, []func(*roster){list("5", seen("a"), seen("b")), list("9", seen("b", version("8"), cordoned), seen("c", version("9")))},
			[]string{"a True", "b True", "a gone", "b True cordoned", "c True"}},
		"unreadable is not absent": {nil, []func(*roster){list("5", seen("a"), seen("b")), func(r *roster) { r.replace(all(seen("b")), []string{"a"}, "9") }},
			[]string{"a True", "b True"}},
		"nothing before the first list": {nil, []func(*roster){put(seen("a")), remove(seen("a"))}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			rec := newRecorder()
			for _, n := range c.known {
				rec.nodes[n.Name] = n.Node
			}
			d := testDesk(t, rec)
			r := newRoster(d, rec)
			for _, step := range c.steps {
				step(r)
				d.out.flush()
			}
			if diff := cmp.Diff(c.want, rec.told()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestRosterEventIdentity has two replicas see the same changes at their own pace: each change is one event.
func TestRosterEventIdentity(t *testing.T) {
	rec := newRecorder()
	a, b := newRoster(testDesk(t, rec), rec), newRoster(testDesk(t, rec), rec)
	changes := []func(*roster){
		func(r *roster) { r.replace([]sighted{seen("n")}, nil, "5") },
		func(r *roster) { r.put(seen("n", version("6"), notReady)) },
		func(r *roster) { r.put(seen("n", version("7"), cordoned)) },
		func(r *roster) { r.remove(seen("n", version("8"))) },
		func(r *roster) { r.put(seen("n", version("9"), uid("new"))) },
	}
	for _, change := range changes {
		for _, r := range []*roster{a, b} {
			change(r)
			r.desk.out.flush()
		}
	}
	want := []string{"n True", "n Unknown", "n True cordoned", "n gone", "n True"}
	if diff := cmp.Diff(want, rec.told()); diff != "" {
		t.Error(diff)
	}
	late := newRoster(testDesk(t, rec), rec) // a third one starts, and sees a later version that says the same
	late.replace([]sighted{seen("n", version("12"), uid("new"), heartbeat)}, nil, "13")
	late.desk.out.flush()
	if diff := cmp.Diff(want, rec.told()); diff != "" {
		t.Errorf("a third replica: %s", diff)
	}
}

func TestRosterReviewMendsLastingDifferences(t *testing.T) {
	rec := newRecorder()
	d := testDesk(t, rec)
	r := newRoster(d, rec)
	r.replace([]sighted{seen("a"), seen("b")}, nil, "5")
	d.out.flush()
	review := func() []string {
		before := len(rec.told())
		r.review()
		d.out.flush()
		return rec.told()[before:]
	}
	if told := append(review(), review()...); len(told) != 0 {
		t.Fatalf("nothing differs, yet told %q", told)
	}
	stray := seen("a", version("4"), notReady) // another replica said so and died before it said that a is well again
	r.put(seen("a", version("6")))
	rec.nodes["a"] = stray.Node
	rec.nodes["ghost"] = seen("ghost").Node
	delete(rec.nodes, "b")
	rec.ids = map[string]bool{} // the log's memory of ids has passed
	if told := review(); len(told) != 0 {
		t.Errorf("a difference seen once, told %q", told)
	}
	if diff := cmp.Diff([]string{"ghost gone", "a True", "b True"}, review()); diff != "" {
		t.Error(diff)
	}
	rec.nodes["a"] = seen("a", version("99"), notReady).Node
	if told := append(review(), review()...); len(told) != 0 {
		t.Errorf("the view is ahead of the watch, yet told %q", told)
	}
}

// TestRosterGoneKeepsLastState is what the record of a deletion shows.
func TestRosterGoneKeepsLastState(t *testing.T) {
	rec := newRecorder()
	d := testDesk(t, rec)
	r := newRoster(d, rec)
	r.replace([]sighted{seen("a")}, nil, "5")
	d.out.flush()
	r.remove(seen("a", version("7"), cordoned))
	d.out.flush()
	ev := rec.all[len(rec.all)-1]
	got := decode[events.Node](ev)
	if ev.ID != "node/uid-a/gone" || !got.Gone || !got.Unschedulable || got.ResourceVersion != "7" {
		t.Errorf("told %s %+v", ev.ID, got)
	}
	if want := fmt.Sprintf("node/%s", got.Name); ev.Entity != want {
		t.Errorf("entity %q, want %q", ev.Entity, want)
	}
}
