package workload

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

func quantities(cpu, pods string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse("64Gi"), corev1.ResourcePods: resource.MustParse(pods)}
}

// inZone is a node of a zone with four cores, ready unless it is called dead.
func inZone(name, zone string) *corev1.Node {
	n := aNode(name)
	n.Labels, n.Status.Allocatable = map[string]string{corev1.LabelTopologyZone: zone}, quantities("4", "20")
	if !strings.HasPrefix(name, "dead") {
		n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	}
	return n
}

// wants lets a pod request CPU, with a priority.
func wants(cpu string, priority int32, p *corev1.Pod) *corev1.Pod {
	p.Spec.Priority = &priority
	p.Spec.Containers = []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}}}}
	return p
}

func of(claim string) corev1.VolumeSource {
	return corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}
}

// stored is a claim with its volume, which is bound to a zone unless that is empty.
func stored(claim, zone string) []runtime.Object {
	pv := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "pv-" + claim}}
	if zone != "" {
		pv.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{
			{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{zone}}}}}}}
	}
	return []runtime.Object{pv, &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: claim}, Spec: corev1.PersistentVolumeClaimSpec{VolumeName: pv.Name}}}
}

func aSnapshot(name, claim string, at time.Time, usable bool) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
		"metadata": map[string]any{"namespace": "shop", "name": name}, "spec": map[string]any{"source": map[string]any{"persistentVolumeClaimName": claim}},
		"status": map[string]any{"readyToUse": usable, "creationTime": at.Format(time.RFC3339)}}}
}

// mixture is a zone b with one of each kind of workload on the nodes given, and a zone a with room for some of them.
func mixture(nodes ...string) []runtime.Object {
	all := []runtime.Object{inZone("a-1", "a"), aDeployment("web", 2, 0), aReplicaSet("web-1", "web"), aDeployment("big", 1, 0), aReplicaSet("big-1", "big"),
		aStatefulSet("db", 1, 0), aStatefulSet("cache", 1, 0), aDeployment("pinned", 1, 0), aReplicaSet("pinned-1", "pinned"),
		aSnapshot("old", "data", env.Now.Add(-5*time.Hour), true), aSnapshot("new", "data", env.Now.Add(-47*time.Minute), true), aSnapshot("half", "data", env.Now, false)}
	for _, name := range nodes {
		all = append(all, inZone(name, "b"))
	}
	on := nodes[0]
	pinned := wants("1", 0, aPod(on, "pinned-1-x", "ReplicaSet", "pinned-1"))
	pinned.Spec.NodeSelector = map[string]string{corev1.LabelTopologyZone: "b"}
	all = append(all, append(stored("data", "b"), stored("cold", "b")...)...)
	return append(append(all, stored("anywhere", "")...),
		wants("1", 0, aPod(on, "web-1-x", "ReplicaSet", "web-1", scratch)), wants("1", 0, aPod(on, "web-1-y", "ReplicaSet", "web-1")),
		wants("3", -1, aPod(on, "big-1-x", "ReplicaSet", "big-1")),
		wants("1", 0, aPod(on, "db-0", "StatefulSet", "db", of("data"))), wants("1", 0, aPod(on, "cache-0", "StatefulSet", "cache", of("anywhere"))),
		wants("1", 9, aPod(on, "cold-0", "StatefulSet", "cold", of("cold"))), aStatefulSet("cold", 1, 0),
		pinned, aPod(on, "log", "DaemonSet", "log"), aPod(on, "alone", "", ""), aPod(on, "work-x", "Job", "work"))
}

func relocated(t *testing.T, args responders.Args, objects ...runtime.Object) (responders.Change, error) {
	t.Helper()
	clusters, _, _ := responderstest.InMemory(t, objects...)
	return NewRelocated(clusters).Preview(t.Context(), env, args)
}

