package node

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

var env = responders.Env{Cluster: "east", Incident: "inc-1", Step: "step", Now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}

func named(nodes ...string) responders.Args { return responders.Args{"nodes": nodes} }

func aNode(name string, edits ...func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelTopologyZone: "a"}, Annotations: map[string]string{"other": "stays"}},
		Spec: corev1.NodeSpec{Taints: []corev1.Taint{{Key: "other", Effect: corev1.TaintEffectNoSchedule}}}}
	for _, edit := range edits {
		edit(n)
	}
	return n
}

func cordoned(n *corev1.Node) { n.Spec.Unschedulable = true }

func ready(n *corev1.Node) {
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
}

func tainted(taint corev1.Taint) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Spec.Taints = append(n.Spec.Taints, taint) }
}

var shutDown = tainted(corev1.Taint{Key: shutdownTaint, Effect: corev1.TaintEffectNoSchedule})

func annotated(key, value string) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Annotations[key] = value }
}

var controlPlane = func(n *corev1.Node) { n.Labels[controlPlaneLabel] = "" }

const acceptedMark = `{"incident":"inc-1","proof":"accepted","at":"2030-01-01T00:00:00Z"}`

func aPod(node, name, owner string, claims ...string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name,
		OwnerReferences: []metav1.OwnerReference{{Kind: owner, Name: "x", Controller: new(true)}}}, Spec: corev1.PodSpec{NodeName: node}}
	for _, claim := range claims {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: claim, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}})
	}
	return p
}

func anAttachment(node string) *storagev1.VolumeAttachment {
	return &storagev1.VolumeAttachment{ObjectMeta: metav1.ObjectMeta{Name: "csi-" + node}, Spec: storagev1.VolumeAttachmentSpec{NodeName: node}}
}

// setup is what a case's world is made of.
type setup struct {
	make    func(Clusters, map[string]Power) responders.Responder
	down    []string // machines that are off; nil means that there is no power switch at all
	objects func() []runtime.Object
	react   func(context.Context, kubernetes.Interface) error
}

func (s setup) world(t *testing.T) *responderstest.World {
	clusters, tape, own := responderstest.InMemory(t, s.objects()...)
	switches := map[string]Power{}
	if s.down != nil {
		machine := &responderstest.Machine{Tape: tape, Down: map[string]bool{}}
		for _, node := range s.down {
			machine.Down[node] = true
		}
		switches["east"] = machine
	}
	w := &responderstest.World{Responder: s.make(clusters, switches), Env: env, Tape: tape}
	if s.react != nil {
		w.React = func(ctx context.Context) error { return s.react(ctx, own) }
	}
	return w
}

func makeCordon(c Clusters, _ map[string]Power) responders.Responder  { return NewCordon(c) }
func makeFence(c Clusters, p map[string]Power) responders.Responder   { return NewFence(c, p) }
func makeRelease(c Clusters, p map[string]Power) responders.Responder { return NewRelease(c, p) }
func makeRestore(c Clusters, _ map[string]Power) responders.Responder { return NewRestore(c) }
func objects(all ...func() runtime.Object) func() []runtime.Object {
	return func() []runtime.Object {
		var out []runtime.Object
		for _, one := range all {
			out = append(out, one())
		}
		return out
	}
}

// elsewhere is a node of another zone.
func elsewhere(n *corev1.Node) { n.Labels[corev1.LabelTopologyZone] = "elsewhere" }

// aVolume can be used in one zone.
func aVolume(claim, zone string) *corev1.PersistentVolume {
	in := corev1.NodeSelectorRequirement{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{zone}}
	return &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "pv-" + claim}, Spec: corev1.PersistentVolumeSpec{NodeAffinity: &corev1.VolumeNodeAffinity{
		Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{in}}}}}}}
}

func aClaim(name string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}, Spec: corev1.PersistentVolumeClaimSpec{VolumeName: "pv-" + name}}
}

func theNode(name string, edits ...func(*corev1.Node)) func() runtime.Object {
	return func() runtime.Object { return aNode(name, edits...) }
}

func thePod(node, name, owner string, claims ...string) func() runtime.Object {
	return func() runtime.Object { return aPod(node, name, owner, claims...) }
}

func theAttachment(node string) func() runtime.Object {
	return func() runtime.Object { return anAttachment(node) }
}

func TestCordonSuite(t *testing.T) {
	case_ := func(name string, args responders.Args, all ...func() runtime.Object) responderstest.Case {
		return responderstest.Case{Name: name, Args: args, World: setup{make: makeCordon, objects: objects(all...)}.world}
	}
	responderstest.Run(t,
		case_("two nodes", named("a", "b"), theNode("a"), theNode("b")),
		case_("one is cordoned by a human", named("a", "b"), theNode("a", cordoned), theNode("b")),
		case_("cordoned already", named("a"), theNode("a", cordoned)),
		case_("a zone", responders.Args{"zone": "a"}, theNode("a"), theNode("b", cordoned), theNode("c", elsewhere, ready)),
	)
}

