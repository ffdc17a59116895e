package volume

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/salvor-io/salvor/responders/responderstest"
)

// Of a cluster these controllers play what a swap of volumes relies on, at once after each write.

// playDeployments gives the ReplicaSet of each Deployment its replicas.
func playDeployments(s *responderstest.Stage) {
	for _, d := range s.All("apps", "deployments") {
		for _, set := range s.All("apps", "replicasets") {
			ref := metav1.GetControllerOf(set)
			wanted, _, _ := unstructured.NestedFieldNoCopy(d.Object, "spec", "replicas")
			has, _, _ := unstructured.NestedFieldNoCopy(set.Object, "spec", "replicas")
			if ref != nil && ref.UID == d.GetUID() && fmt.Sprint(wanted) != fmt.Sprint(has) {
				set.Object["spec"].(map[string]any)["replicas"] = wanted
				s.Put(set)
			}
		}
	}
}

// playPods keeps as many pods as each ReplicaSet and StatefulSet wants, and starts none whose claim is not there.
func playPods(s *responderstest.Stage) {
	for _, kind := range []string{"replicasets", "statefulsets"} {
		for _, set := range s.All("apps", kind) {
			wanted, _, _ := unstructured.NestedFieldNoCopy(set.Object, "spec", "replicas")
			for n := range 3 {
				name := fmt.Sprintf("%s-%d", set.GetName(), n)
				pod := s.One("", "pods", "shop", name)
				switch runs := fmt.Sprint(n) < fmt.Sprint(wanted); {
				case runs && pod == nil:
					s.Put(podOf(set, name))
				case !runs && pod != nil:
					s.Drop(pod)
				}
			}
		}
	}
}

func podOf(set *unstructured.Unstructured, name string) *unstructured.Unstructured {
	pod := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"namespace": "shop", "name": name}, "status": map[string]any{"phase": "Running"}}}
	volumes, _, _ := unstructured.NestedSlice(set.Object, "spec", "template", "spec", "volumes")
	set1 := metav1.OwnerReference{APIVersion: "apps/v1", Kind: set.GetKind(), Name: set.GetName(), UID: set.GetUID(), Controller: new(true)}
	pod.SetOwnerReferences([]metav1.OwnerReference{set1})
	pod.Object["spec"] = map[string]any{"nodeName": "worker-1", "volumes": volumes}
	return pod
}

const protection = "kubernetes.io/pvc-protection"

// protectClaims keeps a deleted claim while a pod uses it.
func protectClaims(s *responderstest.Stage) {
	for _, claim := range s.All("", "persistentvolumeclaims") {
		switch {
		case claim.GetDeletionTimestamp() == nil && len(claim.GetFinalizers()) == 0:
			claim.SetFinalizers([]string{protection})
			s.Put(claim)
		case claim.GetDeletionTimestamp() != nil && !isUsed(s, claim.GetName()):
			claim.SetFinalizers(nil)
			s.Put(claim)
		}
	}
}

func isUsed(s *responderstest.Stage, claim string) bool {
	for _, o := range s.All("", "pods") {
		var pod corev1.Pod
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &pod); err != nil {
			panic(err)
		}
		if uses(pod, claim) {
			return true
		}
	}
	return false
}

// reclaimVolumes deletes or lets go the volumes of claims that are gone.
func reclaimVolumes(s *responderstest.Stage) {
	for _, volume := range s.All("", "persistentvolumes") {
		uid, name := str(volume, "spec", "claimRef", "uid"), str(volume, "spec", "claimRef", "name")
		claim := s.One("", "persistentvolumeclaims", "shop", name)
		gone := uid != "" && (claim == nil || string(claim.GetUID()) != uid)
		switch {
		case gone && str(volume, "spec", "persistentVolumeReclaimPolicy") == "Delete":
			s.Drop(volume)
		case gone && str(volume, "status", "phase") != "Released":
			set(volume, "Released", "status", "phase")
			s.Put(volume)
		case uid == "" && str(volume, "status", "phase") != "Available":
			set(volume, "Available", "status", "phase")
			s.Put(volume)
		}
	}
}

// bindClaims binds each claim: to the volume that it names or that is reserved for it, else to a new one.
func bindClaims(s *responderstest.Stage) {
	for _, claim := range s.All("", "persistentvolumeclaims") {
		if str(claim, "status", "phase") == "Bound" || claim.GetDeletionTimestamp() != nil {
			continue
		}
		volume := reservedFor(s, claim)
		if volume == nil && str(claim, "spec", "volumeName") == "" {
			volume = provisioned(s, claim)
		}
		if volume == nil {
			continue
		}
		set(volume, string(claim.GetUID()), "spec", "claimRef", "uid")
		set(volume, "Bound", "status", "phase")
		s.Put(volume)
		set(claim, volume.GetName(), "spec", "volumeName")
		claim.Object["status"] = map[string]any{"phase": "Bound", "capacity": map[string]any{"storage": str(volume, "spec", "capacity", "storage")}}
		s.Put(claim)
	}
}

func reservedFor(s *responderstest.Stage, claim *unstructured.Unstructured) *unstructured.Unstructured {
	for _, volume := range s.All("", "persistentvolumes") {
		named := str(claim, "spec", "volumeName")
		if str(volume, "spec", "claimRef", "name") == claim.GetName() && str(volume, "spec", "claimRef", "uid") == "" && (named == "" || named == volume.GetName()) {
			return volume
		}
	}
	return nil
}

