package placement

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func list(pairs ...string) corev1.ResourceList {
	out := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		out[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return out
}

func aNode(name, zone string, edits ...func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelTopologyZone: zone, "cores": "8"}},
		Status: corev1.NodeStatus{Allocatable: list("cpu", "4", "memory", "8Gi", "pods", "10"),
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}}}
	for _, edit := range edits {
		edit(n)
	}
	return n
}

func aPod(cpu string, edits ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: list("cpu", cpu, "memory", "1Gi")}}}}}
	for _, edit := range edits {
		edit(p)
	}
	return p
}

func where(key string, op corev1.NodeSelectorOperator, values ...string) *corev1.NodeSelector {
	return &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: op, Values: values}}}}}
}

func inZone(zones ...string) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{Spec: corev1.PersistentVolumeSpec{NodeAffinity: &corev1.VolumeNodeAffinity{Required: where(corev1.LabelTopologyZone, corev1.NodeSelectorOpIn, zones...)}}}
}

func labelled(zones string) *corev1.PersistentVolume {
	return &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{corev1.LabelTopologyZone: zones}}}
}

func TestReaches(t *testing.T) {
	node := aNode("a-1", "a")
	onNode := &corev1.PersistentVolume{Spec: corev1.PersistentVolumeSpec{NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{
		NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchFields: []corev1.NodeSelectorRequirement{{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{"a-2"}}}}}}}}}
	either := inZone("b")
	either.Spec.NodeAffinity.Required.NodeSelectorTerms = append(either.Spec.NodeAffinity.Required.NodeSelectorTerms, where("cores", corev1.NodeSelectorOpGt, "4").NodeSelectorTerms...)
	for name, c := range map[string]struct {
		volume *corev1.PersistentVolume
		want   bool
	}{
		"anywhere":                  {&corev1.PersistentVolume{}, true},
		"in the zone":               {inZone("a"), true},
		"in another":                {inZone("b"), false},
		"in two":                    {inZone("b", "a"), true},
		"labelled with the zone":    {labelled("a"), true},
		"labelled with another":     {labelled("b"), false},
		"labelled with two":         {labelled("b__a"), true},
		"on another node":           {onNode, false},
		"in another, or many cores": {either, true},
		"a term without a demand":   {&corev1.PersistentVolume{Spec: corev1.PersistentVolumeSpec{NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{}}}}}}, false},
		"a demand nobody can read":  {&corev1.PersistentVolume{Spec: corev1.PersistentVolumeSpec{NodeAffinity: &corev1.VolumeNodeAffinity{Required: where("cores", corev1.NodeSelectorOpGt, "many")}}}, false},
	} {
		if got := Reaches(c.volume, node); got != c.want {
			t.Errorf("a volume %s reaches %s: %t", name, node.Name, got)
		}
	}
	if !Bound(inZone("a"), []*corev1.Node{aNode("b-1", "b")}) || Bound(inZone("a", "b"), []*corev1.Node{aNode("b-1", "b")}) {
		t.Error("a volume is bound that reaches another zone, or one is not that reaches none")
	}
}