func TestEveryWorkloadOfADeadZoneIsSorted(t *testing.T) {
	change, err := relocated(t, responders.Args{"zone": "b", "nodes": []string{"dead-1"}}, mixture("dead-1")...)
	if err != nil {
		t.Fatal(err)
	}
	want := []responders.Fact{
		{Label: "Moves", Count: 3, Lines: []string{"deployment/shop/web: 2 pods", "job/shop/work: 1 pod", "statefulset/shop/cache: 1 pod"}},
		{Label: "Stays down", Grave: true, Count: 3, Lines: []string{
			"statefulset/shop/cold: 1 of 1 pod on volumes bound to zone b, no snapshot of shop/cold",
			"pod/shop/alone: 1 of 1 pod without a controller that puts it elsewhere",
			"statefulset/shop/db: 1 of 1 pod on volumes bound to zone b, newest snapshot from 2029-12-31 23:13 UTC, less than 1 h ago"}},
		{Label: "No room", Grave: true, Count: 2, Lines: []string{"deployment/shop/pinned: 1 of 1 pod that may run on no node outside the zone",
			"deployment/shop/big: 1 of 1 pod without room outside the zone"}},
		{Label: "Room left", Lines: []string{"about 25% of CPU and 100% of memory on 1 node outside zone b"}},
	}
	if diff := cmp.Diff(want, change.Facts); diff != "" {
		t.Error(diff)
	}
	if got := targetNames(change); got != "deployment/shop/web statefulset/shop/cache" {
		t.Errorf("it awaits %s", got)
	}
}

func targetNames(change responders.Change) string {
	var names []string
	for _, target := range change.Targets {
		names = append(names, target.String())
	}
	return strings.Join(names, " ")
}

// TestWhatAZoneThatAnswersKeeps: work that would begin anew and what has no place elsewhere is left to run.
func TestWhatAZoneThatAnswersKeeps(t *testing.T) {
	clusters, _, _ := responderstest.InMemory(t, mixture("b-1", "dead-2", "b-3")...)
	args := responders.Args{"zone": "b"}
	change, err := NewRelocated(clusters).Preview(t.Context(), env, args)
	if err != nil {
		t.Fatal(err)
	}
	var stays []string
	for _, fact := range change.Facts {
		if fact.Label == "Stays in the zone" {
			stays = fact.Lines
		}
	}
	if got := strings.Join(stays, "; "); !strings.Contains(got, "job/shop/work: 1 of 1 pod at work that would begin anew") || len(stays) != 4 {
		t.Errorf("what stays: %s", got)
	}
	evacuation, err := NewEvacuate(clusters).Preview(t.Context(), env, args)
	if err != nil {
		t.Fatal(err)
	}
	if got := targetNames(evacuation); got != "node/b-1 node/b-3 node/dead-2 deployment/shop/web statefulset/shop/cache" {
		t.Errorf("it evicts %s", got)
	}
	want := []string{"3 pods of 2 workloads evicted, 20 at a time, as disruption budgets allow", "the scratch space (emptyDir) of 1 pod is gone with them",
		"of nodes that do not answer only stateless pods are taken: dead-2"}
	if diff := cmp.Diff(want, evacuation.Will); diff != "" {
		t.Error(diff)
	}
}

// TestSalvorDoesNotMoveItself: what it runs on stays where it is while that lives, and moves like everything else once its zone is lost.
func TestSalvorDoesNotMoveItself(t *testing.T) {
	for node, want := range map[string]string{"b-1": "node/b-1 deployment/shop/web", "dead-1": "deployment/shop/web statefulset/shop/nats"} {
		nats := aPod(node, "nats-0", "StatefulSet", "nats")
		nats.Labels = map[string]string{PartOf: "salvor"}
		clusters, _, _ := responderstest.InMemory(t, inZone("a-1", "a"), inZone(node, "b"), aDeployment("web", 1, 0), aReplicaSet("web-1", "web"), aStatefulSet("nats", 1, 0),
			nats, aPod(node, "web-1-x", "ReplicaSet", "web-1"))
		preview, args := NewRelocated(clusters).Preview, responders.Args{"zone": "b", "nodes": []string{node}}
		if node == "b-1" {
			preview, args = NewEvacuate(clusters).Preview, responders.Args{"zone": "b"}
		}
		change, err := preview(t.Context(), env, args)
		if err != nil {
			t.Fatal(err)
		}
		if got := targetNames(change); got != want {
			t.Errorf("of %s moves %s, want %s", node, got, want)
		}
	}
}

