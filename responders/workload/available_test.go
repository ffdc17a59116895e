package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

func TestAvailablePinsEveryWorkloadOnce(t *testing.T) {
	ended := aPod("a", "ended", "ReplicaSet", "other")
	ended.Status.Phase = corev1.PodSucceeded
	clusters, _, _ := responderstest.InMemory(t, aNode("a"), ended,
		aDeployment("web", 3, 0), aReplicaSet("web-old", "web"), aReplicaSet("web-new", "web"),
		aPod("a", "1", "ReplicaSet", "web-old"), aPod("a", "2", "ReplicaSet", "web-new"), leaving(aPod("a", "3", "ReplicaSet", "web-new")),
		aPod("a", "db-0", "StatefulSet", "db"), aPod("a", "log", "DaemonSet", "log"), aPod("a", "work", "Job", "work"), aPod("a", "x", "ReplicaSet", "vanished"))
	change, err := NewAvailable(clusters).Preview(t.Context(), env, responders.Args{"displacedFrom": []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	want := responders.Change{Responder: "workload.available", Targets: []policies.Target{
		{Kind: "Deployment", Namespace: "shop", Name: "web", UID: "uid-deployment-shop-web"},
		{Kind: "StatefulSet", Namespace: "shop", Name: "db", UID: "uid-statefulset-shop-db"}},
		Will: []string{"deployment/shop/web is awaited to be available", "statefulset/shop/db is awaited to be available"},
		Detail: []byte(`{"nodes":["a"],"workloads":[{"owners":["uid-replicaset-shop-web-new","uid-replicaset-shop-web-old"]},` +
			`{"owners":["uid-statefulset-shop-db"]}]}`)}
	if diff := cmp.Diff(want, change); diff != "" {
		t.Error(diff)
	}
}

func TestAvailableAsksWhatIsWantedNow(t *testing.T) {
	stranger := aDeployment("web", 2, 0)
	stranger.UID = "another"
	unseen := aDeployment("web", 2, 2)
	unseen.Generation = 2
	tired := aPod("a", "web-1-x", "ReplicaSet", "web-1")
	tired.Status.Conditions = nil
	for name, c := range map[string]struct {
		now  []runtime.Object
		want responders.Finding
	}{
		"all there":         {[]runtime.Object{aDeployment("web", 2, 2)}, responders.Finding{Outcome: responders.OutcomeVerified}},
		"more than wanted":  {[]runtime.Object{aDeployment("web", 2, 3)}, responders.Finding{Outcome: responders.OutcomeVerified}},
		"scaled to nothing": {[]runtime.Object{aDeployment("web", 0, 0)}, responders.Finding{Outcome: responders.OutcomeVerified}},
		"deleted meanwhile": {nil, responders.Finding{Outcome: responders.OutcomeVerified}},
		"recreated":         {[]runtime.Object{stranger}, responders.Finding{Outcome: responders.OutcomeVerified}},
		"one short":         {[]runtime.Object{aDeployment("web", 2, 1)}, missing("deployment/shop/web: 1 of 2 available")},
		"not seen yet":      {[]runtime.Object{unseen}, missing("deployment/shop/web: its controller has not seen its last change")},
		"counted on the dead": {[]runtime.Object{aDeployment("web", 2, 2), aPod("a", "web-1-x", "ReplicaSet", "web-1")},
			missing("deployment/shop/web: still counts a pod on a")},
		"on its way out of the dead": {[]runtime.Object{aDeployment("web", 2, 2), leaving(aPod("a", "web-1-x", "ReplicaSet", "web-1"))},
			responders.Finding{Outcome: responders.OutcomeVerified}},
		"not ready on the dead":       {[]runtime.Object{aDeployment("web", 2, 2), tired}, responders.Finding{Outcome: responders.OutcomeVerified}},
		"somebody else's on the dead": {[]runtime.Object{aDeployment("web", 2, 2), aPod("a", "y", "ReplicaSet", "other")}, responders.Finding{Outcome: responders.OutcomeVerified}},
	} {
		t.Run(name, func(t *testing.T) {
			clusters, _, _ := responderstest.InMemory(t, append(c.now, aNode("a"))...)
			change := responders.Change{Responder: "workload.available",
				Targets: []policies.Target{{Kind: "Deployment", Namespace: "shop", Name: "web", UID: "uid-deployment-shop-web"}},
				Detail:  []byte(`{"nodes":["a"],"workloads":[{"owners":["uid-replicaset-shop-web-1"]}]}`)}
			found, err := NewAvailable(clusters).Verify(t.Context(), env, change)
			if diff := cmp.Diff(c.want, found); diff != "" || err != nil {
				t.Errorf("error %v, %s", err, diff)
			}
		})
	}
}

func missing(sentence string) responders.Finding {
	return responders.Finding{Outcome: responders.OutcomeNotVerified, Detail: []string{sentence}}
}

func TestAvailableSaysWhichAreMissing(t *testing.T) {
	clusters, _, _ := responderstest.InMemory(t, aNode("a"), aDeployment("web", 2, 2), aStatefulSet("db", 1, 0))
	change := responders.Change{Responder: "workload.available",
		Targets: []policies.Target{{Kind: "Deployment", Namespace: "shop", Name: "web", UID: "uid-deployment-shop-web"},
			{Kind: "StatefulSet", Namespace: "shop", Name: "db", UID: "uid-statefulset-shop-db"}},
		Detail: []byte(`{"nodes":["a"],"workloads":[{"owners":["x"]},{"owners":["y"]}]}`)}
	found, err := NewAvailable(clusters).Verify(t.Context(), env, change)
	want := responders.Finding{Outcome: responders.OutcomePartly, Detail: []string{"statefulset/shop/db: 0 of 1 available"}}
	if diff := cmp.Diff(want, found); diff != "" || err != nil {
		t.Errorf("error %v, %s", err, diff)
	}
}