func TestFenceSuite(t *testing.T) {
	power := []string{}
	case_ := func(name string, down []string, all ...func() runtime.Object) responderstest.Case {
		return responderstest.Case{Name: name, Args: named("a"), World: setup{make: makeFence, down: down, objects: objects(all...)}.world}
	}
	two := case_("two nodes by power", power, theNode("a"), theNode("b"))
	two.Args = named("a", "b")
	mixed := case_("two nodes, one is off already", []string{"b"}, theNode("a"), theNode("b"))
	mixed.Args = named("b", "a")
	cases := []responderstest.Case{two, mixed}
	for name, all := range gone() {
		cases = append(cases, case_(name, nil, all...))
	}
	responderstest.Run(t, append(cases,
		case_("off already", []string{"a"}, theNode("a")),
		case_("shut down by the provider", nil, theNode("a", shutDown)),
		case_("no switch", nil, theNode("a"), thePod("a", "web-0", "StatefulSet", "data")),
		case_("accepted already", nil, theNode("a", annotated(FencedAnnotation, acceptedMark))),
		case_("a control plane node beside a ready one", power, theNode("a", controlPlane), theNode("b", controlPlane, ready)),
	)...)
}

func TestReleaseSuite(t *testing.T) {
	case_ := func(name string, down []string, all ...func() runtime.Object) responderstest.Case {
		return responderstest.Case{Name: name, Args: named("a"),
			World: setup{make: makeRelease, down: down, objects: objects(all...), react: collect}.world}
	}
	holds := []func() runtime.Object{thePod("a", "db-0", "StatefulSet", "data"), thePod("a", "log", "DaemonSet"), thePod("b", "db-1", "StatefulSet"),
		theAttachment("a"), theAttachment("b")}
	two := case_("two nodes", []string{"a", "b"}, append(holds, theNode("a"), theNode("b"))...)
	two.Args = named("a", "b")
	sparing := case_("what gains nothing is spared", []string{"a", "b"}, append(holds, theNode("a"), theNode("b"), theNode("c", elsewhere), the(aVolume("data", "a")), the(aClaim("data")))...)
	sparing.Args = responders.Args{"nodes": []string{"a", "b"}, "outOf": "a"}
	cases := []responderstest.Case{two}
	for name, all := range gone() {
		cases = append(cases, case_(name, nil, append(all, holds...)...))
	}
	responderstest.Run(t, append(cases,
		case_("off by its switch", []string{"a"}, append(holds, theNode("a"))...),
		case_("shut down by the provider", nil, append(holds, theNode("a", shutDown))...),
		case_("accepted", nil, append(holds, theNode("a", annotated(FencedAnnotation, acceptedMark)))...),
		sparing,
		case_("out of service already", []string{"a"}, theNode("a", tainted(outOfService)), thePod("a", "log", "DaemonSet")),
	)...)
}

// collect plays taint eviction, pod garbage collection and the attach-detach controller for nodes that are out of service.
func collect(ctx context.Context, client kubernetes.Interface) error {
	for _, name := range []string{"a", "b"} {
		node, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil || taintOf(node, outOfService.Key) == nil {
			continue
		}
		pods, err := podsOn(ctx, client, name)
		if err != nil {
			return err
		}
		for _, pod := range pods {
			if !leaves(pod) {
				continue
			}
			if err := client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}); err != nil {
				return err
			}
		}
		if err := client.StorageV1().VolumeAttachments().Delete(ctx, "csi-"+name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

func TestRestoreSuite(t *testing.T) {
	case_ := func(name string, all ...func() runtime.Object) responderstest.Case {
		return responderstest.Case{Name: name, Args: named("a"), World: setup{make: makeRestore, objects: objects(all...)}.world}
	}
	mine := func(n *corev1.Node) {
		for _, edit := range []func(*corev1.Node){ready, cordoned, tainted(outOfService), annotated(CordonedAnnotation, "inc-1"),
			annotated(ReleasedAnnotation, "inc-1"), annotated(FencedAnnotation, acceptedMark)} {
			edit(n)
		}
	}
	two := case_("two nodes", theNode("a", mine), theNode("b", mine))
	two.Args = named("a", "b")
	zone := func(name string, all ...func() runtime.Object) responderstest.Case {
		c := case_(name, all...)
		c.Args = responders.Args{"zone": "a"}
		return c
	}
	responderstest.Run(t, two,
		case_("only a mark", theNode("a", ready, annotated(FencedAnnotation, acceptedMark))),
		case_("of another incident", theNode("a", cordoned, annotated(CordonedAnnotation, "inc-0"))),
		case_("gone"),
		zone("all of a zone", theNode("a", mine), theNode("b", mine), theNode("c", mine, elsewhere)),
		zone("a zone that is gone", theNode("c", mine, elsewhere)),
	)
}
