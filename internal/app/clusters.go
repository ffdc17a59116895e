package app

import (
	"fmt"
	"log/slog"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/kube"
	"github.com/salvor-io/salvor/events/probe"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/kubeclient"
	"github.com/salvor-io/salvor/responders"
)

// clusters are the clients of all configured clusters. What has no credentials to act has no writer.
type clusters struct {
	observe map[string]kubeclient.Clients
	act     map[string]kubeclient.Clients
	tried   map[string]map[string]probe.Check // what is probed of each, by name of the target
}

// Reader is the client that observes a cluster.
func (c clusters) Reader(cluster string) (kubernetes.Interface, error) {
	if clients, ok := c.observe[cluster]; ok {
		return clients.Kubernetes, nil
	}
	return nil, fmt.Errorf("no cluster named %q is configured", cluster)
}

// Custom is the client that observes what Kubernetes itself does not define in a cluster.
func (c clusters) Custom(cluster string) (dynamic.Interface, error) {
	if clients, ok := c.observe[cluster]; ok {
		return clients.Dynamic, nil
	}
	return nil, fmt.Errorf("no cluster named %q is configured", cluster)
}

// Writer is the client that acts on a cluster.
func (c clusters) Writer(cluster string) (kubernetes.Interface, error) {
	clients, err := c.acting(cluster)
	return clients.Kubernetes, err
}

// CustomWriter is the client that acts on what Kubernetes itself does not define in a cluster.
func (c clusters) CustomWriter(cluster string) (dynamic.Interface, error) {
	clients, err := c.acting(cluster)
	return clients.Dynamic, err
}

func (c clusters) acting(cluster string) (kubeclient.Clients, error) {
	if clients, ok := c.act[cluster]; ok {
		return clients, nil
	}
	return kubeclient.Clients{}, fmt.Errorf("no credentials to act on cluster %q are configured: set clusters[].act in salvor.yaml", cluster)
}

func openClusters(cfg *config.Config, version string) (clusters, error) {
	all := clusters{observe: map[string]kubeclient.Clients{}, act: map[string]kubeclient.Clients{}, tried: map[string]map[string]probe.Check{}}
	for _, c := range cfg.Clusters {
		seen, err := kubeclient.Observe(kubeclient.Access{Kubeconfig: c.Observe.Kubeconfig, Context: c.Observe.Context, InCluster: c.Observe.InCluster}, version)
		if err != nil {
			return all, fmt.Errorf("observe cluster %s: %w", c.Name, err)
		}
		all.observe[c.Name] = seen
		if all.tried[c.Name], err = targets(c, seen); err != nil {
			return all, err
		}
		if c.Act == nil {
			continue
		}
		acting, err := kubeclient.Act(kubeclient.Access{Kubeconfig: c.Act.Kubeconfig, Context: c.Act.Context}, version, responders.Guard)
		if err != nil {
			return all, fmt.Errorf("act on cluster %s: %w", c.Name, err)
		}
		all.act[c.Name] = acting
	}
	return all, nil
}

// watches are the sources that watch the clusters.
func (c clusters) watches(cfg *config.Config, replica string, log events.Log, view kube.View, logger *slog.Logger) ([]*kube.Source, error) {
	var out []*kube.Source
	for _, cluster := range cfg.Clusters {
		seen := c.observe[cluster.Name]
		source, err := kube.New(kube.Options{Cluster: cluster.Name, Replica: replica, Client: seen.Kubernetes, Dynamic: seen.Dynamic,
			Metadata: seen.Metadata, Log: log, View: view, Logger: logger.With("cluster", cluster.Name), StaleAfter: cluster.LeaseStaleAfter})
		if err != nil {
			return nil, fmt.Errorf("watch cluster %s: %w", cluster.Name, err)
		}
		out = append(out, source)
	}
	return out, nil
}

// soleRepairer says of which clusters people state that nobody repairs their nodes whom Salvor cannot see.
func soleRepairer(cfg *config.Config) map[string]bool {
	out := map[string]bool{}
	for _, c := range cfg.Clusters {
		out[c.Name] = c.SoleRepairer
	}
	return out
}
