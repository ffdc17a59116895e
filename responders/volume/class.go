package volume

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
)

// errNoSnapshots says that a cluster knows no snapshots.
var errNoSnapshots = errors.New("the cluster has no snapshot API (" + snapshotGroup + "/v1): install its CRDs and the snapshot controller")

// snapshotClass finds the VolumeSnapshotClass by which a driver takes snapshots: the one that is asked for, or the driver's default, or
// its only one. The error names those that there are.
func (s shelf) snapshotClass(ctx context.Context, driver, asked string) (string, error) {
	list, err := s.client.Resource(snapshotClasses).List(ctx, metav1.ListOptions{Limit: most})
	if apierrors.IsNotFound(err) {
		return "", errNoSnapshots
	}
	if err != nil {
		return "", fmt.Errorf("list snapshot classes: %w", err)
	}
	var fitting, standard, others []string
	for _, item := range list.Items {
		of, _, _ := unstructured.NestedString(item.Object, "driver")
		switch {
		case of != driver:
			others = append(others, item.GetName())
		case item.GetAnnotations()[defaultSnapshotClass] == "true":
			standard = append(standard, item.GetName())
			fallthrough
		default:
			fitting = append(fitting, item.GetName())
		}
	}
	return pick(driver, asked, fitting, standard, others)
}

func pick(driver, asked string, fitting, standard, others []string) (string, error) {
	switch {
	case asked != "" && slices.Contains(fitting, asked):
		return asked, nil
	case asked != "" && slices.Contains(others, asked):
		return "", fmt.Errorf("snapshot class %s is of another driver than %s; of that one: %s", asked, driver, orNone(fitting))
	case asked != "":
		return "", fmt.Errorf("there is no snapshot class %s; of driver %s: %s", asked, driver, orNone(fitting))
	case len(fitting) == 0:
		return "", fmt.Errorf("driver %s has no snapshot class: make a VolumeSnapshotClass for it, if it can take snapshots", driver)
	case len(standard) == 1:
		return standard[0], nil
	case len(fitting) == 1:
		return fitting[0], nil
	}
	return "", fmt.Errorf("driver %s has several snapshot classes and not one default, name one in the argument \"class\": %s", driver, orNone(fitting))
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// storageClass reads a storage class that is to make volumes from the snapshots of a driver. Without a name it is the default one.
func storageClass(ctx context.Context, client kubernetes.Interface, name, driver string) (*storagev1.StorageClass, error) {
	if name == "" {
		var err error
		if name, err = standardClass(ctx, client); err != nil {
			return nil, err
		}
	}
	class, err := client.StorageV1().StorageClasses().Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("there is no storage class %s: make it, or name another", name)
	case err != nil:
		return nil, fmt.Errorf("read storage class %s: %w", name, err)
	case class.Provisioner != driver:
		return nil, fmt.Errorf("storage class %s makes volumes of %s, the snapshot is of driver %s", name, class.Provisioner, driver)
	}
	return class, nil
}

func standardClass(ctx context.Context, client kubernetes.Interface) (string, error) {
	list, err := client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{Limit: most})
	if err != nil {
		return "", fmt.Errorf("list storage classes: %w", err)
	}
	var names []string
	for _, class := range list.Items {
		if class.Annotations[defaultStorageClass] == "true" {
			names = append(names, class.Name)
		}
	}
	if len(names) != 1 {
		return "", fmt.Errorf("name a storage class in the argument \"storageClass\": there are %d default ones", len(names))
	}
	return names[0], nil
}

// waitsForConsumer says that a class makes no volume before a pod needs it.
func waitsForConsumer(class *storagev1.StorageClass) bool {
	return class.VolumeBindingMode != nil && *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
}

// reclaims is what a class does with a volume whose claim is gone.
func reclaims(class *storagev1.StorageClass) string {
	if class.ReclaimPolicy == nil {
		return "Delete"
	}
	return string(*class.ReclaimPolicy)
}