func TestWhichRunbookAZoneIsFor(t *testing.T) {
	zone := func(names ...string) []runtime.Object {
		all := []runtime.Object{inZone("a-1", "a")}
		for _, name := range names {
			all = append(all, inZone(name, "b"))
		}
		return all
	}
	for name, c := range map[string]struct {
		objects         []runtime.Object
		lost            []string
		asLost, asAlive string // why not, empty where it is for that
	}{
		"all dead":    {zone("dead-1", "dead-2"), []string{"dead-1", "dead-2"}, "", "2 of 2 nodes of zone b do not answer"},
		"most dead":   {zone("dead-1", "dead-2", "b-3"), []string{"dead-1", "dead-2"}, "", "2 of 3 nodes of zone b do not answer"},
		"half dead":   {zone("dead-1", "b-2"), []string{"dead-1"}, "only 1 of 2 nodes of zone b are lost", ""},
		"most answer": {zone("dead-1", "b-2", "b-3"), []string{"dead-1"}, "only 1 of 3 nodes of zone b are lost", ""},
		"a stranger":  {zone("dead-1"), []string{"a-1"}, "a-1 is no node of zone b", "1 of 1 nodes of zone b do not answer"},
		"no zone":     {zone(), []string{"a-1"}, "no node has it as its topology.kubernetes.io/zone", "no node has it"},
	} {
		for mode, args := range map[string]responders.Args{"lost": {"zone": "b", "nodes": c.lost}, "alive": {"zone": "b"}} {
			_, err := relocated(t, args, c.objects...)
			want := map[string]string{"lost": c.asLost, "alive": c.asAlive}[mode]
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%s, as %s: %v, want %q", name, mode, err, want)
			}
		}
	}
}

// TestLostIsLostThoughTheAPIServerCallsItReady: a Lease falls silent before a node is called not ready.
func TestLostIsLostThoughTheAPIServerCallsItReady(t *testing.T) {
	clusters, _, _ := responderstest.InMemory(t, inZone("a-1", "a"), inZone("b-1", "b"), inZone("b-2", "b"))
	told := env
	told.Lost = []string{"b-1", "b-2"}
	for _, r := range []responders.Responder{NewEvacuate(clusters), NewRelocated(clusters)} {
		_, err := r.Preview(t.Context(), told, responders.Args{"zone": "b"})
		if err == nil || !strings.Contains(err.Error(), "2 of 2 nodes of zone b do not answer") {
			t.Errorf("%s: %v", r.Spec().Name, err)
		}
	}
}

func TestSnapshotsThatCannotBeAsked(t *testing.T) {
	var objects []runtime.Object
	for _, o := range mixture("dead-1") {
		if _, custom := o.(*unstructured.Unstructured); !custom {
			objects = append(objects, o)
		}
	}
	change, err := relocated(t, responders.Args{"zone": "b", "nodes": []string{"dead-1"}}, objects...)
	if err != nil || !strings.HasSuffix(change.Facts[1].Lines[0], "bound to zone b, snapshots unknown: the cluster has no snapshot API") {
		t.Errorf("error %v, facts %v", err, change.Facts)
	}
}

// TestWhatLeavesAlreadyIsNotPlacedTwice: the replacement of a pod on its way out waits for a place; the pod itself needs none.
func TestWhatLeavesAlreadyIsNotPlacedTwice(t *testing.T) {
	waiting := wants("4", 0, aPod("", "web-1-new", "ReplicaSet", "web-1"))
	objects := []runtime.Object{inZone("a-1", "a"), inZone("dead-1", "b"), aDeployment("web", 1, 0), aReplicaSet("web-1", "web"), waiting,
		leaving(wants("4", 0, aPod("dead-1", "web-1-old", "ReplicaSet", "web-1"))),
		wants("3", 5, aPod("", "other", "ReplicaSet", "elsewhere"))}
	args := responders.Args{"zone": "b", "nodes": []string{"dead-1"}}
	change, err := relocated(t, args, objects...)
	if want := []string{"deployment/shop/web: 1 of 1 pod without room outside the zone"}; err != nil || !cmp.Equal(change.Facts[0].Lines, want) {
		t.Errorf("with another that waits: error %v, facts %v", err, change.Facts)
	}
	change, err = relocated(t, args, objects[:len(objects)-1]...)
	if want := []string{"deployment/shop/web: 1 pod"}; err != nil || !cmp.Equal(change.Facts[0].Lines, want) {
		t.Errorf("alone: error %v, facts %v", err, change.Facts)
	}
}

