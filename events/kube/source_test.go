package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	coordv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	coordclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	clienttesting "k8s.io/client-go/testing"

	"github.com/salvor-io/salvor/events"
)

// world is a cluster in fake time whose kubelets renew their Leases every 10 s unless they are dead.
type world struct {
	t       *testing.T
	client  *fake.Clientset
	through kubernetes.Interface // what a Source gets
	rec     *recorder
	dead    map[string]bool
	renewed int
	written map[string]int // by resource, as the tracker counts
	away    atomic.Bool    // the API server does not answer
	deaf    atomic.Bool    // watches bring no Leases although they are renewed
	opened  atomic.Int32   // watches of Leases that were opened
}

func newWorld(t *testing.T, nodes ...string) *world {
	w := &world{t: t, client: fake.NewClientset(), rec: newRecorder(), dead: map[string]bool{}, written: map[string]int{"nodes": 1, "leases": 1}}
	w.through = w.client
	for _, n := range nodes {
		w.join(n)
	}
	w.client.PrependReactor("*", "*", func(clienttesting.Action) (bool, runtime.Object, error) {
		if w.away.Load() {
			return true, nil, errors.New("no route to host")
		}
		return false, nil, nil
	})
	w.client.PrependWatchReactor("*", func(a clienttesting.Action) (bool, watch.Interface, error) {
		if w.away.Load() {
			return true, nil, errors.New("no route to host")
		}
		act := a.(clienttesting.WatchActionImpl)
		inner, err := w.client.Tracker().Watch(a.GetResource(), a.GetNamespace(), act.ListOptions)
		if err != nil {
			return true, nil, err
		}
		leases := a.GetResource().Resource == "leases"
		if leases {
			w.opened.Add(1)
		}
		return true, w.line(inner, leases), nil
	})
	return w
}

// line is a watch that breaks when the API server goes away, and may bring no Leases.
func (w *world) line(inner watch.Interface, leases bool) watch.Interface {
	ch := make(chan watch.Event)
	out := watch.NewProxyWatcher(ch)
	deaf := leases && w.deaf.Load()
	go func() {
		defer close(ch)
		defer inner.Stop()
		poll := time.NewTicker(100 * time.Millisecond)
		defer poll.Stop()
		for {
			select {
			case <-out.StopChan():
				return
			case <-poll.C:
				if w.away.Load() {
					return
				}
			case ev := <-inner.ResultChan():
				if deaf {
					continue
				}
				ev.Object = ev.Object.DeepCopyObject() // the tracker hands out its own
				select {
				case ch <- ev:
				case <-out.StopChan():
					return
				}
			}
		}
	}()
	return out
}

// write gives an object the version that the tracker, which does not, is about to count.
func (w *world) write(resource string, obj metav1.Object) {
	w.written[resource]++
	obj.SetResourceVersion(strconv.Itoa(w.written[resource]))
}

func (w *world) join(node string, edits ...func(*corev1.Node)) {
	w.t.Helper()
	n, l := testNode(node, edits...), testLease(node, w.renewed)
	w.write("nodes", n)
	w.write("leases", l)
	w.must(w.client.Tracker().Add(n))
	w.must(w.client.Tracker().Add(l))
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Helper()
		w.t.Fatal(err)
	}
}

func (w *world) edit(name string, edits ...func(*corev1.Node)) {
	w.t.Helper()
	obj, err := w.client.Tracker().Get(corev1.SchemeGroupVersion.WithResource("nodes"), "", name)
	w.must(err)
	n := obj.(*corev1.Node).DeepCopy()
	for _, edit := range edits {
		edit(n)
	}
	w.write("nodes", n)
	w.must(w.client.Tracker().Update(corev1.SchemeGroupVersion.WithResource("nodes"), n, ""))
}

func (w *world) delete(node string) {
	w.t.Helper()
	w.must(w.client.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("nodes"), "", node))
}

