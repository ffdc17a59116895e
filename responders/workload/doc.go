// Package workload does what can be done to the workloads of a cluster: move pods off silent nodes, evict those of a zone, and look
// whether what ran there is available again.
package workload

import (
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/responders"
)

// Clusters gives clients for a cluster by its name: Reader one that observes, Writer one that acts, and Custom one that
// observes kinds that Kubernetes itself does not define.
type Clusters interface {
	Reader(cluster string) (kubernetes.Interface, error)
	Writer(cluster string) (kubernetes.Interface, error)
	Custom(cluster string) (dynamic.Interface, error)
}

// maxTargets bounds a change: more than this is refused, since nobody can read it.
const maxTargets = 500

// lookups bounds how many requests one step has under way.
const lookups = 8

func unknown(err error) (responders.Finding, error) {
	return responders.Finding{Outcome: responders.OutcomeUnknown}, err
}
