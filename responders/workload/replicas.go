package workload

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
)

// replicas is how a workload stands: what is wanted now, what is available, and whether its controller has seen the wish.
type replicas struct {
	meta     metav1.ObjectMeta
	wanted   int32
	there    int32
	observed int64
}

// unavailable says of each workload that still exists what it lacks. counted names the node that the workload of an index
// still counts a pod on, or nothing.
func unavailable(ctx context.Context, client kubernetes.Interface, targets []policies.Target, counted func(int) string) ([]string, error) {
	sentences := make([]string, len(targets))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for i, target := range targets {
		group.Go(func() error {
			state, err := replicasOf(ctx, client, target)
			switch {
			case apierrors.IsNotFound(err):
				return nil
			case err != nil:
				return fmt.Errorf("read %s: %w", target, err)
			case string(state.meta.UID) == target.UID:
				sentences[i] = lacks(target, state, counted(i))
			}
			return nil
		})
	}
	err := group.Wait()
	return slices.DeleteFunc(sentences, func(s string) bool { return s == "" }), err
}

func lacks(target policies.Target, state replicas, node string) string {
	switch {
	case state.observed < state.meta.Generation:
		return fmt.Sprintf("%s: its controller has not seen its last change", target)
	case state.there < state.wanted:
		return fmt.Sprintf("%s: %d of %d available", target, state.there, state.wanted)
	case node != "" && state.wanted > 0:
		return fmt.Sprintf("%s: still counts a pod on %s", target, node)
	}
	return ""
}

func replicasOf(ctx context.Context, client kubernetes.Interface, t policies.Target) (replicas, error) {
	apps, get := client.AppsV1(), metav1.GetOptions{}
	switch t.Kind {
	case "Deployment":
		d, err := apps.Deployments(t.Namespace).Get(ctx, t.Name, get)
		if err != nil {
			return replicas{}, err
		}
		return replicas{d.ObjectMeta, wish(d.Spec.Replicas), d.Status.AvailableReplicas, d.Status.ObservedGeneration}, nil
	case "StatefulSet":
		s, err := apps.StatefulSets(t.Namespace).Get(ctx, t.Name, get)
		if err != nil {
			return replicas{}, err
		}
		return replicas{s.ObjectMeta, wish(s.Spec.Replicas), s.Status.AvailableReplicas, s.Status.ObservedGeneration}, nil
	case "ReplicaSet":
		s, err := apps.ReplicaSets(t.Namespace).Get(ctx, t.Name, get)
		if err != nil {
			return replicas{}, err
		}
		return replicas{s.ObjectMeta, wish(s.Spec.Replicas), s.Status.AvailableReplicas, s.Status.ObservedGeneration}, nil
	case "ReplicationController":
		c, err := client.CoreV1().ReplicationControllers(t.Namespace).Get(ctx, t.Name, get)
		if err != nil {
			return replicas{}, err
		}
		return replicas{c.ObjectMeta, wish(c.Spec.Replicas), c.Status.AvailableReplicas, c.Status.ObservedGeneration}, nil
	}
	return replicas{}, fmt.Errorf("a %s has no replicas to count", t.Kind)
}

// wish is the number of replicas asked for; Kubernetes reads none as one.
func wish(n *int32) int32 {
	if n == nil {
		return 1
	}
	return *n
}