// pass lets time pass. Kubelets renew every ten seconds, if the API server answers.
func (w *world) pass(seconds int) {
	leases := coordv1.SchemeGroupVersion.WithResource("leases")
	for range seconds {
		time.Sleep(time.Second)
		synctest.Wait()
		w.renewed++
		if w.renewed%10 != 0 || w.away.Load() {
			continue
		}
		list, err := w.client.Tracker().List(leases, coordv1.SchemeGroupVersion.WithKind("Lease"), corev1.NamespaceNodeLease)
		w.must(err)
		items := list.(*coordv1.LeaseList).Items
		slices.SortFunc(items, func(a, b coordv1.Lease) int { return strings.Compare(a.Name, b.Name) })
		for _, l := range items {
			if !w.dead[l.Name] {
				at := metav1.NewMicroTime(time.Date(2031, 1, 1, 0, 0, w.renewed, 0, time.UTC))
				l.Spec.RenewTime = &at
				w.write("leases", &l)
				w.must(w.client.Tracker().Update(leases, &l, corev1.NamespaceNodeLease))
			}
		}
	}
}

// watch starts a Source and returns what stops it.
func (w *world) watch(replica string) (stop func()) {
	w.t.Helper()
	src, err := New(Options{Cluster: "c", Replica: replica, Client: w.through, Log: w.rec, View: w.rec, Logger: testLog(w.t)})
	w.must(err)
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error)
	go func() { done <- src.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("run: %v", err)
		}
	}
}

func (w *world) says(want ...string) {
	w.t.Helper()
	synctest.Wait()
	if diff := cmp.Diff(want, w.rec.told()); diff != "" {
		w.t.Error(diff)
	}
}

func inWorld(t *testing.T, nodes []string, play func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { play(newWorld(t, nodes...)) })
}

func TestNodeDiesAndComesBack(t *testing.T) {
	inWorld(t, []string{"a", "b"}, func(w *world) {
		stop := w.watch("r")
		defer stop()
		w.pass(60)
		w.says("a True", "b True", "a fresh", "b fresh")
		w.dead["a"] = true
		w.pass(40)
		w.edit("a", notReady)
		w.pass(60)
		w.dead["a"] = false
		w.pass(11)
		w.edit("a", func(n *corev1.Node) { n.Status.Conditions[0].Status = corev1.ConditionTrue })
		w.pass(11)
		w.says("a True", "b True", "a fresh", "b fresh", "a stale", "a Unknown", "a fresh", "a True")
	})
}

// TestStaleInTime holds when stale is said: at least 25 s after the last renewal, and not much later.
func TestStaleInTime(t *testing.T) {
	inWorld(t, []string{"a"}, func(w *world) {
		stop := w.watch("r")
		defer stop()
		w.pass(30) // the last renewal was just now
		w.dead["a"] = true
		w.pass(24)
		w.says("a True", "a fresh")
		w.pass(4)
		w.says("a True", "a fresh", "a stale")
	})
}

func TestAllNodesDieAtOnce(t *testing.T) {
	inWorld(t, []string{"a", "b", "c"}, func(w *world) {
		stop := w.watch("r")
		defer stop()
		w.pass(30)
		w.dead["a"], w.dead["b"], w.dead["c"] = true, true, true
		w.pass(40) // no lease event arrives in all that time: reads keep the sight
		w.says(append([]string{"a True", "b True", "c True", "a fresh", "b fresh", "c fresh"}, stale(w.rec)...)...)
		if n := len(stale(w.rec)); n != 3 {
			t.Errorf("%d nodes are stale, want 3", n)
		}
		if o := w.rec.sight("leases"); !o.Seeing {
			t.Errorf("leases: %+v", o)
		}
	})
}

// stale are the nodes whose Leases were told to be stale, in whatever order they were read.
func stale(rec *recorder) []string {
	return slices.DeleteFunc(rec.told(), func(entry string) bool { return !strings.HasSuffix(entry, " stale") })
}

