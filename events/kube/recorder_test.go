package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	coordv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/salvor-io/salvor/events"
)

// recorder is a log and the view folded from it: ids are recorded once, nodes and leases are folded by version.
type recorder struct {
	mu     sync.Mutex
	all    []events.Event
	ids    map[string]bool
	nodes  map[string]events.Node
	leases map[string]events.Lease
	pods   map[string]events.Pod
	works  map[string]events.Workload
	things map[string]events.Object
	refuse func([]events.Event) error
	grown  chan struct{} // closed and replaced at each append
}

func newRecorder() *recorder {
	return &recorder{ids: map[string]bool{}, nodes: map[string]events.Node{}, leases: map[string]events.Lease{}, pods: map[string]events.Pod{},
		works: map[string]events.Workload{}, things: map[string]events.Object{}, grown: make(chan struct{})}
}

func (r *recorder) Append(_ context.Context, evs ...events.Event) ([]events.Receipt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		if err := r.refuse(evs); err != nil {
			return nil, err
		}
	}
	var out []events.Receipt
	for _, ev := range evs {
		out = append(out, events.Receipt{Seq: uint64(len(r.all) + 1), Duplicate: r.ids[ev.ID]})
		if !r.ids[ev.ID] {
			r.ids[ev.ID] = true
			r.all = append(r.all, ev)
			r.fold(ev)
		}
	}
	close(r.grown)
	r.grown = make(chan struct{})
	return out, nil
}

func (r *recorder) fold(ev events.Event) {
	switch ev.Type {
	case events.TypeNode:
		n := decode[events.Node](ev)
		switch old, ok := r.nodes[n.Name]; {
		case n.Gone && ok && old.UID == n.UID:
			delete(r.nodes, n.Name)
		case !n.Gone && (!ok || !older(n.ResourceVersion, old.ResourceVersion)):
			r.nodes[n.Name] = n
		}
	case events.TypeLease:
		l := decode[events.Lease](ev)
		if old, ok := r.leases[l.Node]; !ok || !older(l.ResourceVersion, old.ResourceVersion) {
			r.leases[l.Node] = l
		}
	case events.TypePod:
		p := decode[events.Pod](ev)
		foldInto(r.pods, seenPod{Pod: p}, p, r.pods[p.Namespace+"/"+p.Name].UID, p.Gone || p.Trouble == "")
	case events.TypeWorkload:
		w := decode[events.Workload](ev)
		foldInto(r.works, seenWorkload{Workload: w}, w, r.works[w.Kind+"/"+w.Namespace+"/"+w.Name].UID, w.Gone)
	case events.TypeObject:
		o := decode[events.Object](ev)
		foldInto(r.things, seenObject{o}, o, r.things[o.Kind+"/"+o.Namespace+"/"+o.Name].UID, o.Gone)
	}
}

// foldInto keeps the last state of an object, in the order of arrival.
func foldInto[P any](into map[string]P, id interface{ identity() identity }, one P, known string, ended bool) {
	key := id.identity().key
	switch {
	case ended && known == id.identity().uid:
		delete(into, key)
	case !ended:
		into[key] = one
	}
}

func (r *recorder) KnownPods(string) map[string]events.Pod {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.pods)
}

func (r *recorder) KnownWorkloads(string) map[string]events.Workload {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.works)
}

func (r *recorder) KnownObjects(_, kind string) map[string]events.Object {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := maps.Clone(r.things)
	maps.DeleteFunc(out, func(_ string, o events.Object) bool { return o.Kind != kind })
	return out
}

// others is what was recorded of all but nodes and leases, each in short: "pod/shop/web-1 NotReady", "pod/shop/web-1 gone", and of
// what is well "pod/shop/web-1 -". What is no pod and was found gone in a list is "found gone".
func (r *recorder) others() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, ev := range r.all {
		var what string
		var gone, missed bool
		switch ev.Type {
		case events.TypePod:
			p := decode[events.Pod](ev)
			what, gone = p.Trouble, p.Gone
		case events.TypeWorkload:
			w := decode[events.Workload](ev)
			what, gone, missed = w.Revision, w.Gone, w.Missed
			if !w.Healthy() {
				what += " sick"
			}
		case events.TypeObject:
			o := decode[events.Object](ev)
			what, gone, missed = o.Phase, o.Gone, o.Missed
		default:
			continue
		}
		if gone {
			what = "gone"
		}
		if missed {
			what = "found gone"
		}
		out = append(out, ev.Entity+" "+cmp.Or(what, "-"))
	}
	return out
}

