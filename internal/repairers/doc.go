// Package repairers finds out who else repairs the nodes of a cluster. Two repairers undo each other's work, or do it twice.
//
// It only reads, with the credentials that observe, and says of each repairer how sure it is: what cannot be seen is never
// taken for nobody.
package repairers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/salvor-io/salvor/internal/kubeclient"
)

// Certainty says how sure it is that somebody repairs nodes.
type Certainty int

// The certainties. An API that is not installed is known: nobody repairs nodes by it.
const (
	Unseen Certainty = iota // whether it repairs nodes cannot be seen from the cluster
	Idle                    // it repairs none now, but may once somebody changes something in the cluster
	Sure                    // it repairs nodes
)

// Repairer is somebody else who repairs nodes of a cluster, or may do so.
type Repairer struct {
	Certainty Certainty
	Name      string // who it is: "NodeHealthCheck workers"
	What      string // who it is and which nodes it repairs, in words
	Do        string // how to find out, or how to stop it
}

// site is one cluster that is looked at.
type site struct {
	clients kubeclient.Clients
	nodes   []corev1.Node
	failed  []error
}

// fails keeps the error of a request that the API server could have answered: another look may succeed. What is not there or
// not allowed is an answer.
func (s *site) fails(err error) {
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) {
		s.failed = append(s.failed, err)
	}
}

// Look looks for others who repair the nodes of a cluster, which are given. It takes a handful of requests, each bounded by
// the clients, and ends soon after ctx. The error says which requests failed that may succeed another time; what they would
// have shown is among the repairers as Unseen.
func Look(ctx context.Context, clients kubeclient.Clients, nodes []corev1.Node) ([]Repairer, error) {
	s := &site{clients: clients, nodes: nodes}
	groups, err := s.groups(ctx)
	if err != nil {
		groups = nil
	}
	s.fails(err)
	found := slices.Concat(s.healthChecks(ctx, groups), s.karpenter(ctx, groups), s.draino(ctx), s.problemDetector(), s.providers())
	if err != nil {
		found = append(found, Repairer{Name: "health checks of nodes", What: fmt.Sprintf("the API groups of the cluster cannot be listed, nor who repairs nodes: %v", err),
			Do: "let them: bind the role system:discovery"})
	}
	return found, errors.Join(s.failed...)
}

// Names are the names of those that are sure to repair nodes, sorted. known says that there is nobody else: what may repair
// nodes could be seen.
func Names(found []Repairer) (names []string, known bool) {
	known = true
	for _, r := range found {
		switch r.Certainty {
		case Sure:
			names = append(names, r.Name)
		case Unseen:
			known = false
		}
	}
	slices.Sort(names)
	return slices.Compact(names), known
}

// count is a number of nodes in words.
func count(n int) string {
	if n == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", n)
}
