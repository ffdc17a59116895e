package supervisor

import (
	"context"
	"fmt"
)

// objects are what Velero finds in its cluster: its namespace, where its backups are kept, and a Deployment of its own name,
// without which it does not restore. The Deployment has no replicas, as the server is a process of the stack.
func (v *velero) objects() []placed {
	labels := object{"component": "velero", "deploy": "velero"}
	container := object{"name": "velero", "image": "velero/velero", "command": []string{"/velero"}, "args": []string{"server"}}
	return []placed{
		{"/api/v1/namespaces", object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": "velero"}}},
		{"/apis/apps/v1/namespaces/velero/deployments", object{
			"apiVersion": "apps/v1", "kind": "Deployment",
			"metadata": object{"name": "velero", "namespace": "velero", "labels": labels},
			"spec": object{
				"replicas": 0, "selector": object{"matchLabels": labels},
				"template": object{"metadata": object{"labels": labels}, "spec": object{"containers": []object{container}}},
			},
		}},
		{"/apis/velero.io/v1/namespaces/velero/backupstoragelocations", v.location()},
	}
}

// location is the default storage location. It may be looked at every time Velero thinks of it, which is every 10 s to see whether
// the store is there and every minute to find the backups of others, so that a test waits no longer than that.
func (v *velero) location() object {
	return object{
		"apiVersion": "velero.io/v1", "kind": "BackupStorageLocation",
		"metadata": object{"name": "default", "namespace": "velero"},
		"spec": object{
			"provider": "aws", "default": true, "accessMode": "ReadWrite",
			"backupSyncPeriod": "5s", "validationFrequency": "5s",
			"objectStorage": object{"bucket": v.Bucket.Name},
			"config": object{
				"region": v.Bucket.Region, "s3ForcePathStyle": "true", "s3Url": v.Bucket.URL, "checksumAlgorithm": "",
			},
		},
	}
}

// locationAvailable succeeds when Velero can use its storage location.
func (c *cluster) locationAvailable(ctx context.Context) error {
	var location struct {
		Status struct{ Phase, Message string }
	}
	if err := c.get(ctx, "/apis/velero.io/v1/namespaces/velero/backupstoragelocations/default", &location); err != nil {
		return err
	}
	if location.Status.Phase != "Available" {
		return fmt.Errorf("the storage location is %q: %s", location.Status.Phase, location.Status.Message)
	}
	return nil
}