func (r *recorder) heard(entry string) func() bool {
	return func() bool { return slices.Contains(r.others(), entry) }
}

func decode[P any](ev events.Event) P {
	var payload P
	if err := json.Unmarshal(ev.Data, &payload); err != nil {
		panic(err)
	}
	return payload
}

func (r *recorder) Known(string) map[string]events.Node {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]events.Node{}
	for k, v := range r.nodes {
		out[k] = v
	}
	return out
}

func (r *recorder) KnownLeases(string) map[string]events.Lease {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]events.Lease{}
	for k, v := range r.leases {
		out[k] = v
	}
	return out
}

// told is what was recorded of nodes and leases, each in short: "a True", "a gone", "a fresh", "a stale".
func (r *recorder) told() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, ev := range r.all {
		switch ev.Type {
		case events.TypeNode:
			n := decode[events.Node](ev)
			what := n.Ready.Status
			if n.Unschedulable {
				what += " cordoned"
			}
			if n.Gone {
				what = "gone"
			}
			out = append(out, n.Name+" "+what)
		case events.TypeLease:
			l := decode[events.Lease](ev)
			out = append(out, l.Node+" "+string(l.State))
		}
	}
	return out
}

func (r *recorder) count(entry string) (n int) {
	for _, t := range r.told() {
		if t == entry {
			n++
		}
	}
	return n
}

// sight is the last observer event of a watch.
func (r *recorder) sight(watch string) (last events.Observer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ev := range r.all {
		if ev.Type == events.TypeObserver {
			if o := decode[events.Observer](ev); o.Watch == watch {
				last = o
			}
		}
	}
	return last
}

// wait waits until cond holds of what was recorded.
func (r *recorder) wait(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	for {
		r.mu.Lock()
		grown := r.grown
		r.mu.Unlock()
		if cond() {
			return
		}
		select {
		case <-grown:
		case <-deadline:
			t.Fatalf("waited in vain until %s; recorded: %q, %q; nodes seen: %+v; leases seen: %+v", what, r.told(), r.others(), r.sight("nodes"), r.sight("leases"))
		}
	}
}

// testNode is a ready node of version 1; edits change it.
func testNode(name string, edits ...func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, UID: types.UID("uid-" + name), ResourceVersion: "1",
			CreationTimestamp: metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
		},
		Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady"}}},
	}
	for _, edit := range edits {
		edit(n)
	}
	return n
}

func version(v string) func(*corev1.Node) { return func(n *corev1.Node) { n.ResourceVersion = v } }
func uid(u string) func(*corev1.Node)     { return func(n *corev1.Node) { n.UID = types.UID(u) } }
func cordoned(n *corev1.Node)             { n.Spec.Unschedulable = true }
func notReady(n *corev1.Node)             { n.Status.Conditions[0].Status = corev1.ConditionUnknown }
func heartbeat(n *corev1.Node)            { n.Status.Conditions[0].LastHeartbeatTime = metav1.Now() }

func testLease(node string, renewed int, edits ...func(*coordv1.Lease)) *coordv1.Lease {
	at := metav1.NewMicroTime(time.Date(2031, 1, 1, 0, 0, renewed, 0, time.UTC)) // the kubelet's clock is years ahead
	l := &coordv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Name: node, Namespace: corev1.NamespaceNodeLease, UID: types.UID("lease-" + node), ResourceVersion: "1",
			OwnerReferences: []metav1.OwnerReference{{Kind: "Node", Name: node, UID: types.UID("uid-" + node)}},
		},
		Spec: coordv1.LeaseSpec{RenewTime: &at},
	}
	for _, edit := range edits {
		edit(l)
	}
	return l
}

func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(&testWriter{t: t}, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

type testWriter struct{ t *testing.T }

func (w *testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
