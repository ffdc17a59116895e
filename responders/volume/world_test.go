package volume

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

var (
	now = time.Date(2030, 1, 1, 3, 2, 0, 0, time.UTC)
	env = responders.Env{Cluster: "east", Incident: "inc-1", Step: "restore", Now: now, Broken: now.Add(-10 * time.Minute)}
)

const driver = "disk.example"

// at is a moment of the day of the tests.
func at(hour, minute int) time.Time { return time.Date(2030, 1, 1, hour, minute, 0, 0, time.UTC) }

func inShop(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "shop", Name: name} }

// installed is a cluster with namespace, driver and classes, and a node.
func installed(more ...runtime.Object) []runtime.Object {
	return append([]runtime.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}, aClass("disk", nil), aClass("lazy", new(storagev1.VolumeBindingWaitForFirstConsumer)),
		&storagev1.CSIDriver{ObjectMeta: metav1.ObjectMeta{Name: driver}}, aNode("worker-1"), custom("VolumeSnapshotClass", "", "snap", map[string]any{"driver": driver}),
		responderstest.Served(snapshotGroup, "v1", "volumesnapshotclasses", "VolumeSnapshotClass"),
		responderstest.Served(snapshotGroup, "v1", "volumesnapshots", "VolumeSnapshot"), responderstest.Served(snapshotGroup, "v1", "volumesnapshotcontents", "VolumeSnapshotContent"),
	}, more...)
}

func aClass(name string, binding *storagev1.VolumeBindingMode) *storagev1.StorageClass {
	return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{defaultStorageClass: fmt.Sprint(name == "disk")}}, Provisioner: driver, VolumeBindingMode: binding}
}

func aNode(name string) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}}}
}

func custom(kind, namespace, name string, fields map[string]any) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": snapshotGroup + "/v1", "kind": kind, "metadata": map[string]any{"name": name}}}
	for key, value := range fields {
		o.Object[key] = value
	}
	o.SetNamespace(namespace)
	return o
}

// aSnapshot is one of a claim, ready, with its content.
func aSnapshot(name, claim string, taken time.Time, edits ...func(map[string]any)) []runtime.Object {
	status := map[string]any{"readyToUse": true, "creationTime": taken.Format(time.RFC3339), "restoreSize": "10Gi", "boundVolumeSnapshotContentName": "content-" + name}
	for _, edit := range edits {
		edit(status)
	}
	return []runtime.Object{
		custom("VolumeSnapshot", "shop", name, map[string]any{"spec": map[string]any{"source": map[string]any{"persistentVolumeClaimName": claim}}, "status": status}),
		custom("VolumeSnapshotContent", "", "content-"+name, map[string]any{"spec": map[string]any{"driver": driver, "volumeSnapshotRef": map[string]any{"namespace": "shop", "name": name}},
			"status": map[string]any{"snapshotHandle": "handle-" + name}}),
	}
}

// aVolume is a claim that is bound to a CSI volume, which is deleted with it.
func aVolume(claim string, edits ...func(*corev1.PersistentVolumeClaim, *corev1.PersistentVolume)) []runtime.Object {
	size := corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("10Gi")}
	pvc := &corev1.PersistentVolumeClaim{ObjectMeta: inShop(claim), Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound, Capacity: size}}
	pvc.UID, pvc.Labels, pvc.Annotations = responderstest.UIDOf("PersistentVolumeClaim", "shop", claim), map[string]string{"app": "shop"}, map[string]string{"pv.kubernetes.io/bind-completed": "yes", "team": "blue"}
	pvc.Spec = corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: new("disk"), VolumeName: "pv-" + claim,
		Resources: corev1.VolumeResourceRequirements{Requests: size}}
	pv := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "pv-" + claim}, Status: corev1.PersistentVolumeStatus{Phase: corev1.VolumeBound}}
	pv.Spec = corev1.PersistentVolumeSpec{Capacity: size, AccessModes: pvc.Spec.AccessModes, StorageClassName: "disk", PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
		ClaimRef:               &corev1.ObjectReference{Kind: "PersistentVolumeClaim", Namespace: "shop", Name: claim, UID: pvc.UID},
		PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: driver, VolumeHandle: "old"}}}
	for _, edit := range edits {
		edit(pvc, pv)
	}
	return []runtime.Object{pvc, pv}
}

