package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/app"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/judging"
	"github.com/salvor-io/salvor/internal/kubeclient"
	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/internal/protection/census"
)

// surveying says which clusters are looked at, and by which promises.
type surveying struct {
	env                                environment
	file, kubeconfig, context, cluster string
}

// survey is what is looked at.
type survey struct {
	sites    []site
	promises protection.Promises
	queries  map[string]string
	now      func() time.Time
}

// site is one cluster.
type site struct {
	name    string // in salvor.yaml; empty: it is not in one
	shown   string // what it is called where it has no name
	clients kubeclient.Clients
	metrics census.Metrics // nil: it has none
}

// surveys adds the flags that say what is looked at.
func surveys(cmd *cobra.Command, env environment) *surveying {
	s := &surveying{env: env}
	cmd.Flags().StringVarP(&s.file, "config", "f", "", "what was promised (default "+defaultConfig+", where there is one and no --kubeconfig is given)")
	cmd.Flags().StringVar(&s.kubeconfig, "kubeconfig", "", "the cluster's credentials (default those of the clusters in the configuration, or else $KUBECONFIG or ~/.kube/config)")
	cmd.Flags().StringVar(&s.context, "context", "", "context in the kubeconfig (default its current one)")
	cmd.Flags().StringVar(&s.cluster, "cluster", "", "the cluster, by its name in the configuration (default all)")
	return s
}

// survey opens the clients. Nothing is read yet but files.
func (s *surveying) survey(command string) (*survey, error) {
	out := &survey{now: s.env.now, queries: map[string]string{}}
	cfg, err := s.config()
	if err != nil {
		return nil, err
	}
	if cfg == nil {
		if s.cluster != "" {
			return nil, usageError{fmt.Errorf("no configuration is read, in which a cluster could be named %q: give it with -f", s.cluster), command}
		}
		return out, s.stranger(out)
	}
	out.promises = judging.Promises(cfg)
	for _, q := range cfg.Queries {
		out.queries[q.Name] = q.Query
	}
	chosen, err := s.chosen(cfg)
	if err != nil {
		return nil, usageError{err, command}
	}
	for _, c := range chosen {
		if err := s.add(out, c); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// config is the configuration that is meant, or nil where none is.
func (s *surveying) config() (*config.Config, error) {
	path := s.file
	if path == "" {
		if _, err := os.Stat(defaultConfig); s.kubeconfig != "" || err != nil {
			return nil, nil
		}
		path = defaultConfig
	}
	return config.Read(path)
}

// chosen are the clusters of a configuration that are meant. A kubeconfig leads to one.
func (s *surveying) chosen(cfg *config.Config) ([]config.Cluster, error) {
	var names []string
	for _, c := range cfg.Clusters {
		if c.Name == s.cluster {
			return []config.Cluster{c}, nil
		}
		names = append(names, c.Name)
	}
	one := s.kubeconfig != "" || s.context != ""
	switch {
	case s.cluster != "":
		return nil, fmt.Errorf("no cluster is named %q in the configuration; there are: %s", s.cluster, strings.Join(names, ", "))
	case len(cfg.Clusters) == 0:
		return []config.Cluster{{}}, nil
	case one && len(cfg.Clusters) > 1:
		return nil, fmt.Errorf("say which cluster that kubeconfig leads to: --cluster %s", strings.Join(names, ", or --cluster "))
	}
	return cfg.Clusters, nil
}

func (s *surveying) add(out *survey, c config.Cluster) error {
	access := kubeclient.Access{Kubeconfig: c.Observe.Kubeconfig, Context: c.Observe.Context, InCluster: c.Observe.InCluster}
	if s.kubeconfig != "" {
		access = kubeclient.Access{Kubeconfig: s.kubeconfig}
	}
	if c.Name == "" && s.kubeconfig == "" {
		return s.stranger(out)
	}
	access.Context = cmp.Or(s.context, access.Context)
	clients, err := kubeclient.Observe(access, buildVersion().Version)
	if err != nil {
		return fmt.Errorf("observe cluster %s: %w", c.Name, err)
	}
	at := site{name: c.Name, shown: shown(access), clients: clients}
	if c.Prometheus != nil && len(out.queries) > 0 {
		server, err := app.Prometheus(*c.Prometheus)
		if err != nil {
			return fmt.Errorf("open the Prometheus of cluster %s: %w", c.Name, err)
		}
		at.metrics = server
	}
	out.sites = append(out.sites, at)
	return nil
}

// stranger looks at the cluster of a kubeconfig, found as kubectl finds it.
func (s *surveying) stranger(out *survey) error {
	access := kubeclient.Access{Kubeconfig: s.kubeconfig, Context: s.context}
	if access.Kubeconfig == "" {
		files := filepath.SplitList(s.env.getenv("KUBECONFIG"))
		switch len(files) {
		case 0:
			access.Kubeconfig = filepath.Join(s.env.getenv("HOME"), ".kube", "config")
		case 1:
			access.Kubeconfig = files[0]
		default:
			return advisedError{errors.New("choose a cluster: KUBECONFIG names several files"), "salvor protection --kubeconfig FILE"}
		}
	}
	clients, err := kubeclient.Observe(access, buildVersion().Version)
	if err != nil {
		return advisedError{err, "salvor protection --kubeconfig FILE, or -f salvor.yaml"}
	}
	out.sites = append(out.sites, site{shown: shown(access), clients: clients})
	return nil
}

// shown is what a cluster without a name is called.
func shown(access kubeclient.Access) string {
	switch {
	case access.Context != "":
		return access.Context
	case access.InCluster:
		return "this cluster"
	}
	return access.Kubeconfig
}
