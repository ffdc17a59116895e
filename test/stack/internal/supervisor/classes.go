package supervisor

// driverName is what the driver calls itself.
const driverName = "hostdir.csi.salvor.io"

// storageObjects are the driver and the classes of its volumes and snapshots: class hostdir binds a claim at once, class
// hostdir-late when a pod wants it.
func storageObjects() []placed {
	const storage = "/apis/storage.k8s.io/v1/"
	return []placed{
		{storage + "csidrivers", object{
			"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": object{"name": driverName},
			"spec": object{"attachRequired": false, "podInfoOnMount": false, "volumeLifecycleModes": []string{"Persistent"}},
		}},
		{storage + "storageclasses", storageClass("hostdir", "Immediate", "true")},
		{storage + "storageclasses", storageClass("hostdir-late", "WaitForFirstConsumer", "false")},
		{"/apis/snapshot.storage.k8s.io/v1/volumesnapshotclasses", object{
			"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass",
			// Velero takes the class with this label for its snapshots.
			"metadata": object{"name": "hostdir", "labels": object{"velero.io/csi-volumesnapshot-class": "true"}},
			"driver":   driverName, "deletionPolicy": "Delete",
		}},
	}
}

func storageClass(name, binding, standard string) object {
	return object{
		"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
		"metadata": object{
			"name":        name,
			"annotations": object{"storageclass.kubernetes.io/is-default-class": standard},
		},
		"provisioner": driverName, "reclaimPolicy": "Delete", "volumeBindingMode": binding,
	}
}
