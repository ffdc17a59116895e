package workload

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
)

// workload is what a person calls the owner of pods, with the controllers that the pods themselves name.
type workload struct {
	target policies.Target
	owners []types.UID
}

// trace finds the workloads of pods, sorted by name: Deployments through their ReplicaSets, and StatefulSets, ReplicaSets
// and ReplicationControllers that stand for themselves. Other pods have no availability to wait for. An owner that is gone
// is left out.
func trace(ctx context.Context, client kubernetes.Interface, pods []corev1.Pod) ([]workload, error) {
	controllers := controllersOf(pods)
	targets := make([]policies.Target, len(controllers))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for i, c := range controllers {
		group.Go(func() (err error) {
			targets[i], err = top(groupCtx, client, c)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return gather(controllers, targets), nil
}

// controllersOf are the distinct controllers that pods name and whose availability can be awaited.
func controllersOf(pods []corev1.Pod) []policies.Target {
	seen := map[string]bool{}
	var out []policies.Target
	for _, pod := range pods {
		owner := metav1.GetControllerOf(&pod)
		if owner == nil || seen[string(owner.UID)] {
			continue
		}
		if isTraced(owner.Kind) {
			seen[string(owner.UID)] = true
			out = append(out, policies.Target{Kind: owner.Kind, Namespace: pod.Namespace, Name: owner.Name, UID: string(owner.UID)})
		}
	}
	return out
}

// isTraced says whether a kind of controller has an availability that can be awaited.
func isTraced(kind string) bool {
	return kind == "ReplicaSet" || kind == "StatefulSet" || kind == "ReplicationController"
}

// top is the workload a controller belongs to; the zero target when there is none any more.
func top(ctx context.Context, client kubernetes.Interface, c policies.Target) (policies.Target, error) {
	if c.Kind != "ReplicaSet" {
		return c, nil
	}
	set, err := client.AppsV1().ReplicaSets(c.Namespace).Get(ctx, c.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return policies.Target{}, nil
	case err != nil:
		return policies.Target{}, fmt.Errorf("read %s: %w", c, err)
	case string(set.UID) != c.UID:
		return policies.Target{}, nil
	}
	owner := metav1.GetControllerOf(set)
	if owner == nil || owner.Kind != "Deployment" {
		return c, nil
	}
	return policies.Target{Kind: owner.Kind, Namespace: c.Namespace, Name: owner.Name, UID: string(owner.UID)}, nil
}

func gather(controllers, targets []policies.Target) []workload {
	owners := map[policies.Target][]types.UID{}
	for i, target := range targets {
		if target != (policies.Target{}) {
			owners[target] = append(owners[target], types.UID(controllers[i].UID))
		}
	}
	var out []workload
	for target, uids := range owners {
		slices.Sort(uids)
		out = append(out, workload{target, uids})
	}
	slices.SortFunc(out, func(a, b workload) int {
		return cmp.Or(strings.Compare(a.target.String(), b.target.String()), strings.Compare(a.target.UID, b.target.UID))
	})
	return out
}
