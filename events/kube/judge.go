package kube

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// readers is how many direct reads of Leases go on at once.
const readers = 8

// judge finds stale Leases until ctx ends.
func (s *Source) judge(ctx context.Context) {
	every(ctx, s.pace.tick, func(now time.Time) {
		if s.pulses.lagging(now, s.pace.patience) {
			s.leases.again("a direct read found a renewal that it did not bring")
		}
		since, ok := s.steady(now)
		if !ok {
			return
		}
		s.confirm(ctx, s.pulses.due(now, since))
	})
}

// steady is since when both watches have seen without a break. Without sight of the nodes a Lease may be that of a node
// that is no more.
func (s *Source) steady(now time.Time) (time.Time, bool) {
	nodes, ok1 := s.nodes.sight.steady(now)
	leases, ok2 := s.leases.sight.steady(now)
	return latest(nodes, leases), ok1 && ok2
}

// unsettled says why the Leases are not to be judged by yet: a watch that has just begun to see, or sees again, knows which were stale
// before, and not yet which others have become so. Half of that picture looks like a zone that is lost. The price: what
// is seen after a start is judged by up to 10 s later, or 25 s where a node has just died.
func (s *Source) unsettled(now time.Time) string {
	since, ok := s.steady(now)
	if !ok {
		return "it is not seen which nodes there are"
	}
	if n := s.pulses.unsettled(now, since); n > 0 {
		return fmt.Sprintf("it sees since %s and waits for %d Leases to be renewed, or to be seen not to be", now.Sub(since).Round(time.Second), n)
	}
	return ""
}

// confirm reads each Lease that is due directly. What cannot be read within this round is due in the next.
func (s *Source) confirm(ctx context.Context, due []beat) {
	ctx, cancel := context.WithTimeout(ctx, s.pace.patience)
	defer cancel()
	queue := make(chan beat)
	var all sync.WaitGroup
	for range min(readers, len(due)) {
		all.Go(func() {
			for b := range queue {
				s.read(ctx, b)
			}
		})
	}
	for _, b := range due {
		queue <- b
	}
	close(queue)
	all.Wait()
}

func (s *Source) read(ctx context.Context, due beat) {
	if ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.pace.read)
	defer cancel()
	lease, err := s.opts.Client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(ctx, due.node, metav1.GetOptions{})
	now := time.Now()
	switch {
	case apierrors.IsNotFound(err):
		s.pulses.absent(due)
		return
	case err == nil:
		err = ctx.Err() // an answer that lay about, for example while this process was stopped, is not of now
	}
	var read beat
	if err == nil {
		read, err = readBeat(lease)
	}
	if err != nil {
		s.pulses.unread(now, due)
		s.leases.desk.log.Warn("lease not judged: it could not be read", "entity", "node/"+due.node, "error", err)
		return
	}
	if _, ok := s.steady(now); ok {
		s.pulses.agreed(now, due, read)
	}
}
