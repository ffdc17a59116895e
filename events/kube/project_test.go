package kube

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/events"
)

func TestProject(t *testing.T) {
	since := time.Date(2026, 5, 1, 2, 3, 4, 0, time.UTC)
	local := metav1.NewTime(since.In(time.FixedZone("east", 7200)))
	got := project(testNode("a", func(n *corev1.Node) {
		n.Labels = map[string]string{
			"topology.kubernetes.io/zone":                     "z1",
			"failure-domain.beta.kubernetes.io/zone":          "old-z",
			"failure-domain.beta.kubernetes.io/region":        "r1",
			"eks.amazonaws.com/nodegroup":                     "workers",
			"node-role.kubernetes.io/control-plane":           "",
			"kubernetes.io/hostname":                          "a",
			"remediation.medik8s.io/exclude-from-remediation": "true",
		}
		n.Annotations = map[string]string{
			"salvor.io/cordoned":                                     "inc-1",
			"machineconfiguration.openshift.io/state":                "Working",
			"weave.works/kured-reboot-in-progress":                   "2026-05-01T02:03:04Z",
			"cluster.x-k8s.io/machine":                               "md-0-abc",
			"volumes.kubernetes.io/controller-managed-attach-detach": "true",
			"salvor.iox/not-ours":                                    "x",
		}
		n.DeletionTimestamp = &local
		n.Spec = corev1.NodeSpec{ProviderID: "aws:///z1/i-1", Unschedulable: true, Taints: []corev1.Taint{
			{Key: "b", Effect: corev1.TaintEffectNoSchedule, TimeAdded: &local},
			{Key: "a", Value: "v", Effect: corev1.TaintEffectNoExecute},
		}}
		n.Status.Conditions = []corev1.NodeCondition{
			{Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse},
			{Type: corev1.NodeReady, Status: corev1.ConditionUnknown, Reason: "NodeStatusUnknown", LastTransitionTime: local, LastHeartbeatTime: local},
		}
	}))
	want := events.Node{
		Name: "a", UID: "uid-a", ResourceVersion: "1", Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Deleting: true,
		Zone: "z1", Region: "r1", Group: "workers", ControlPlane: true, ProviderID: "aws:///z1/i-1",
		Ready:         events.Condition{Status: "Unknown", Reason: "NodeStatusUnknown", Since: since},
		Unschedulable: true,
		Taints:        []events.Taint{{Key: "a", Value: "v", Effect: "NoExecute"}, {Key: "b", Effect: "NoSchedule"}},
		Annotations: map[string]string{
			"salvor.io/cordoned":                              "inc-1",
			"machineconfiguration.openshift.io/state":         "Working",
			"weave.works/kured-reboot-in-progress":            "2026-05-01T02:03:04Z",
			"cluster.x-k8s.io/machine":                        "md-0-abc",
			"remediation.medik8s.io/exclude-from-remediation": "true",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if bare := project(&corev1.Node{}); bare.Ready.Status != "" || bare.Annotations != nil {
		t.Errorf("a node without anything became %+v", bare)
	}
}

func TestDigestChangesWithMeaningOnly(t *testing.T) {
	base := digest(project(testNode("a")))
	for name, c := range map[string]struct {
		edit   func(*corev1.Node)
		differ bool
	}{
		"version":            {version("77"), false},
		"heartbeat":          {heartbeat, false},
		"images":             {func(n *corev1.Node) { n.Status.Images = []corev1.ContainerImage{{SizeBytes: 1}} }, false},
		"foreign annotation": {func(n *corev1.Node) { n.Annotations = map[string]string{"a.example/b": "c"} }, false},
		"condition message":  {func(n *corev1.Node) { n.Status.Conditions[0].Message = "m" }, false},
		"ready":              {notReady, true},
		"cordon":             {cordoned, true},
		"transition":         {func(n *corev1.Node) { n.Status.Conditions[0].LastTransitionTime = metav1.Now() }, true},
		"taint":              {func(n *corev1.Node) { n.Spec.Taints = []corev1.Taint{{Key: "k"}} }, true},
		"mark":               {func(n *corev1.Node) { n.Annotations = map[string]string{"salvor.io/x": ""} }, true},
		"uid":                {uid("other"), true},
	} {
		if got := digest(project(testNode("a", c.edit))); (got != base) != c.differ {
			t.Errorf("%s: digest %s, was %s", name, got, base)
		}
	}
}

// TestOddNodesFitIntoEvents has a node as large and as strange as a server would ever send. What is known of it after a
// trip through the log must equal what is seen, or it would be published again and again.
func TestOddNodesFitIntoEvents(t *testing.T) {
	n := testNode(strings.Repeat("n", 253), func(n *corev1.Node) {
		n.Annotations = map[string]string{}
		for i := range 500 {
			n.Annotations[fmt.Sprintf("salvor.io/%03d", i)] = strings.Repeat("ü<", 3000)
			n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: fmt.Sprint("k", i), Value: strings.Repeat("v", 63)})
		}
		n.Annotations["salvor.io/odd"] = "\xff\x00\u2028"
		n.CreationTimestamp = metav1.Time{}
	})
	p := project(n)
	ev, err := events.New("id", events.TypeNode, "source", "c", "node/"+n.Name, time.Now(), p)
	if err != nil {
		t.Fatal(err)
	}
	if err := ev.Validate(); err != nil {
		t.Fatal(err)
	}
	if len(p.Annotations) != maxMarks || len(p.Taints) != maxTaints {
		t.Errorf("kept %d marks and %d taints", len(p.Annotations), len(p.Taints))
	}
	var back events.Node
	if err := json.Unmarshal(ev.Data, &back); err != nil {
		t.Fatal(err)
	}
	if digest(back) != digest(p) {
		t.Errorf("the log says of it something else:\n%s", cmp.Diff(p, back))
	}
	if again := project(n); !maps.Equal(again.Annotations, p.Annotations) {
		t.Error("another look at the same node keeps other marks")
	}
}

func FuzzDigestSurvivesTheLog(f *testing.F) {
	f.Add("salvor.io/a", "v\xff", "zone\x00", int64(0))
	f.Add("", strings.Repeat("ä", 800), "<&>", int64(1<<40))
	f.Fuzz(func(t *testing.T, mark, value, zone string, seconds int64) {
		p := project(testNode("a", func(n *corev1.Node) {
			n.Annotations = map[string]string{"salvor.io/" + mark: value}
			n.Labels = map[string]string{corev1.LabelTopologyZone: zone}
			n.Status.Conditions[0].LastTransitionTime = metav1.Unix(seconds, 0)
		}))
		data, err := json.Marshal(p)
		if err != nil {
			return
		}
		var back events.Node
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		if digest(back) != digest(p) {
			t.Errorf("was %+v, came back as %+v", p, back)
		}
	})
}
