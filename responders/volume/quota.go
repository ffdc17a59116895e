package volume

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// demand is what a step will ask of the quotas of a namespace, by the names that quotas have for it.
type demand map[corev1.ResourceName]resource.Quantity

// forClaim is what one more claim asks for.
func forClaim(class string, size resource.Quantity) demand {
	one := resource.MustParse("1")
	of := corev1.ResourceName(class + ".storageclass.storage.k8s.io/")
	return demand{
		"requests.storage": size, "persistentvolumeclaims": one, "count/persistentvolumeclaims": one,
		of + "requests.storage": size, of + "persistentvolumeclaims": one,
	}
}

// forSnapshots is what so many more snapshots ask for.
func forSnapshots(n int) demand {
	return demand{"count/volumesnapshots." + snapshotGroup: *resource.NewQuantity(int64(n), resource.DecimalSI)}
}

// fits refuses what a quota of the namespace would refuse at the write, when others may have been done already.
func (d demand) fits(ctx context.Context, client kubernetes.Interface, namespace string) error {
	list, err := client.CoreV1().ResourceQuotas(namespace).List(ctx, metav1.ListOptions{Limit: most})
	if err != nil {
		return fmt.Errorf("list the quotas of namespace %s: %w", namespace, err)
	}
	for _, quota := range list.Items {
		for name, wanted := range d {
			hard, limited := quota.Status.Hard[name]
			if !limited {
				hard, limited = quota.Spec.Hard[name]
			}
			used := quota.Status.Used[name]
			left := hard.DeepCopy()
			left.Sub(used)
			if limited && wanted.Cmp(left) > 0 {
				return fmt.Errorf("quota %s of namespace %s allows %s of %s, %s are used and %s more are needed: raise it or make room",
					quota.Name, namespace, hard.String(), name, used.String(), wanted.String())
			}
		}
	}
	return nil
}
