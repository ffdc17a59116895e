// Package all is the catalogue of every responder there is.
package all

import (
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/node"
	"github.com/salvor-io/salvor/responders/serving"
	"github.com/salvor-io/salvor/responders/velero"
	"github.com/salvor-io/salvor/responders/volume"
	"github.com/salvor-io/salvor/responders/workload"
)

// Clusters gives clients for a cluster by its name: Reader one that observes, Writer one that acts, and Custom and CustomWriter
// the same for kinds that Kubernetes itself does not define.
type Clusters interface {
	Reader(cluster string) (kubernetes.Interface, error)
	Writer(cluster string) (kubernetes.Interface, error)
	Custom(cluster string) (dynamic.Interface, error)
	CustomWriter(cluster string) (dynamic.Interface, error)
}

// Options are what responders reach the world through.
type Options struct {
	Clusters   Clusters
	Power      map[string]node.Power          // the power switch of each cluster that has one, by cluster
	Probes     map[string][]*serving.Probe    // the probes of each cluster that has any, by cluster
	Prometheus map[string]*serving.Prometheus // that of each cluster that has one, by cluster
}

// Catalog makes the catalogue. With zero Options the responders can be described, but not called.
func Catalog(o Options) (responders.Catalog, error) {
	return responders.NewCatalog(
		node.NewCordon(o.Clusters),
		node.NewFence(o.Clusters, o.Power),
		node.NewRelease(o.Clusters, o.Power),
		node.NewRestore(o.Clusters),
		serving.NewHTTP(o.Probes),
		serving.NewQuery(o.Prometheus),
		velero.NewBackup(o.Clusters),
		velero.NewConfigRestore(o.Clusters),
		velero.NewFreeze(o.Clusters),
		velero.NewKept(o.Clusters),
		velero.NewNamespaceRestore(o.Clusters),
		velero.NewRestore(o.Clusters),
		velero.NewRetry(o.Clusters),
		velero.NewSchedule(o.Clusters),
		volume.NewClaims(o.Clusters),
		volume.NewImport(o.Clusters),
		volume.NewRestore(o.Clusters),
		volume.NewSnapshot(o.Clusters),
		workload.NewAvailable(o.Clusters),
		workload.NewDisplace(o.Clusters),
		workload.NewEvacuate(o.Clusters),
		workload.NewRelocated(o.Clusters),
	)
}
