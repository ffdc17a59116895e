package node

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

// clue is one world in which a trace is looked for.
type clue struct {
	objects []runtime.Object
	refuse  *schema.GroupResource // what is forbidden
	fails   *schema.GroupResource // what the API server cannot tell
	why     string                // part of what is said
}

func (c clue) weigh(t *testing.T, ctx context.Context) stance {
	t.Helper()
	b := newBench(t, c.objects...)
	if r := c.refuse; r != nil {
		b.server.Refuse(r.Group, r.Resource, apierrors.NewForbidden(*r, "", errors.New("no")))
	}
	if r := c.fails; r != nil {
		b.server.Refuse(r.Group, r.Resource, apierrors.NewInternalError(errors.New("etcd is away")))
	}
	found, err := proofs{b.clusters, nil}.weigh(ctx, "east", b.node("a"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(found.why, c.why) {
		t.Errorf("it says %q, want %q in it", found.why, c.why)
	}
	return found
}

func at(group, resource string) *schema.GroupResource {
	return &schema.GroupResource{Group: group, Resource: resource}
}

// These worlds say that node a cannot write any more.
func TestTracesProve(t *testing.T) {
	as := func(value string) func(*unstructured.Unstructured) { return annotatedAs(remediatedAnnotation, value) }
	for name, c := range map[string]struct {
		way way
		clue
	}{
		"Machine of OpenShift": {wayMachine, clue{why: "its Machine machines/m is gone", objects: []runtime.Object{aNode("a", onOpenShift), openshiftMachine("other")}}},
		"Machine of Cluster API": {wayMachine, clue{why: "its Machine fleet/m is gone", objects: []runtime.Object{
			aNode("a", onClusterAPI), capiCluster("v1beta2"), capiMachine("v1beta2", "other")}}},
		"Machine of an older Cluster API": {wayMachine, clue{why: "its Machine fleet/m is gone", objects: []runtime.Object{
			aNode("a", onClusterAPI), capiCluster("v1beta1", with(false, "spec", "paused")), capiMachine("v1beta1", "other")}}},
		"Machines of both": {wayMachine, clue{why: "is gone", objects: []runtime.Object{aNode("a", onClusterAPI, onOpenShift), openshiftMachine("other"),
			capiCluster("v1beta2"), capiMachine("v1beta2", "other")}}},
		"SelfNodeRemediation":               {wayRemediation, clue{why: "SelfNodeRemediation medik8s/a did it", objects: []runtime.Object{aNode("a"), aLease("a"), selfRemediation("a")}}},
		"SelfNodeRemediation by its note":   {wayRemediation, clue{why: "SelfNodeRemediation medik8s/a-x1 did it", objects: []runtime.Object{aNode("a"), aLease("a"), selfRemediation("a-x1", as("a"))}}},
		"FenceAgentsRemediation":            {wayRemediation, clue{why: "FenceAgentsRemediation medik8s/a did it", objects: []runtime.Object{aNode("a"), aLease("a"), agentsRemediation("a", "True")}}},
		"a remediation beside an older one": {wayRemediation, clue{objects: []runtime.Object{aNode("a"), aLease("a"), selfRemediation("a", since(-time.Hour)), agentsRemediation("a", "True")}}},
		"one API does not answer":           {wayRemediation, clue{objects: []runtime.Object{aNode("a"), aLease("a"), agentsRemediation("a", "True")}, fails: at(selfNodeRemediation, "selfnoderemediations")}},
	} {
		t.Run(name, func(t *testing.T) {
			if found := c.weigh(t, t.Context()); !found.proven || found.way != c.way {
				t.Errorf("got %+v, want proof by %s", found, c.way)
			}
		})
	}
}

// None of these worlds says that node a is off: not to know is never off.
func TestTracesThatProveNothing(t *testing.T) {
	as := func(value string) func(*unstructured.Unstructured) { return annotatedAs(remediatedAnnotation, value) }
	owned := func(o *unstructured.Unstructured) {
		o.SetOwnerReferences([]metav1.OwnerReference{{Kind: "Machine", Name: "a"}})
	}
	instance := func(n *corev1.Node) { n.Spec.ProviderID = "cloud:///i-1" }
	newer := func(n *corev1.Node) { n.CreationTimestamp = metav1.NewTime(silentSince.Add(time.Hour)) }
	slow := aLease("a") // its node's clock is an hour late: the API server knows of a renewal after the remediation began
	slow.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubelet", Time: new(metav1.NewTime(silentSince.Add(2 * time.Minute)))}}
	never := aLease("a")
	never.Spec.RenewTime = nil
	machines := responderstest.Served(openshift, "v1beta1", "machines", "Machine")
	elsewhere := openshiftMachine("other")
	elsewhere.SetNamespace("else")
	home := []runtime.Object{capiCluster("v1beta2"), capiMachine("v1beta2", "other")}
	fleet := func(more ...runtime.Object) []runtime.Object {
		return append([]runtime.Object{aNode("a", onClusterAPI)}, more...)
	}
	silent := func(more ...runtime.Object) []runtime.Object {
		return append([]runtime.Object{aNode("a"), aLease("a")}, more...)
	}
	for name, c := range map[string]clue{
		"nothing at all":                     {objects: []runtime.Object{aNode("a")}, why: "no power switch is configured for cluster east"},
		"a node that is ready":               {objects: []runtime.Object{aNode("a", onOpenShift, ready), openshiftMachine("other")}, why: "it is ready"},
		"the Machine is there":               {objects: []runtime.Object{aNode("a", onOpenShift), openshiftMachine("m"), openshiftMachine("other")}, why: "its Machine machines/m is there"},
		"the Machine is being deleted":       {objects: []runtime.Object{aNode("a", onOpenShift), openshiftMachine("m", going)}, why: "its Machine machines/m is there"},
		"another Machine refers to the node": {objects: []runtime.Object{aNode("a", onOpenShift), openshiftMachine("n", with("a", "status", "nodeRef", "name"))}, why: "its Machine machines/n is there"},
		"another Machine has the instance":   {objects: []runtime.Object{aNode("a", onOpenShift, instance), openshiftMachine("n", with("cloud:///i-1", "spec", "providerID"))}, why: "its Machine machines/n is there"},
		"machine-api is not served":          {objects: []runtime.Object{aNode("a", onOpenShift)}, why: "managed elsewhere"},
		"machine-api has no Machine":         {objects: []runtime.Object{aNode("a", onOpenShift), machines}, why: "managed elsewhere"},
		"machine-api has none of that place": {objects: []runtime.Object{aNode("a", onOpenShift), elsewhere}, why: "managed elsewhere"},
		"machine-api is forbidden":           {objects: []runtime.Object{aNode("a", onOpenShift), openshiftMachine("other")}, refuse: at(openshift, "machines"), why: "Machines of machine.openshift.io may not be read"},
		"machine-api does not answer":        {objects: []runtime.Object{aNode("a", onOpenShift), openshiftMachine("other")}, fails: at(openshift, "machines"), why: "etcd is away"},
		"machine-api, half a name":           {objects: []runtime.Object{aNode("a", annotated(openshiftAnnotation, "m")), openshiftMachine("other")}},
		"machine-api, a name that is a path": {objects: []runtime.Object{aNode("a", annotated(openshiftAnnotation, "../x")), openshiftMachine("other")}, why: "cannot be read"},

		"Cluster API is not served":              {objects: fleet(), why: "Cluster fleet/east is not here"},
		"a foreign management cluster":           {objects: fleet(custom("cluster.x-k8s.io/v1beta2", "Cluster", "fleet", "west"), capiMachine("v1beta2", "other")), why: "Cluster fleet/east is not here"},
		"the Cluster has no Machine here":        {objects: fleet(capiCluster("v1beta2"), capiMachine("v1beta2", "other", with("west", "spec", "clusterName"))), why: "has no Machine here"},
		"the Cluster is paused":                  {objects: fleet(capiCluster("v1beta2", with(true, "spec", "paused")), home[1]), why: "is paused or being deleted"},
		"the Cluster is paused by a note":        {objects: fleet(capiCluster("v1beta2", annotatedAs(pausedAnnotation, "")), home[1]), why: "is paused or being deleted"},
		"the Cluster is being deleted":           {objects: fleet(capiCluster("v1beta2", going), home[1]), why: "is paused or being deleted"},
		"the Machine of Cluster API is there":    {objects: fleet(append(home, capiMachine("v1beta2", "m"))...), why: "its Machine fleet/m is there"},
		"Clusters are forbidden":                 {objects: fleet(home...), refuse: at(clusterAPI, "clusters"), why: "Clusters of cluster.x-k8s.io may not be read"},
		"Machines of Cluster API are forbidden":  {objects: fleet(home...), refuse: at(clusterAPI, "machines"), why: "Machines of cluster.x-k8s.io may not be read"},
		"Machines of Cluster API do not answer":  {objects: fleet(home...), fails: at(clusterAPI, "machines"), why: "etcd is away"},
		"gone in one API, there in the other":    {objects: append([]runtime.Object{aNode("a", onClusterAPI, onOpenShift), openshiftMachine("m")}, home...), why: "its Machine machines/m is there"},
		"gone in one API, unknown in the other":  {objects: append([]runtime.Object{aNode("a", onClusterAPI, onOpenShift)}, home...), why: "Machine machines/m is managed elsewhere"},
		"there in one API, gone in the other":    {objects: []runtime.Object{aNode("a", onClusterAPI, onOpenShift), openshiftMachine("other"), home[0], home[1], capiMachine("v1beta2", "m")}, why: "its Machine fleet/m is there"},
		"a Cluster that is named without a name": {objects: append([]runtime.Object{aNode("a", annotated(machineAnnotation, "m"))}, home...)},

		"a remediation under way":             {objects: silent(selfRemediation("a", with("Pre-Reboot-Completed", "status", "phase"))), why: "SelfNodeRemediation medik8s/a has not fenced it"},
		"a remediation that only rebooted":    {objects: silent(selfRemediation("a", with("Reboot-Completed", "status", "phase"))), why: "has not fenced it"},
		"a remediation without a status":      {objects: silent(selfRemediation("a", func(o *unstructured.Unstructured) { delete(o.Object, "status") })), why: "has not fenced it"},
		"a fence agent at work":               {objects: silent(agentsRemediation("a", "Unknown")), why: "FenceAgentsRemediation medik8s/a has not fenced it"},
		"a fence agent that failed":           {objects: silent(agentsRemediation("a", "False")), why: "has not fenced it"},
		"a stale remediation":                 {objects: silent(selfRemediation("a", since(-time.Minute))), why: "is older than the last renewal of its Lease"},
		"a stale fence agent":                 {objects: silent(agentsRemediation("a", "True", since(-time.Minute))), why: "is older than the last renewal of its Lease"},
		"a remediation of the same moment":    {objects: silent(selfRemediation("a", since(0))), why: "is older than the last renewal of its Lease"},
		"a remediation without a time":        {objects: silent(selfRemediation("a", func(o *unstructured.Unstructured) { o.SetCreationTimestamp(metav1.Time{}) })), why: "is older than the last renewal of its Lease"},
		"a node whose clock is slow":          {objects: []runtime.Object{aNode("a"), slow, selfRemediation("a")}, why: "is older than the last renewal of its Lease"},
		"no Lease":                            {objects: []runtime.Object{aNode("a"), selfRemediation("a")}, why: "not known when it was last heard of"},
		"a Lease that was never renewed":      {objects: []runtime.Object{aNode("a"), never, selfRemediation("a")}, why: "not known when it was last heard of"},
		"Leases are forbidden":                {objects: silent(selfRemediation("a")), refuse: at("coordination.k8s.io", "leases"), why: "not known when it was last heard of"},
		"a remediation of another node":       {objects: silent(selfRemediation("b"), agentsRemediation("b", "True"))},
		"named as the node, noted as another": {objects: silent(selfRemediation("a", as("b")))},
		"a remediation of a Machine":          {objects: silent(selfRemediation("a", owned))},
		"a remediation of an older node":      {objects: []runtime.Object{aNode("a", newer), aLease("a"), selfRemediation("a")}},
		"a remediation that is taken back":    {objects: silent(selfRemediation("a", going)), why: "is being deleted"},
		"remediations are forbidden":          {objects: silent(selfRemediation("a")), refuse: at(selfNodeRemediation, "selfnoderemediations"), why: "SelfNodeRemediations of self-node-remediation.medik8s.io may not be read"},
		"fence agents do not answer":          {objects: silent(agentsRemediation("a", "True")), fails: at(fenceAgentsRemediation, "fenceagentsremediations"), why: "etcd is away"},
	} {
		t.Run(name, func(t *testing.T) {
			if found := c.weigh(t, t.Context()); found.proven || found.way != wayAccepted {
				t.Errorf("got %+v, want no proof", found)
			}
		})
	}
}

// An API that is not installed costs no word: the plan of a cluster that has none of them says only what it lacks.
func TestAPIsThatAreNotInstalledCostNothing(t *testing.T) {
	found := clue{objects: []runtime.Object{aNode("a")}}.weigh(t, t.Context())
	if want := "no power switch is configured for cluster east"; found.why != want {
		t.Errorf("it says %q, want %q", found.why, want)
	}
}

// The end of the context is not an answer.
func TestWeighEndsWithItsContext(t *testing.T) {
	b := newBench(t, aNode("a"))
	node := b.node("a")
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	found, err := proofs{b.clusters, nil}.weigh(ctx, "east", node)
	if !errors.Is(err, context.Canceled) || found.way != "" {
		t.Errorf("got %+v, error %v", found, err)
	}
}

// A switch that answers is asked about this moment: what others did before does not make a machine that is on one that is off.
func TestPowerSwitchHasTheLastWord(t *testing.T) {
	b := newBench(t, aNode("a", onOpenShift), openshiftMachine("other"))
	node := b.node("a")
	if off, err := (proofs{b.clusters, b.switches()}).isProvenOff(b.Context(), "east", node); off || err != nil {
		t.Errorf("a machine that is on counts as off: %t, error %v", off, err)
	}
	b.power.unknown = errPower
	if off, err := (proofs{b.clusters, b.switches()}).isProvenOff(b.Context(), "east", node); !off || err != nil {
		t.Errorf("with a switch that cannot be asked: %t, error %v", off, err)
	}
}

// What was proven when the plan was made is looked for again right before the write.
func TestReleaseAsksTheTracesAgain(t *testing.T) {
	for name, vanish := range map[string]struct {
		objects []runtime.Object
		spoil   func(*responderstest.Server)
	}{
		"the Machines cannot be listed any more": {[]runtime.Object{aNode("a", onOpenShift), openshiftMachine("other")},
			func(s *responderstest.Server) {
				s.Refuse(openshift, "machines", apierrors.NewForbidden(*at(openshift, "machines"), "", errors.New("no")))
			}},
		"the remediation cannot be read any more": {[]runtime.Object{aNode("a"), aLease("a"), selfRemediation("a")},
			func(s *responderstest.Server) {
				s.Refuse(selfNodeRemediation, "selfnoderemediations", apierrors.NewInternalError(errors.New("gone")))
			}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, append(vanish.objects, aPod("a", "db-0", "StatefulSet", "data"), anAttachment("a"))...)
			fence, release := NewFence(b.clusters, nil), NewRelease(b.clusters, nil)
			fenced, change := b.preview(fence, "a"), b.preview(release, "a")
			if !fenced.Nothing || change.Class != policies.Disruptive || change.Warnings != nil {
				t.Fatalf("with proof the changes are %+v and %+v", fenced, change)
			}
			vanish.spoil(b.server)
			before := b.node("a")
			b.wantError(release.Apply(b.allowed(), env, change), "node a keeps its volumes, nothing proves that it is off")
			b.wantUntouched(before)
			if found, err := fence.Verify(b.Context(), env, fenced); found.Outcome == responders.OutcomeVerified {
				t.Errorf("without the trace Verify says %+v, error %v", found, err)
			}
		})
	}
}

// A plan that people accepted as destructive may use proof that came up meanwhile, but a plan that promised proof does not
// fall back on acceptance.
func TestTracesNeverWeaken(t *testing.T) {
	b := newBench(t, aNode("a", annotated(FencedAnnotation, acceptedMark)))
	before := b.node("a")
	change := responders.Change{Responder: "node.release", Class: policies.Destructive, Targets: []policies.Target{targetOf(before)}}
	for _, promised := range []way{wayMachine, wayRemediation} {
		if err := pin(&change, []releasing{{Way: promised}}); err != nil {
			t.Fatal(err)
		}
		b.wantError(NewRelease(b.clusters, nil).Apply(b.allowed(), env, change), "node a keeps its volumes")
		b.wantUntouched(before)
	}
}
