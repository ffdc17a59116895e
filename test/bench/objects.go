package main

import (
	"fmt"
	"strconv"
	"time"

	coordv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

const crowdPods = 150_000

// listed is the version of the lists of the crowd.
const listed = "1000000"

// crowd is an API server of many nodes, their Leases and their pods. It keeps none of them: what is asked for is made then, each text of
// its own, as it comes over a wire.
func crowd() *fake.Clientset {
	client := fake.NewClientset()
	lists := map[string]func() runtime.Object{"nodes": crowdOfNodes, "leases": crowdOfLeases, "pods": crowdOfPods}
	for resource, list := range lists {
		client.PrependReactor("list", resource, func(clienttesting.Action) (bool, runtime.Object, error) { return true, list(), nil })
		client.PrependWatchReactor(resource, func(clienttesting.Action) (bool, apiwatch.Interface, error) { return true, renewing(resource), nil })
	}
	return client
}

// renewing is a watch that brings one renewal of each Lease, and nothing of others.
func renewing(resource string) apiwatch.Interface {
	if resource != "leases" {
		return apiwatch.NewFake()
	}
	w := apiwatch.NewFakeWithChanSize(fleetNodes, false)
	for i := range fleetNodes {
		lease := crowdLease(i, time.Now())
		lease.ResourceVersion = strconv.Itoa(1_000_001 + i)
		w.Modify(&lease)
	}
	return w
}

func crowdOfNodes() runtime.Object {
	list := &corev1.NodeList{ListMeta: metav1.ListMeta{ResourceVersion: listed}, Items: make([]corev1.Node, fleetNodes)}
	for i := range list.Items {
		list.Items[i] = crowdNode(i)
	}
	return list
}

func crowdOfLeases() runtime.Object {
	list := &coordv1.LeaseList{ListMeta: metav1.ListMeta{ResourceVersion: listed}, Items: make([]coordv1.Lease, fleetNodes)}
	for i := range list.Items {
		list.Items[i] = crowdLease(i, time.Now().Add(-time.Second))
	}
	return list
}

func crowdOfPods() runtime.Object {
	list := &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: listed}, Items: make([]corev1.Pod, crowdPods)}
	for i := range list.Items {
		list.Items[i] = crowdPod(i)
	}
	return list
}

func nodeUID(i int) types.UID { return types.UID(fmt.Sprintf("2c3d4e5f-0000-4000-8000-%012d", i)) }

func crowdNode(i int) corev1.Node {
	at := metav1.NewTime(time.Now().Add(-time.Hour))
	name := fleetNode(i)
	n := corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: nodeUID(i), ResourceVersion: strconv.Itoa(400_000 + i), CreationTimestamp: at, Labels: map[string]string{
			corev1.LabelHostname: fleetNode(i), corev1.LabelTopologyZone: "eu-west-1" + string(rune('a'+i%3)), corev1.LabelTopologyRegion: fmt.Sprint("eu-west-", 1),
			corev1.LabelInstanceTypeStable: fmt.Sprint("m5.", "2xlarge"), corev1.LabelOSStable: fmt.Sprint("lin", "ux"), corev1.LabelArchStable: fmt.Sprint("amd", 64)}},
		Spec: corev1.NodeSpec{ProviderID: fmt.Sprintf("aws:///eu-west-1%c/i-%017x", 'a'+i%3, i)},
		Status: corev1.NodeStatus{
			Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)}, {Type: corev1.NodeHostName, Address: fleetNode(i)}},
			NodeInfo:  corev1.NodeSystemInfo{MachineID: fmt.Sprintf("%032x", i), BootID: fmt.Sprintf("%036x", i), KernelVersion: fmt.Sprint("6.12.", 40), KubeletVersion: fmt.Sprint("v1.36.", 1)}},
	}
	for _, c := range []corev1.NodeConditionType{corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure, corev1.NodeReady} {
		status := corev1.ConditionFalse
		if c == corev1.NodeReady {
			status = corev1.ConditionTrue
		}
		n.Status.Conditions = append(n.Status.Conditions, corev1.NodeCondition{Type: c, Status: status, Reason: fmt.Sprint("Kubelet", c), LastHeartbeatTime: at, LastTransitionTime: at})
	}
	return n
}

func crowdLease(i int, renewed time.Time) coordv1.Lease {
	at, name, seconds := metav1.NewMicroTime(renewed), fleetNode(i), int32(40)
	return coordv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: corev1.NamespaceNodeLease, UID: types.UID(fmt.Sprintf("3d4e5f60-0000-4000-8000-%012d", i)), ResourceVersion: strconv.Itoa(450_000 + i),
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: name, UID: nodeUID(i)}}},
		Spec: coordv1.LeaseSpec{HolderIdentity: &name, LeaseDurationSeconds: &seconds, RenewTime: &at},
	}
}

// crowdPod is one pod of a thousand Deployments. Of a hundred pods one is in a crash loop and one is starting; the others are well.
func crowdPod(i int) corev1.Pod {
	yes, start := true, metav1.NewTime(time.Now().Add(-time.Hour))
	owner := fmt.Sprintf("web-%d-5d4f8c7b9d", i%1000)
	p := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: fmt.Sprint("sh", "op"), Name: fmt.Sprintf("%s-%05d", owner, i), UID: types.UID(fmt.Sprintf("1b2c3d4e-0000-4000-8000-%012d", i)),
			ResourceVersion: strconv.Itoa(500_000 + i), CreationTimestamp: start, Labels: map[string]string{"pod-template-hash": fmt.Sprint("5d4f8c7b", "9d")},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: owner, UID: types.UID("rs-" + owner), Controller: &yes}}},
		Spec: corev1.PodSpec{NodeName: fleetNode(i % fleetNodes), Containers: []corev1.Container{{Name: "app", Image: fmt.Sprintf("registry.example.org/web:%d", i%1000),
			Env: []corev1.EnvVar{{Name: "A", Value: strconv.Itoa(i)}}}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &start,
			Conditions:        []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: start}, {Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: start}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "app", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: start}}}}},
	}
	switch app := &p.Status.ContainerStatuses[0]; i % 100 {
	case 7:
		app.RestartCount, app.State = 5, waitingFor("CrashLoopBackOff")
		app.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: 1, StartedAt: start, FinishedAt: start}
	case 8:
		now := metav1.Now()
		p.Status.Phase, p.Status.StartTime = corev1.PodPending, &now
		p.Status.Conditions[1].Status, p.Status.Conditions[1].LastTransitionTime = corev1.ConditionFalse, now
		app.State = waitingFor("ContainerCreating")
	}
	return p
}

func waitingFor(reason string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "so it says"}}
}