func TestPlace(t *testing.T) {
	tainted := func(n *corev1.Node) {
		n.Spec.Taints = []corev1.Taint{{Key: "gpu", Effect: corev1.TaintEffectNoSchedule}}
	}
	for name, c := range map[string]struct {
		node *corev1.Node
		pod  *corev1.Pod
		pv   []*corev1.PersistentVolume
		want Refusal
	}{
		"fits":          {aNode("b-1", "b"), aPod("4"), nil, ""},
		"too large":     {aNode("b-1", "b"), aPod("4001m"), nil, Full},
		"not ready":     {aNode("b-1", "b", func(n *corev1.Node) { n.Status.Conditions = nil }), aPod("1"), nil, Nowhere},
		"cordoned":      {aNode("b-1", "b", func(n *corev1.Node) { n.Spec.Unschedulable = true }), aPod("1"), nil, Nowhere},
		"being deleted": {aNode("b-1", "b", func(n *corev1.Node) { n.DeletionTimestamp = &metav1.Time{} }), aPod("1"), nil, Nowhere},
		"tainted":       {aNode("b-1", "b", tainted), aPod("1"), nil, Nowhere},
		"tolerated": {aNode("b-1", "b", tainted), aPod("1", func(p *corev1.Pod) {
			p.Spec.Tolerations = []corev1.Toleration{{Key: "gpu", Operator: corev1.TolerationOpExists}}
		}), nil, ""},
		"selected":       {aNode("b-1", "b"), aPod("1", func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"cores": "8"} }), nil, ""},
		"not selected":   {aNode("b-1", "b"), aPod("1", func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{corev1.LabelTopologyZone: "a"} }), nil, Nowhere},
		"only elsewhere": {aNode("b-1", "b"), aPod("1", wanting(where(corev1.LabelTopologyZone, corev1.NodeSelectorOpNotIn, "b"))), nil, Nowhere},
		"affine":         {aNode("b-1", "b"), aPod("1", wanting(where("cores", corev1.NodeSelectorOpExists))), nil, ""},
		"volume here":    {aNode("b-1", "b"), aPod("1"), []*corev1.PersistentVolume{inZone("b")}, ""},
		"volume there":   {aNode("b-1", "b"), aPod("1"), []*corev1.PersistentVolume{inZone("b"), inZone("a")}, Nowhere},
		"no such thing":  {aNode("b-1", "b"), aPod("1", func(p *corev1.Pod) { p.Spec.Containers[0].Resources.Requests["gpu"] = resource.MustParse("1") }), nil, Full},
	} {
		if got := NewRoom([]*corev1.Node{c.node}, nil).Place(c.pod, c.pv); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func wanting(s *corev1.NodeSelector) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: s}}
	}
}

// TestRoomRunsOut: what runs there takes room, what has ended does not, and each pod that is placed leaves less.
func TestRoomRunsOut(t *testing.T) {
	on := func(p *corev1.Pod) { p.Spec.NodeName = "b-1" }
	ended := *aPod("4", on)
	ended.Status.Phase = corev1.PodSucceeded
	room := NewRoom([]*corev1.Node{aNode("b-1", "b"), aNode("b-2", "b")}, []corev1.Pod{*aPod("3", on), ended})
	if room.Nodes() != 2 || room.Left(corev1.ResourceCPU) != 62 || room.Left("gpu") != 0 {
		t.Errorf("%d nodes, %d%% CPU", room.Nodes(), room.Left(corev1.ResourceCPU))
	}
	for n, want := range []Refusal{"", "", Full} {
		if got := room.Place(aPod("2"), nil); got != want {
			t.Errorf("pod %d: %q, want %q", n, got, want)
		}
	}
	if got := room.Left(corev1.ResourceCPU); got != 12 {
		t.Errorf("%d%% CPU left, want 1 of 8 cores", got)
	}
}

func TestRequests(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	of := func(cpu string) corev1.Container {
		return corev1.Container{Resources: corev1.ResourceRequirements{Requests: list("cpu", cpu)}}
	}
	sidecar := of("100m")
	sidecar.RestartPolicy = &always
	small := aPod("1", func(p *corev1.Pod) { p.Spec.InitContainers = []corev1.Container{of("500m"), sidecar} })
	large := aPod("1", func(p *corev1.Pod) {
		p.Spec.InitContainers, p.Spec.Overhead = []corev1.Container{sidecar, of("2")}, list("cpu", "10m")
	})
	whole := aPod("1", func(p *corev1.Pod) { p.Spec.Resources = &corev1.ResourceRequirements{Requests: list("cpu", "3")} })
	for want, pod := range map[int64]*corev1.Pod{1100: small, 2110: large, 3000: whole} {
		if diff := cmp.Diff(amounts{"cpu": want, "memory": 1 << 30, "pods": 1}, requests(pod)); diff != "" {
			t.Error(diff)
		}
	}
}
