package velero

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/point"
)

// BackupGrants are the reads of [Backups].
func BackupGrants() []responders.Grant {
	return []responders.Grant{
		{Group: group, Resource: backups.Resource, Verbs: []string{"list"}},
		{Group: group, Resource: locations.Resource, Verbs: []string{"list"}},
		{Group: group, Resource: podVolumeBackups.Resource, Verbs: []string{"list"}},
	}
}

// Backups reads all backups that a cluster knows, with whether their storage locations can be read. The error is [ErrNotInstalled] where
// there is no Velero.
func Backups(ctx context.Context, client dynamic.Interface) ([]point.Backup, error) {
	places, err := Locations(ctx, client)
	if err != nil {
		return nil, err
	}
	files, err := copies(ctx, client)
	if err != nil {
		return nil, err
	}
	var all []point.Backup
	err = each(ctx, client, backups, metav1.NamespaceAll, "", func(item *unstructured.Unstructured) error {
		var o backupObject
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object, &o); err != nil {
			return fmt.Errorf("read backup %s: %w", item.GetName(), err)
		}
		b := o.backup()
		b.LocationReady, b.LocationWhy = readable(places, b)
		if n := files[b.Namespace+"/"+b.Name]; n != nil {
			b.Volumes.Attempted += n.Attempted
			b.Volumes.Completed += n.Completed
		}
		all = append(all, b)
		return nil
	})
	return all, err
}

func readable(places []Location, b point.Backup) (bool, string) {
	for _, place := range places {
		if place.Name == b.Location && place.Namespace == b.Namespace {
			return place.Ready, place.Why
		}
	}
	return false, "it is not there"
}

// copies counts the copies of files of volumes by backup. A Velero without that kind makes none.
func copies(ctx context.Context, client dynamic.Interface) (map[string]*point.Volumes, error) {
	counts := map[string]*point.Volumes{}
	err := each(ctx, client, podVolumeBackups, metav1.NamespaceAll, backupLabel, func(item *unstructured.Unstructured) error {
		key := item.GetNamespace() + "/" + item.GetLabels()[backupLabel]
		if counts[key] == nil {
			counts[key] = &point.Volumes{}
		}
		counts[key].Attempted++
		if phase, _, _ := unstructured.NestedString(item.Object, "status", "phase"); phase == point.Completed {
			counts[key].Completed++
		}
		return nil
	})
	if errors.Is(err, ErrNotInstalled) {
		return counts, nil
	}
	return counts, err
}

// verifiedAt is when a backup was proved to be restorable. Who can write the annotation could delete the backup.
func verifiedAt(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at
}
