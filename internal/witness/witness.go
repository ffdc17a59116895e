package witness

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"

	"github.com/salvor-io/salvor/events/probe"
	"github.com/salvor-io/salvor/internal/config"
)

// Witness probes clusters and reports.
type Witness struct {
	name    string
	log     *slog.Logger
	sources []*probe.Source
	courier *courier
}

// New builds a witness from its file. It fails when a file that it names cannot be read. Nothing is tried yet.
func New(cfg *config.Witness, version string, log *slog.Logger) (*Witness, error) {
	agent := "salvor-witness/" + version
	courier, err := newCourier(cfg.Salvor, agent, log.With("part", "reports"))
	if err != nil {
		return nil, err
	}
	w := &Witness{name: cfg.Name, log: log, courier: courier}
	for _, c := range cfg.Clusters {
		tried, err := targets(c, agent)
		if err != nil {
			return nil, fmt.Errorf("probe cluster %s: %w", c.Name, err)
		}
		source, err := probe.New(probe.Options{Cluster: c.Name, By: cfg.Name, Witness: true, Targets: tried, Log: courier.box,
			Logger: log.With("part", "probe")})
		if err != nil {
			return nil, err
		}
		w.sources = append(w.sources, source)
	}
	return w, nil
}

// targets are what is tried of a cluster: its API server, and its etcd where it is said how, or with a token through the API server.
// Nobody is told about etcd by an API server that does not know who asks.
func targets(c config.WitnessCluster, agent string) (map[string]probe.Check, error) {
	server, err := url.Parse(c.Server)
	if err != nil {
		return nil, err
	}
	secure, err := probe.Secure{CAFile: c.CAFile}.Config()
	if err != nil {
		return nil, err
	}
	way := caller{next: probe.Transport(secure), agent: agent, tokenFile: c.TokenFile}
	out := map[string]probe.Check{probe.TargetAPIServer: probe.APIServer(server, way)}
	switch e := c.Etcd; {
	case e != nil:
		out[probe.TargetEtcd], err = probe.Etcd(e.Endpoints, probe.Secure{CAFile: e.CAFile, CertFile: e.CertFile, KeyFile: e.KeyFile})
	case c.TokenFile != "":
		out[probe.TargetEtcd] = probe.EtcdBehind(server, way)
	}
	return out, err
}

// Run probes and reports until ctx ends and returns nil then, after all that it started has stopped.
func (w *Witness) Run(ctx context.Context) error {
	w.log.Info("starting", "witness", w.name, "clusters", len(w.sources))
	var all sync.WaitGroup
	for _, source := range w.sources {
		all.Go(func() { _ = source.Run(ctx) }) // it never fails
	}
	all.Go(func() { w.courier.run(ctx) })
	all.Wait()
	w.log.Info("stopped")
	return nil
}

// caller comes by name, and with the token of a file, which is read for each request, so that a renewed one is taken up.
type caller struct {
	next      http.RoundTripper
	agent     string
	tokenFile string // empty: it comes as nobody
}

func (c caller) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("User-Agent", c.agent)
	if c.tokenFile != "" {
		token, err := config.Secret(c.tokenFile)
		if err != nil {
			if req.Body != nil {
				_ = req.Body.Close() // a RoundTripper closes the body whatever happens; nothing was sent
			}
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return c.next.RoundTrip(req)
}