// lazily lets the class of a claim wait for a consumer.
func lazily(claim *corev1.PersistentVolumeClaim, volume *corev1.PersistentVolume) {
	claim.Spec.StorageClassName, volume.Spec.StorageClassName = new("lazy"), "lazy"
}

// using are a workload of a kind and its pods, which use a claim.
func using(kind, name string, replicas int32, claim string) []runtime.Object {
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Volumes: []corev1.Volume{holding(claim)}}}
	switch kind {
	case "StatefulSet":
		return []runtime.Object{&appsv1.StatefulSet{ObjectMeta: inShop(name), Spec: appsv1.StatefulSetSpec{Replicas: &replicas, Template: template}}}
	case "ReplicaSet":
		return []runtime.Object{&appsv1.ReplicaSet{ObjectMeta: inShop(name), Spec: appsv1.ReplicaSetSpec{Replicas: &replicas, Template: template}}}
	}
	set := &appsv1.ReplicaSet{ObjectMeta: inShop(name + "-1"), Spec: appsv1.ReplicaSetSpec{Replicas: &replicas, Template: template}}
	set.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: name, UID: responderstest.UIDOf("Deployment", "shop", name), Controller: new(true)}}
	return []runtime.Object{&appsv1.Deployment{ObjectMeta: inShop(name), Spec: appsv1.DeploymentSpec{Replicas: &replicas, Template: template}}, set}
}

func holding(claim string) corev1.Volume {
	return corev1.Volume{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}}
}

// leftOver are the pods of jobs that used the claim and have ended.
func leftOver(many int) (pods []runtime.Object) {
	for n := range many {
		pod := &corev1.Pod{ObjectMeta: inShop(fmt.Sprintf("nightly-%d", n)), Spec: corev1.PodSpec{NodeName: "worker-1", Volumes: []corev1.Volume{holding("data")}}, Status: corev1.PodStatus{Phase: corev1.PodSucceeded}}
		pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: "nightly", UID: "uid-job-shop-nightly", Controller: new(true)}}
		pods = append(pods, pod)
	}
	return pods
}

// aWorld is a cluster in which storage, snapshots and workloads are looked after.
func aWorld(t *testing.T, objects []runtime.Object) (responderstest.Clusters, *responderstest.Tape, kubernetes.Interface, *responderstest.Server) {
	t.Helper()
	return aWorldOf(t, objects, playDeployments, playPods, runJobs, protectClaims, reclaimVolumes, bindClaims, cutSnapshots)
}

// aWorldOf is a cluster with some controllers only.
func aWorldOf(t *testing.T, objects []runtime.Object, controllers ...func(*responderstest.Stage)) (responderstest.Clusters, *responderstest.Tape, kubernetes.Interface, *responderstest.Server) {
	t.Helper()
	server, err := responderstest.NewServer(objects...)
	if err != nil {
		t.Fatal(err)
	}
	for _, controller := range controllers {
		server.Play(controller)
	}
	clusters, tape, own := server.Clients(t)
	return clusters, tape, own, server
}

func concat(lists ...[]runtime.Object) []runtime.Object { return slices.Concat(lists...) }

func str(o *unstructured.Unstructured, path ...string) string {
	value, _, _ := unstructured.NestedString(o.Object, path...)
	return value
}

func set(o *unstructured.Unstructured, value any, path ...string) {
	if err := unstructured.SetNestedField(o.Object, value, path...); err != nil {
		panic(err)
	}
}

func has(err error, part string) bool { return err != nil && strings.Contains(err.Error(), part) }

// two are two clusters.
type two struct{ east, west responderstest.Clusters }

func (c two) of(cluster string) responderstest.Clusters {
	if cluster == "west" {
		return c.west
	}
	return c.east
}

// Reader implements Clusters.
func (c two) Reader(cluster string) (kubernetes.Interface, error) {
	return c.of(cluster).Reader(cluster)
}

// Custom implements Clusters.
func (c two) Custom(cluster string) (dynamic.Interface, error) { return c.of(cluster).Custom(cluster) }

// CustomWriter implements Clusters.
func (c two) CustomWriter(cluster string) (dynamic.Interface, error) {
	return c.of(cluster).CustomWriter(cluster)
}