// TestBlindnessIsNotDeath takes the API server away for a minute. Nobody can renew meanwhile.
func TestBlindnessIsNotDeath(t *testing.T) {
	inWorld(t, []string{"a", "b"}, func(w *world) {
		stop := w.watch("r")
		defer stop()
		w.pass(30)
		w.dead["b"] = true
		w.away.Store(true)
		w.pass(60)
		for _, name := range []string{"nodes", "leases"} {
			if o := w.rec.sight(name); o.Seeing || o.Reason == "" {
				t.Errorf("%s: %+v, want it blind", name, o)
			}
		}
		w.away.Store(false)
		w.pass(24)
		w.says("a True", "b True", "a fresh", "b fresh")
		if o := w.rec.sight("nodes"); !o.Seeing || !o.Synced || o.Reason != "" {
			t.Errorf("nodes: %+v, want it to see again", o)
		}
		if o := w.rec.sight("leases"); o.Seeing || !strings.Contains(o.Reason, "to be renewed") {
			t.Errorf("leases: %+v, want it not to judge before it knows of each", o)
		}
		w.pass(20)
		w.says("a True", "b True", "a fresh", "b fresh", "b stale")
		if o := w.rec.sight("leases"); !o.Seeing || !o.Synced || o.Reason != "" {
			t.Errorf("leases: %+v, want it to see again", o)
		}
	})
}

// TestDirectReadMustAgree has direct reads of Leases fail, for longer than a Lease may be silent.
func TestDirectReadMustAgree(t *testing.T) {
	inWorld(t, []string{"a", "b"}, func(w *world) {
		var fail atomic.Bool
		fail.Store(true)
		w.client.PrependReactor("get", "leases", func(clienttesting.Action) (bool, runtime.Object, error) {
			return fail.Load(), nil, errors.New("timed out")
		})
		stop := w.watch("r")
		defer stop()
		w.pass(30)
		w.dead["a"] = true
		w.pass(120)
		w.says("a True", "b True", "a fresh", "b fresh")
		fail.Store(false)
		w.pass(5)
		w.says("a True", "b True", "a fresh", "b fresh", "a stale")
	})
}

// TestLateAnswerIsNotOfNow has direct reads answered after their deadline, as after a stop of this process.
func TestLateAnswerIsNotOfNow(t *testing.T) {
	inWorld(t, []string{"a", "b"}, func(w *world) {
		w.through = lateClient{w.client}
		stop := w.watch("r")
		defer stop()
		w.pass(30)
		w.dead["a"] = true
		w.pass(120)
		w.says("a True", "b True", "a fresh", "b fresh")
	})
}

// lateClient answers direct reads of Leases late, whatever deadline they have.
type lateClient struct{ *fake.Clientset }

func (c lateClient) CoordinationV1() coordclient.CoordinationV1Interface {
	return lateCoordination{c.Clientset.CoordinationV1()}
}

type lateCoordination struct {
	coordclient.CoordinationV1Interface
}

func (c lateCoordination) Leases(namespace string) coordclient.LeaseInterface {
	return lateLeases{c.CoordinationV1Interface.Leases(namespace)}
}

type lateLeases struct{ coordclient.LeaseInterface }

func (l lateLeases) Get(ctx context.Context, name string, opts metav1.GetOptions) (*coordv1.Lease, error) {
	time.Sleep(6 * time.Second)
	return l.LeaseInterface.Get(context.WithoutCancel(ctx), name, opts)
}

// TestWatchThatBringsNothing has a watch that stays open and brings no renewal although there are some.
func TestWatchThatBringsNothing(t *testing.T) {
	inWorld(t, []string{"a", "b"}, func(w *world) {
		w.deaf.Store(true)
		stop := w.watch("r")
		defer stop()
		w.pass(30)
		w.deaf.Store(false)
		before := w.opened.Load()
		w.pass(20)
		if w.opened.Load() == before {
			t.Error("the watch was not begun anew")
		}
		w.pass(60)
		w.says("a True", "b True", "a fresh", "b fresh")
	})
}

