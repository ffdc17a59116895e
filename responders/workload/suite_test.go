package workload

import (
	"context"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

var env = responders.Env{Cluster: "east", Incident: "inc-1", Step: "step", Now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}

func aNode(name string) *corev1.Node { return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}} }

// aPod is ready, on a node, and of the controller of that kind and name.
func aPod(node, name, kind, owner string, volumes ...corev1.VolumeSource) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}, Spec: corev1.PodSpec{NodeName: node},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}}
	if kind != "" {
		p.OwnerReferences = []metav1.OwnerReference{ownedBy(kind, owner)}
	}
	for i, source := range volumes {
		p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: fmt.Sprint(i), VolumeSource: source})
	}
	return p
}

func ownedBy(kind, name string) metav1.OwnerReference {
	return metav1.OwnerReference{Kind: kind, Name: name, UID: responderstest.UIDOf(kind, "shop", name), Controller: new(true)}
}

func leaving(p *corev1.Pod) *corev1.Pod {
	p.DeletionTimestamp = &metav1.Time{Time: env.Now}
	return p
}

var (
	claim   = corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}
	scratch = corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}
)

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "shop", Name: name, Generation: 1}
}

func aReplicaSet(name, deployment string) *appsv1.ReplicaSet {
	s := &appsv1.ReplicaSet{ObjectMeta: meta(name), Spec: appsv1.ReplicaSetSpec{Replicas: new(int32(1))}, Status: appsv1.ReplicaSetStatus{ObservedGeneration: 1}}
	if deployment != "" {
		s.OwnerReferences = []metav1.OwnerReference{ownedBy("Deployment", deployment)}
	}
	return s
}

func aDeployment(name string, wanted, there int32) *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: meta(name), Spec: appsv1.DeploymentSpec{Replicas: &wanted},
		Status: appsv1.DeploymentStatus{AvailableReplicas: there, ObservedGeneration: 1}}
}

func aStatefulSet(name string, wanted, there int32) *appsv1.StatefulSet {
	return &appsv1.StatefulSet{ObjectMeta: meta(name), Spec: appsv1.StatefulSetSpec{Replicas: &wanted},
		Status: appsv1.StatefulSetStatus{AvailableReplicas: there, ObservedGeneration: 1}}
}

func aReplicationController(name string) *corev1.ReplicationController {
	return &corev1.ReplicationController{ObjectMeta: meta(name), Status: corev1.ReplicationControllerStatus{ObservedGeneration: 1}}
}

func TestDisplaceSuite(t *testing.T) {
	world := func(objects func() []runtime.Object) func(t *testing.T) *responderstest.World {
		return func(t *testing.T) *responderstest.World {
			clusters, tape, _ := responderstest.InMemory(t, objects()...)
			return &responderstest.World{Responder: NewDisplace(clusters), Env: env, Tape: tape}
		}
	}
	args := responders.Args{"nodes": []string{"a", "b"}, "only": "stateless"}
	responderstest.Run(t,
		responderstest.Case{Name: "three pods on two nodes", Args: args, World: world(func() []runtime.Object {
			return []runtime.Object{aNode("a"), aNode("b"), aPod("a", "web-1", "ReplicaSet", "web"), aPod("a", "web-2", "ReplicaSet", "web"),
				aPod("b", "old", "ReplicationController", "old"), aPod("a", "db-0", "StatefulSet", "db", claim), leaving(aPod("b", "gone", "ReplicaSet", "web"))}
		})},
		responderstest.Case{Name: "nothing stateless", Args: args, World: world(func() []runtime.Object {
			return []runtime.Object{aNode("a"), aNode("b"), aPod("a", "db-0", "StatefulSet", "db", claim)}
		})},
	)
}

func TestAvailableSuite(t *testing.T) {
	args := responders.Args{"displacedFrom": []string{"a"}}
	responderstest.Run(t,
		responderstest.Case{Name: "every kind of workload", Args: args, World: func(t *testing.T) *responderstest.World {
			clusters, tape, own := responderstest.InMemory(t, aNode("a"), aDeployment("web", 2, 1), aReplicaSet("web-1", "web"), aReplicaSet("bare", ""),
				aStatefulSet("db", 1, 0), aReplicationController("old"), aPod("a", "web-1-x", "ReplicaSet", "web-1"), aPod("a", "bare-x", "ReplicaSet", "bare"),
				aPod("a", "db-0", "StatefulSet", "db"), aPod("a", "old-x", "ReplicationController", "old"), aPod("a", "alone", "", ""))
			return &responderstest.World{Responder: NewAvailable(clusters), Env: env, Tape: tape,
				React: func(ctx context.Context) error { return replaceAll(ctx, own) }}
		}},
		responderstest.Case{Name: "nothing to wait for", Args: args, World: func(t *testing.T) *responderstest.World {
			clusters, tape, _ := responderstest.InMemory(t, aNode("a"), aPod("a", "alone", "", ""))
			return &responderstest.World{Responder: NewAvailable(clusters), Env: env, Tape: tape}
		}},
	)
}

// replaceAll plays controllers that brought every replica up elsewhere.
func replaceAll(ctx context.Context, client kubernetes.Interface) error {
	pods, err := podsOn(ctx, client, []string{"a"})
	if err != nil {
		return err
	}
	for _, pod := range pods {
		if err := client.CoreV1().Pods("shop").Delete(ctx, pod.Name, metav1.DeleteOptions{}); err != nil {
			return err
		}
	}
	up, form, options := responderstest.Patch(map[string]any{"status": map[string]any{"availableReplicas": 2}}), types.MergePatchType, metav1.PatchOptions{}
	_, err1 := client.AppsV1().Deployments("shop").Patch(ctx, "web", form, up, options)
	_, err2 := client.AppsV1().ReplicaSets("shop").Patch(ctx, "bare", form, up, options)
	_, err3 := client.AppsV1().StatefulSets("shop").Patch(ctx, "db", form, up, options)
	_, err4 := client.CoreV1().ReplicationControllers("shop").Patch(ctx, "old", form, up, options)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return err
		}
	}
	return nil
}
