package velero

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
)

// Location is a storage location of backups.
type Location struct {
	Name, Namespace, UID string

	Ready    bool      // Velero could reach it when it last looked
	Why      string    // why not
	Looked   time.Time // when Velero last looked; zero: never
	Default  bool
	ReadOnly bool
	URL      string // where its objects are served, if it says so
}

// locationObject is what is read of a BackupStorageLocation.
type locationObject struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		AccessMode string            `json:"accessMode"`
		Default    bool              `json:"default"`
		Config     map[string]string `json:"config"`
	} `json:"spec"`
	Status struct {
		Phase              string       `json:"phase"`
		Message            string       `json:"message"`
		LastValidationTime *metav1.Time `json:"lastValidationTime"`
	} `json:"status"`
}

// Locations reads the storage locations of a cluster, by namespace and name. The error is [ErrNotInstalled] where there is no Velero.
func Locations(ctx context.Context, client dynamic.Interface) ([]Location, error) {
	var all []Location
	err := each(ctx, client, locations, metav1.NamespaceAll, "", func(item *unstructured.Unstructured) error {
		var o locationObject
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object, &o); err != nil {
			return fmt.Errorf("read storage location %s: %w", item.GetName(), err)
		}
		all = append(all, o.location())
		return nil
	})
	return all, err
}

func (o *locationObject) location() Location {
	l := Location{Name: o.Name, Namespace: o.Namespace, UID: string(o.UID), Ready: o.Status.Phase == "Available", Looked: timeOf(o.Status.LastValidationTime),
		Default: o.Spec.Default, ReadOnly: o.Spec.AccessMode == "ReadOnly", URL: o.Spec.Config["s3Url"]}
	switch {
	case l.Ready:
	case o.Status.Phase == "":
		l.Why = "Velero has not looked at it yet"
	case o.Status.Message == "":
		l.Why = "it is " + line(o.Status.Phase)
	default:
		l.Why = "it is " + line(o.Status.Phase) + ": " + line(o.Status.Message)
	}
	return l
}

func timeOf(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}