// TestVanishedLease has a Lease go without the watch saying so: it is not stale, and not read again and again.
func TestVanishedLease(t *testing.T) {
	inWorld(t, []string{"a"}, func(w *world) {
		w.deaf.Store(true)
		stop := w.watch("r")
		defer stop()
		w.pass(5)
		w.must(w.client.Tracker().Delete(coordv1.SchemeGroupVersion.WithResource("leases"), corev1.NamespaceNodeLease, "a"))
		w.pass(100)
		w.says("a True")
		var reads int
		for _, a := range w.client.Actions() {
			if a.Matches("get", "leases") {
				reads++
			}
		}
		if reads != 1 {
			t.Errorf("read %d times, want once", reads)
		}
	})
}

func TestQuietStreamIsDoubted(t *testing.T) {
	inWorld(t, []string{"a"}, func(w *world) {
		w.dead["a"] = true
		stop := w.watch("r")
		defer stop()
		w.pass(30)
		before := w.opened.Load()
		w.pass(200)
		if w.opened.Load() != before+1 {
			t.Errorf("opened %d times in 200 s without any event or bookmark, want 1", w.opened.Load()-before)
		}
		w.says("a True", "a stale")
	})
}

func TestDeletedNodeIsNotStale(t *testing.T) {
	inWorld(t, []string{"a", "b"}, func(w *world) {
		stop := w.watch("r")
		defer stop()
		w.pass(30)
		w.dead["a"] = true
		w.pass(10)
		w.delete("a") // its Lease stays for a while, as with the real garbage collector
		w.pass(120)
		w.says("a True", "b True", "a fresh", "b fresh", "a gone")
	})
}

