package config

import (
	"path/filepath"
	"strings"
)

// resolve takes relative paths from dir.
func resolve(dir string, paths []*string) {
	for _, path := range paths {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
}

func (c *Config) paths() []*string {
	all := []*string{&c.DataDir, &c.Listen.Socket, &c.Listen.TLS.CertFile, &c.Listen.TLS.KeyFile, &c.Listen.TLS.ClientCAFile, &c.Console.SessionKeyFile,
		&c.NATS.CAFile, &c.NATS.CertFile, &c.NATS.KeyFile, &c.NATS.CredsFile, &c.NATS.TokenFile, &c.NATS.NkeyFile,
		&c.Policies.Dir, &c.Policies.Shadow, &c.Runbooks.Dir}
	all = append(all, c.Policies.Bundle.paths()...)
	all = append(all, c.Chat.paths()...)
	for i := range c.Clusters {
		all = append(all, c.Clusters[i].paths()...)
	}
	for i := range c.Intakes {
		all = append(all, &c.Intakes[i].TokenFile)
	}
	for i := range c.People {
		all = append(all, &c.People[i].TokenFile, &c.People[i].PasswordFile)
	}
	for i := range c.Probes {
		all = append(all, &c.Probes[i].TokenFile, &c.Probes[i].CAFile)
	}
	if c.OIDC != nil {
		all = append(all, &c.OIDC.ClientSecretFile, &c.OIDC.CAFile)
	}
	for i := range c.Alertmanagers {
		all = append(all, &c.Alertmanagers[i].TokenFile)
	}
	return all
}

func (b *Bundle) paths() []*string {
	if b == nil {
		return nil
	}
	all := []*string{&b.TokenFile, &b.CAFile}
	for i := range b.Keys {
		all = append(all, &b.Keys[i].File)
	}
	return all
}

func (e *Etcd) paths() []*string {
	if e == nil {
		return nil
	}
	return []*string{&e.CAFile, &e.CertFile, &e.KeyFile}
}

func (c *Cluster) paths() []*string {
	all := append(c.Etcd.paths(), &c.Observe.Kubeconfig)
	if c.Act != nil {
		all = append(all, &c.Act.Kubeconfig)
	}
	if c.Prometheus != nil {
		all = append(all, &c.Prometheus.TokenFile, &c.Prometheus.CAFile)
	}
	if c.Power != nil && c.Power.HTTP != nil {
		all = append(all, &c.Power.HTTP.TokenFile)
	}
	// The first word of a command is a path only when it looks like one; others are looked for in PATH.
	if c.Power != nil && c.Power.Exec != nil && len(c.Power.Exec.Command) > 0 && strings.Contains(c.Power.Exec.Command[0], "/") {
		all = append(all, &c.Power.Exec.Command[0])
	}
	return all
}
