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
	Every    time.Duration // how often Velero looks; 0: as it does by default; below 0: never

	provider string
	config   map[string]string
	roots    []byte // certificates of who signed that of its address, as PEM
}

// locationObject is what is read of a BackupStorageLocation.
type locationObject struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Provider            string            `json:"provider"`
		AccessMode          string            `json:"accessMode"`
		Default             bool              `json:"default"`
		Config              map[string]string `json:"config"`
		ValidationFrequency *metav1.Duration  `json:"validationFrequency"`
		ObjectStorage       struct {
			CACert []byte `json:"caCert"`
		} `json:"objectStorage"`
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
		Default: o.Spec.Default, ReadOnly: o.Spec.AccessMode == "ReadOnly", provider: o.Spec.Provider, config: o.Spec.Config, roots: o.Spec.ObjectStorage.CACert}
	if every := o.Spec.ValidationFrequency; every != nil {
		l.Every = every.Duration
		if l.Every == 0 {
			l.Every = -1 // it is told not to look
		}
	}
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