func TestRestartPublishesDifferencesOnly(t *testing.T) {
	inWorld(t, []string{"a", "b", "c"}, func(w *world) {
		stop := w.watch("r")
		w.pass(30)
		stop()
		before := len(w.rec.told())
		w.delete("a")
		w.edit("b", cordoned)
		w.edit("c", heartbeat)
		w.dead["c"] = true
		w.join("d")
		w.pass(30)
		stop = w.watch("r")
		defer stop()
		w.pass(30)
		if diff := cmp.Diff([]string{"a gone", "b True cordoned", "d True", "d fresh", "c stale"}, w.rec.told()[before:]); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTwoReplicasMakeOneEvent(t *testing.T) {
	inWorld(t, []string{"a", "b"}, func(w *world) {
		stop := w.watch("r1")
		defer stop()
		w.pass(3)
		stop2 := w.watch("r2")
		defer stop2()
		w.pass(40)
		w.dead["a"] = true
		w.pass(40)
		w.edit("a", notReady)
		w.pass(10)
		w.dead["a"] = false
		w.edit("b", cordoned)
		w.pass(40)
		w.says("a True", "b True", "a fresh", "b fresh", "a stale", "a Unknown", "b True cordoned", "a fresh")
	})
}

// TestLogAway keeps the log from accepting for a while: the newest of each object is told then.
func TestLogAway(t *testing.T) {
	inWorld(t, []string{"a", "b"}, func(w *world) {
		var away atomic.Bool
		w.rec.refuse = func([]events.Event) error {
			if away.Load() {
				return fmt.Errorf("disk full: %w", events.ErrUnavailable)
			}
			return nil
		}
		stop := w.watch("r")
		defer stop()
		w.pass(30)
		away.Store(true)
		w.dead["b"] = true
		w.edit("a", cordoned)
		w.pass(40)
		w.edit("a", notReady)
		w.pass(5)
		w.says("a True", "b True", "a fresh", "b fresh")
		away.Store(false)
		w.pass(6)
		w.says("a True", "b True", "a fresh", "b fresh", "a Unknown cordoned", "b stale")
	})
}

// TestObserverEvents holds that each watch is heard of at least every 10 s, and that no two such events share an id.
func TestObserverEvents(t *testing.T) {
	inWorld(t, []string{"a"}, func(w *world) {
		var block atomic.Bool
		w.rec.refuse = func(evs []events.Event) error {
			for _, ev := range evs {
				if block.Load() && ev.Type == events.TypeNode {
					return events.ErrUnavailable
				}
			}
			return nil
		}
		block.Store(true)
		stop := w.watch("r")
		w.pass(10)
		if o := w.rec.sight("nodes"); o.Synced {
			t.Errorf("synced before the first list was recorded: %+v", o)
		}
		block.Store(false)
		w.pass(60)
		stop()
		for _, name := range []string{"nodes", "leases"} {
			want := events.Observer{Replica: "r", Watch: name, Seeing: true, Synced: true}
			if diff := cmp.Diff(want, w.rec.sight(name)); diff != "" {
				t.Error(diff)
			}
		}
		last := map[string]time.Time{}
		for _, ev := range w.rec.all {
			if ev.Type != events.TypeObserver || decode[events.Observer](ev).Synced == false {
				continue
			}
			who, _ := events.SaidOf(ev.Entity)
			if before, ok := last[who]; ok && ev.Time.Sub(before) > 10*time.Second {
				t.Errorf("%s was silent for %s", who, ev.Time.Sub(before))
			}
			last[who] = ev.Time
		}
		if last["observer/r/nodes"].IsZero() || last["observer/r/leases"].IsZero() {
			t.Errorf("heard of %v", last)
		}
	})
}

func TestOddObjectsTakeNothingDown(t *testing.T) {
	inWorld(t, []string{"a"}, func(w *world) {
		w.join("odd", uid(""))
		stop := w.watch("r")
		defer stop()
		w.pass(6)
		w.join("odd2", uid(""))
		w.pass(6)
		w.join("b")
		w.pass(25)
		w.says("a True", "a fresh", "b True", "b fresh")
	})
}

func TestPanicsStayWithTheirObject(t *testing.T) {
	rec := newRecorder()
	d := testDesk(t, rec)
	d.log = quiet()
	k := nodeKind(fake.NewClientset())
	keep := k.keep
	k.keep = func(o runtime.Object) (sighted, error) {
		if o.(*corev1.Node).Name == "bomb" {
			panic("boom")
		}
		return keep(o)
	}
	s := store[sighted]{newLookout(d, paceFor(time.Second), k, newRoster(d, rec))}
	bomb := k.glance(testNode("bomb"))
	for _, err := range []error{
		s.Replace([]any{k.glance(testNode("a")), bomb, k.glance(nil), k.glance(&metav1.Status{}), "no object at all", nil}, "5"), s.Add(bomb), s.Update(bomb), s.Delete(bomb),
		s.Add(k.glance(testNode("b", version("6")))),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	d.out.flush()
	if diff := cmp.Diff([]string{"a True", "b True"}, rec.told()); diff != "" {
		t.Error(diff)
	}
}

func TestSyncedOnlyWhenTheListWasAccepted(t *testing.T) {
	rec := newRecorder()
	d := testDesk(t, rec)
	l := newLookout(d, paceFor(time.Second), nodeKind(fake.NewClientset()), newRoster(d, rec))
	if err := (store[sighted]{l}).Replace([]any{l.kind.glance(testNode("a"))}, "5"); err != nil {
		t.Fatal(err)
	}
	if l.synced.Load() {
		t.Error("synced before the log accepted the list")
	}
	d.out.flush()
	if !l.synced.Load() {
		t.Error("not synced although the log accepted the list")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	rec := newRecorder()
	good := Options{Cluster: "c", Replica: "r", Client: fake.NewClientset(), Log: rec, View: rec, Logger: quiet()}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Options){
		"cluster": func(o *Options) { o.Cluster = "" }, "replica": func(o *Options) { o.Replica = "" }, "client": func(o *Options) { o.Client = nil },
		"log": func(o *Options) { o.Log = nil }, "view": func(o *Options) { o.View = nil }, "logger": func(o *Options) { o.Logger = nil },
		"stale": func(o *Options) { o.StaleAfter = -1 },
	} {
		bad := good
		spoil(&bad)
		if _, err := New(bad); err == nil {
			t.Errorf("built without a good %s", name)
		}
	}
}