func TestZoneSuites(t *testing.T) {
	world := func(objects func() []runtime.Object, make func(responderstest.Clusters) responders.Responder, react bool) func(t *testing.T) *responderstest.World {
		return func(t *testing.T) *responderstest.World {
			clusters, tape, own := responderstest.InMemory(t, objects()...)
			w := &responderstest.World{Responder: make(clusters), Env: env, Tape: tape}
			if react {
				w.React = func(ctx context.Context) error { return replaceAll(ctx, own) }
			}
			return w
		}
	}
	evacuates := func(c responderstest.Clusters) responders.Responder { return NewEvacuate(c) }
	relocates := func(c responderstest.Clusters) responders.Responder { return NewRelocated(c) }
	zone := responders.Args{"zone": "b", "atATime": 3}
	responderstest.Run(t,
		responderstest.Case{Name: "evacuate", Args: zone, World: world(func() []runtime.Object { return zoneOfPods() }, evacuates, false)},
		responderstest.Case{Name: "nothing to evacuate", Args: zone, World: world(func() []runtime.Object { return []runtime.Object{inZone("b-1", "b")} }, evacuates, false)},
	)
	every := func() []runtime.Object {
		return append([]runtime.Object{inZone("x", "a"), inZone("a", "b"), aReplicaSet("bare", ""), aReplicationController("old"),
			wants("1", 0, aPod("a", "bare-x", "ReplicaSet", "bare")), wants("1", 0, aPod("a", "old-x", "ReplicationController", "old")), aDeployment("web", 2, 0), aReplicaSet("web-1", "web"),
			wants("1", 0, aPod("a", "web-1-x", "ReplicaSet", "web-1")), aStatefulSet("db", 1, 0), wants("1", 0, aPod("a", "db-0", "StatefulSet", "db")),
			aPod("a", "cold-0", "StatefulSet", "cold", of("cold")), aStatefulSet("cold", 1, 0)}, stored("cold", "b")...)
	}
	responderstest.Run(t,
		responderstest.Case{Name: "relocated", Args: responders.Args{"zone": "b", "nodes": []string{"a"}}, World: world(every, relocates, true)},
		responderstest.Case{Name: "nothing to wait for", Args: responders.Args{"zone": "b"}, World: world(func() []runtime.Object { return []runtime.Object{inZone("b-1", "b")} }, relocates, false)},
	)
}

// zoneOfPods is a zone with two stateless pods, one of which is on a node that does not answer, and one of a StatefulSet.
func zoneOfPods() []runtime.Object {
	return append([]runtime.Object{inZone("a-1", "a"), inZone("b-1", "b"), inZone("b-2", "b"), inZone("dead-3", "b"), aDeployment("web", 2, 0), aReplicaSet("web-1", "web"),
		aStatefulSet("cache", 1, 0), wants("1", 0, aPod("b-1", "web-1-x", "ReplicaSet", "web-1")), wants("1", 0, aPod("dead-3", "web-1-y", "ReplicaSet", "web-1")),
		wants("1", 7, aPod("b-2", "cache-0", "StatefulSet", "cache", of("anywhere")))}, stored("anywhere", "")...)
}

func aBudget(allows int32, labels map[string]string) *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "budget"},
		Spec: policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}}, Status: policyv1.PodDisruptionBudgetStatus{DisruptionsAllowed: allows}}
}

// TestEvictionsArePacedAndInOrder: pods of higher priority go first, and no more are on their way out at a time than the runbook says.
func TestEvictionsArePacedAndInOrder(t *testing.T) {
	w := newExodus(t, responders.Args{"zone": "b", "atATime": 1}, zoneOfPods()...)
	for _, first := range []string{"cache-0", "web-1-x"} {
		w.run(300*time.Millisecond, context.DeadlineExceeded)
		if got := w.leaving(); !cmp.Equal(got, []string{first}) {
			t.Fatalf("on their way out are %v, want %s alone", got, first)
		}
		w.gone(first)
	}
	w.run(5*time.Second, nil)
	if got := w.leaving(); !cmp.Equal(got, []string{"web-1-y"}) {
		t.Fatalf("on their way out are %v, want that of the node that does not answer, which stays", got)
	}
	if got := w.heard[len(w.heard)-1]; got != "3 of 3 pods evicted" {
		t.Errorf("the last that was told is %q", got)
	}
}

