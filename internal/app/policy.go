package app

import (
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/internal/rollout"
	"github.com/salvor-io/salvor/policies/bundle"
	"github.com/salvor-io/salvor/policies/rego"
	"github.com/salvor-io/salvor/policies/rego/archive"
)

// openRollout opens what brings policy into force. Nothing is looked at yet.
func openRollout(a *App, responders []string) (*rollout.Rollout, error) {
	source, err := policySource(a.cfg.Policies)
	if err != nil {
		return nil, err
	}
	opt := PolicyOptions(a.cfg, responders)
	opt.Replica, opt.Source, opt.Trail, opt.Packs, opt.Recorded = a.opt.Replica, source, a.store.ledger, a.store.ledger, a.store.ledger
	opt.Changed, opt.Clock, opt.Log = func() { a.front.policyChanged() }, time.Now, a.opt.Log.With("part", "policy")
	if dir := a.cfg.Policies.Shadow; dir != "" {
		opt.Shadow = &rollout.Dir{Path: dir, Shipped: shippedRules()}
	}
	return rollout.New(opt), nil
}

// PolicyOptions are the parts of a Rollout that a configuration says by itself: enough for one that only checks.
func PolicyOptions(cfg *config.Config, responders []string) rollout.Options {
	opt := rollout.Options{Tester: rollout.OwnTests{}, Responders: responders}
	for _, c := range cfg.Clusters {
		opt.Environments, opt.Clusters = append(opt.Environments, c.Environment), append(opt.Clusters, c.Name)
	}
	for _, p := range cfg.People {
		if p.Role == people.Admin {
			opt.Admins = append(opt.Admins, p.Name)
		}
	}
	return opt
}

func shippedRules() rego.Source {
	return rego.Source{Name: "the shipped bundle", Files: bundle.Files()}
}

// policySource is where policy comes from: a directory or a bundle beside the shipped rules, or those alone.
func policySource(p config.Policies) (rollout.Source, error) {
	switch {
	case p.Bundle != nil:
		return PolicyBundle(*p.Bundle)
	case p.Dir != "":
		return &rollout.Dir{Path: p.Dir, Shipped: shippedRules()}, nil
	}
	return rollout.Shipped{Rules: shippedRules()}, nil
}

// PolicyBundle opens the address of a bundle. Nothing is asked of it yet.
func PolicyBundle(b config.Bundle) (*rollout.Fetch, error) {
	opt := rollout.FetchOptions{URL: b.URL, Persons: map[string]string{}, Poll: b.Poll, Shipped: shippedRules()}
	if b.TokenFile != "" {
		opt.Token = func() (string, error) { return config.Secret(b.TokenFile) }
	}
	if b.CAFile != "" {
		text, err := os.ReadFile(b.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read who signs the certificate of %s: %w", b.URL, err)
		}
		opt.CA = x509.NewCertPool()
		if !opt.CA.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("read who signs the certificate of %s: %s holds no certificate", b.URL, b.CAFile)
		}
	}
	for _, k := range b.Keys {
		text, err := os.ReadFile(k.File)
		if err == nil {
			_, err = archive.PublicKey(text)
		}
		if err != nil {
			return nil, fmt.Errorf("read key %s for policies: %w", k.ID, err)
		}
		opt.Keys = append(opt.Keys, archive.Key{ID: k.ID, PEM: text})
		opt.Persons[k.ID] = k.Person
	}
	return rollout.NewFetch(opt), nil
}
