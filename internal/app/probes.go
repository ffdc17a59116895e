package app

import (
	"fmt"
	"log/slog"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/probe"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/kubeclient"
)

// targets are what is tried of a cluster, by name: its API server with the credentials that observe, and its etcd, directly where
// people say how and through the API server otherwise.
func targets(c config.Cluster, seen kubeclient.Clients) (map[string]probe.Check, error) {
	server, way, err := seen.Apart(probe.Transport(nil))
	if err != nil {
		return nil, fmt.Errorf("probe cluster %s: %w", c.Name, err)
	}
	out := map[string]probe.Check{probe.TargetAPIServer: probe.APIServer(server, way), probe.TargetEtcd: probe.EtcdBehind(server, way)}
	if e := c.Etcd; e != nil {
		secure := probe.Secure{CAFile: e.CAFile, CertFile: e.CertFile, KeyFile: e.KeyFile}
		if out[probe.TargetEtcd], err = probe.Etcd(e.Endpoints, secure); err != nil {
			return nil, fmt.Errorf("probe the etcd of cluster %s: %w", c.Name, err)
		}
	}
	return out, nil
}

// probes are the sources that try whether the clusters can be reached.
func (c clusters) probes(replica string, log events.Log, logger *slog.Logger) ([]events.Source, error) {
	var out []events.Source
	for name, tried := range c.tried {
		source, err := probe.New(probe.Options{Cluster: name, By: replica, Targets: tried, Log: log, Logger: logger})
		if err != nil {
			return nil, fmt.Errorf("probe cluster %s: %w", name, err)
		}
		out = append(out, source)
	}
	return out, nil
}
