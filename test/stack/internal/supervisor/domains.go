package supervisor

import (
	"context"
	"fmt"
	"strings"

	"github.com/salvor-io/salvor/test/stack/internal/process"
)

// start starts the process of a domain unless it runs. The caller holds the lock.
func (f *fleet) start(domain string) error {
	p, known := f.domains[domain]
	if !known {
		return fmt.Errorf("failure domain %s: %w", domain, errUnknown)
	}
	if p != nil && p.Running() {
		return nil
	}
	started, err := f.launcher.Run(f.spec(domain))
	if err != nil {
		return err
	}
	f.domains[domain] = started
	return nil
}

// kill ends the process of a domain and waits until it is gone. The caller holds the lock.
func (f *fleet) kill(ctx context.Context, domain string) error {
	p, known := f.domains[domain]
	if !known {
		return fmt.Errorf("failure domain %s: %w", domain, errUnknown)
	}
	if p == nil {
		return nil
	}
	return p.Kill(ctx)
}

// spec is the process of a domain.
func (f *fleet) spec(domain string) process.Spec {
	nodes := strings.Join(f.members(domain), ",")
	return spec(f.dir, "kwok-"+domain, []string{f.binary, "-kubeconfig", f.kubeconfig, "-nodes", nodes})
}

func (f *fleet) members(domain string) []string {
	var names []string
	for _, m := range f.nodes {
		if m.FailureDomain() == domain {
			names = append(names, m.Name)
		}
	}
	return names
}

// processes returns the process of every domain that was ever started.
func (f *fleet) processes() []*process.Process {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []*process.Process
	for _, p := range f.domains {
		if p != nil {
			all = append(all, p)
		}
	}
	return all
}