// provisioned is a new volume, with what the snapshot holds from which the claim is to be made.
func provisioned(s *responderstest.Stage, claim *unstructured.Unstructured) *unstructured.Unstructured {
	if str(claim, "spec", "storageClassName") == "lazy" && claim.GetAnnotations()[selectedNode] == "" {
		return nil
	}
	content := "empty"
	if name := str(claim, "spec", "dataSource", "name"); name != "" {
		snap := s.One(snapshotGroup, "volumesnapshots", "shop", name)
		if snap == nil {
			return nil
		}
		content = name
	}
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "PersistentVolume",
		"metadata": map[string]any{"name": "pvc-" + string(claim.GetUID()), "creationTimestamp": now.Format(time.RFC3339)},
		"spec": map[string]any{"capacity": map[string]any{"storage": str(claim, "spec", "resources", "requests", "storage")}, "accessModes": claim.Object["spec"].(map[string]any)["accessModes"],
			"storageClassName": str(claim, "spec", "storageClassName"), "persistentVolumeReclaimPolicy": "Delete",
			"claimRef": map[string]any{"kind": "PersistentVolumeClaim", "namespace": "shop", "name": claim.GetName()},
			"csi":      map[string]any{"driver": driver, "volumeHandle": content}},
		"status": map[string]any{}}}
}

// cutSnapshots makes snapshots ready: those of claims, and those of contents whose handle the storage knows.
func cutSnapshots(s *responderstest.Stage) {
	for _, snap := range s.All(snapshotGroup, "volumesnapshots") {
		if _, there := snap.Object["status"]; there {
			continue
		}
		content := str(snap, "spec", "source", "volumeSnapshotContentName")
		if content == "" {
			content = "content-" + snap.GetName()
			s.Put(custom("VolumeSnapshotContent", "", content, map[string]any{"spec": map[string]any{"driver": driver}, "status": map[string]any{"snapshotHandle": "cut-" + snap.GetName()}}))
		} else if held := s.One(snapshotGroup, "volumesnapshotcontents", "", content); held == nil {
			continue
		} else if handle := str(held, "spec", "source", "snapshotHandle"); handle != "handle-far" {
			snap.Object["status"] = map[string]any{"readyToUse": false, "error": map[string]any{"message": "can not find snapshot " + handle}}
			s.Put(snap)
			continue
		}
		snap.Object["status"] = map[string]any{"readyToUse": true, "creationTime": "2030-01-01T03:02:00Z", "restoreSize": "10Gi", "boundVolumeSnapshotContentName": content}
		s.Put(snap)
	}
}

// inItsOwnTime is what a job finds that the test ends.
const inItsOwnTime = "in its own time"

// runJobs ends each job at once, as the annotation "finds" of it says, with a pod that says something.
func runJobs(s *responderstest.Stage) {
	for _, job := range s.All("batch", "jobs") {
		if _, ended := job.Object["status"]; ended || job.GetAnnotations()["finds"] == inItsOwnTime {
			continue
		}
		phase, how := "Succeeded", "Complete"
		if job.GetAnnotations()["finds"] != "" {
			phase, how = "Failed", "Failed"
		}
		state := map[string]any{"terminated": map[string]any{"message": or(job.GetAnnotations()["finds"], "12 orders alike")}}
		pod := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"namespace": "shop", "name": job.GetName() + "-x"},
			"status": map[string]any{"phase": phase, "containerStatuses": []any{map[string]any{"name": "check", "state": state}}}}}
		pod.Object["spec"], _, _ = unstructured.NestedFieldCopy(job.Object, "spec", "template", "spec")
		set(pod, "worker-1", "spec", "nodeName")
		pod.SetLabels(map[string]string{ForLabel: str(job, "spec", "template", "metadata", "labels", ForLabel)})
		s.Put(pod)
		job.Object["status"] = map[string]any{"conditions": []any{map[string]any{"type": how, "status": "True"}}}
		s.Put(job)
	}
}

// refuseClaims is a storage that makes no volume, and says of each claim that waits for one why.
func refuseClaims(s *responderstest.Stage) {
	for _, claim := range s.All("", "persistentvolumeclaims") {
		name := claim.GetName() + ".1"
		if str(claim, "status", "phase") == "Bound" || s.One("", "events", "shop", name) != nil && str(s.One("", "events", "shop", name), "involvedObject", "uid") == string(claim.GetUID()) {
			continue
		}
		s.Put(&unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Event", "metadata": map[string]any{"namespace": "shop", "name": name},
			"reason": "ProvisioningFailed", "message": "rpc error: code = ResourceExhausted desc = quota exceeded", "lastTimestamp": "2030-01-01T03:02:00Z",
			"involvedObject": map[string]any{"kind": "PersistentVolumeClaim", "namespace": "shop", "name": claim.GetName(), "uid": string(claim.GetUID())}}})
	}
}

// holdSnapshots is a provisioner that has begun with a snapshot, and lets it go never.
func holdSnapshots(s *responderstest.Stage) {
	for _, claim := range s.All("", "persistentvolumeclaims") {
		snap := s.One(snapshotGroup, "volumesnapshots", "shop", str(claim, "spec", "dataSource", "name"))
		if snap != nil && len(snap.GetFinalizers()) == 0 {
			snap.SetFinalizers([]string{inUse})
			s.Put(snap)
		}
	}
}