// TestEvictionsHonourBudgets: what a budget refuses is asked again until it is allowed or time is over, and holds back nobody else.
func TestEvictionsHonourBudgets(t *testing.T) {
	objects := zoneOfPods()
	for _, o := range objects {
		if pod, ok := o.(*corev1.Pod); ok && pod.Name == "cache-0" {
			pod.Labels = map[string]string{"app": "cache"}
		}
	}
	w := newExodus(t, responders.Args{"zone": "b"}, append(objects, aBudget(0, map[string]string{"app": "cache"}))...)
	err := w.run(time.Second, context.DeadlineExceeded)
	if !strings.Contains(err.Error(), "1 of 3 are left") || !strings.Contains(err.Error(), "evict pod/shop/cache-0: Cannot evict pod as it would violate the pod's disruption budget") {
		t.Errorf("the error says %v", err)
	}
	if got := w.leaving(); !cmp.Equal(got, []string{"web-1-x", "web-1-y"}) {
		t.Fatalf("on their way out are %v", got)
	}
	w.allow(1)
	w.run(5*time.Second, nil)
	if got := w.leaving(); len(got) != 3 {
		t.Errorf("on their way out are %v", got)
	}
}

// TestWhatCannotBeEvictedHoldsNobodyUp: an API server evicts no pod that two budgets select, whatever they allow. All others go, and then it is said at
// once, since to wait does not help.
func TestWhatCannotBeEvictedHoldsNobodyUp(t *testing.T) {
	objects, second := zoneOfPods(), aBudget(9, map[string]string{"app": "cache"})
	second.Name = "another"
	for _, o := range objects {
		if pod, ok := o.(*corev1.Pod); ok && pod.Name == "cache-0" {
			pod.Labels = map[string]string{"app": "cache"}
		}
	}
	w := newExodus(t, responders.Args{"zone": "b"}, append(objects, aBudget(9, map[string]string{"app": "cache"}), second)...)
	began := time.Now()
	ctx := responders.WithGuard(t.Context(), func(context.Context) error { return nil })
	err := NewEvacuate(w.clusters).Apply(ctx, env, w.change)
	if err == nil || !strings.Contains(err.Error(), "more than one PodDisruptionBudget") || time.Since(began) > 5*time.Second {
		t.Errorf("after %s the error says %v", time.Since(began), err)
	}
	if got := w.leaving(); !cmp.Equal(got, []string{"web-1-x", "web-1-y"}) {
		t.Errorf("on their way out are %v", got)
	}
}

// exodusBench is a cluster in memory out of whose zone b pods are evicted.
type exodusBench struct {
	*testing.T
	clusters responderstest.Clusters
	own      kubernetes.Interface
	change   responders.Change
	heard    []string
}

func newExodus(t *testing.T, args responders.Args, objects ...runtime.Object) *exodusBench {
	t.Helper()
	clusters, _, own := responderstest.InMemory(t, objects...)
	change, err := NewEvacuate(clusters).Preview(t.Context(), env, args)
	if err != nil {
		t.Fatal(err)
	}
	return &exodusBench{T: t, clusters: clusters, own: own, change: change}
}

// run applies for so long and wants that error.
func (w *exodusBench) run(d time.Duration, want error) error {
	w.Helper()
	ctx, cancel := context.WithTimeout(responders.WithGuard(w.Context(), func(context.Context) error { return nil }), d)
	defer cancel()
	ctx = responders.WithProgress(ctx, func(done, of int, what string) { w.heard = append(w.heard, fmt.Sprintf("%d of %d %s", done, of, what)) })
	err := NewEvacuate(w.clusters).Apply(ctx, env, w.change)
	if !errors.Is(err, want) {
		w.Fatalf("Apply: %v, want %v", err, want)
	}
	return err
}

func (w *exodusBench) leaving() []string {
	w.Helper()
	list, err := w.own.CoreV1().Pods("shop").List(w.Context(), metav1.ListOptions{})
	if err != nil {
		w.Fatal(err)
	}
	var names []string
	for _, pod := range list.Items {
		if isTerminating(pod) {
			names = append(names, pod.Name)
		}
	}
	return names
}

func (w *exodusBench) gone(pod string) {
	w.Helper()
	if err := w.own.CoreV1().Pods("shop").Delete(w.Context(), pod, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}); err != nil {
		w.Fatal(err)
	}
}

func (w *exodusBench) allow(disruptions int) {
	w.Helper()
	up := responderstest.Patch(map[string]any{"status": map[string]any{"disruptionsAllowed": disruptions}})
	if _, err := w.own.PolicyV1().PodDisruptionBudgets("shop").Patch(w.Context(), "budget", types.MergePatchType, up, metav1.PatchOptions{}); err != nil {
		w.Fatal(err)
	}
}
