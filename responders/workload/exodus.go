package workload

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/responders"
)

// Between two rounds of evictions pass a moment at least, and while nothing may go longer ones.
const (
	firstPause   = 200 * time.Millisecond
	longestPause = 5 * time.Second
)

// exodus carries out what an evacuation pinned.
type exodus struct {
	evacuating
	reader, writer kubernetes.Interface
}

// run evicts, round by round, until no pod is left that has to go or ctx ends.
func (x exodus) run(ctx context.Context) error {
	pause := firstPause
	for {
		left, going, err := x.look(ctx)
		if err != nil {
			return err
		}
		responders.Progress(ctx, max(0, x.Pods-len(left)), max(x.Pods, len(left)), "pods evicted")
		if len(left) == 0 {
			return nil
		}
		gone, refused, err := x.round(ctx, left, x.AtATime-going)
		if err != nil {
			return err
		}
		if pause = min(2*pause, longestPause); gone > 0 {
			pause = firstPause
		}
		if !rest(ctx, pause) {
			return errors.Join(fmt.Errorf("evict the pods of a zone: %d of %d are left: %w", len(left)-gone, x.Pods, ctx.Err()), refused)
		}
	}
}

// rest waits, and says no when ctx ended before.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// look finds the pods that have to go yet, in the order of the plan, and how many are on their way out of nodes that answer.
func (x exodus) look(ctx context.Context) (left []corev1.Pod, going int, err error) {
	pods, err := podsOn(ctx, x.reader, x.Nodes)
	if err != nil {
		return nil, 0, err
	}
	place := make(map[types.UID]int, len(x.Owners))
	for n, owner := range x.Owners {
		place[owner] = n
	}
	for _, pod := range pods {
		_, ours := place[types.UID(ownerUID(&pod))]
		switch {
		case !ours:
		case !isTerminating(pod):
			left = append(left, pod)
		case !x.isSilent(pod):
			going++
		}
	}
	slices.SortFunc(left, func(a, b corev1.Pod) int {
		return cmp.Or(cmp.Compare(place[types.UID(ownerUID(&a))], place[types.UID(ownerUID(&b))]), strings.Compare(a.Name, b.Name))
	})
	return left, going, nil
}

func (x exodus) isSilent(pod corev1.Pod) bool { return slices.Contains(x.Silent, pod.Spec.NodeName) }

// round asks at most so many pods to go. Of a workload of which the API server refuses one, no other is asked in this round. The last refusal of a
// disruption budget, which may allow it later, is returned as one; where none was, and nothing went, any other is an error.
func (x exodus) round(ctx context.Context, left []corev1.Pod, most int) (gone int, refused, err error) {
	resting := map[string]bool{}
	var never error
	for _, pod := range left {
		if gone >= most {
			break
		}
		owner := ownerUID(&pod)
		if resting[owner] {
			continue
		}
		err := x.dismiss(ctx, pod)
		switch {
		case apierrors.IsTooManyRequests(err):
			resting[owner], refused = true, err
		case isRefusal(err):
			resting[owner], never = true, err
		case err != nil:
			return gone, refused, err
		default:
			gone++
		}
	}
	if gone > 0 || refused != nil || most <= 0 {
		never = nil
	}
	return gone, refused, never
}

// isRefusal says that the API server has answered, and said no.
func isRefusal(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status)
}

// dismiss asks one pod to go: by an eviction, or where its node does not answer, by deleting it if it is stateless.
func (x exodus) dismiss(ctx context.Context, pod corev1.Pod) error {
	target := targetsOf([]corev1.Pod{pod})[0]
	if x.isSilent(pod) {
		return remove(ctx, x.writer, target)
	}
	if err := responders.Guard(ctx); err != nil {
		return fmt.Errorf("evict %s: %w", target, err)
	}
	uid := pod.UID
	err := x.writer.CoreV1().Pods(pod.Namespace).EvictV1(ctx, &policyv1.Eviction{
		ObjectMeta:    metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name},
		DeleteOptions: &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}},
	})
	if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return fmt.Errorf("evict %s: %w", target, err)
}
