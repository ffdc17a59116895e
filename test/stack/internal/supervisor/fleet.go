package supervisor

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/salvor-io/salvor/test/stack/internal/control"
	"github.com/salvor-io/salvor/test/stack/internal/process"
)

var errUnknown = errors.New("unknown")

// fleet is all nodes, the processes that play their kubelets, and their power.
type fleet struct {
	launcher   *process.Launcher
	binary     string
	dir        string
	kubeconfig string

	mu      sync.Mutex
	nodes   []*machine
	domains map[string]*process.Process // nil for a domain that is dead
}

// machine is one node with its power switch.
type machine struct {
	control.Node
	off       bool // somebody switched it off
	claimsOff bool // its switch lied that it is off
	power     control.Switch
}

func newFleet(launcher *process.Launcher, nodes []control.Node) *fleet {
	f := &fleet{launcher: launcher, domains: map[string]*process.Process{}}
	for _, n := range nodes {
		f.nodes = append(f.nodes, &machine{Node: n, power: control.Switch{Mode: control.SwitchWorks}})
		f.domains[n.FailureDomain()] = nil
	}
	return f
}

// node returns the machine called name. The caller holds the lock.
func (f *fleet) node(name string) (*machine, error) {
	for _, m := range f.nodes {
		if m.Name == name {
			return m, nil
		}
	}
	return nil, fmt.Errorf("node %s: %w", name, errUnknown)
}

// startAll starts every domain.
func (f *fleet) startAll() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for domain := range f.domains {
		if err := f.start(domain); err != nil {
			return err
		}
	}
	return nil
}

// failNode kills the process of the node's domain. The power switch is not told.
func (f *fleet) failNode(ctx context.Context, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, err := f.node(name)
	if err != nil {
		return err
	}
	return f.kill(ctx, m.FailureDomain())
}

// failDomain kills the process of a domain.
func (f *fleet) failDomain(ctx context.Context, domain string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kill(ctx, domain)
}

// healNode switches the node on and starts the process of its domain, if they are not.
func (f *fleet) healNode(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, err := f.node(name)
	if err != nil {
		return err
	}
	return f.heal(m.FailureDomain(), m)
}

// healDomain switches all nodes of the domain on and starts its process.
func (f *fleet) healDomain(domain string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var members []*machine
	for _, m := range f.nodes {
		if m.FailureDomain() == domain {
			members = append(members, m)
		}
	}
	return f.heal(domain, members...)
}

func (f *fleet) heal(domain string, members ...*machine) error {
	if err := f.start(domain); err != nil {
		return err
	}
	for _, m := range members {
		m.off, m.claimsOff = false, false
	}
	return nil
}

// powerOff kills the process of the node's domain and records that the node is off. It returns when the process is gone.
func (f *fleet) powerOff(ctx context.Context, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, err := f.node(name)
	if err != nil {
		return err
	}
	if err := f.kill(ctx, m.FailureDomain()); err != nil {
		return err
	}
	m.off = true
	return nil
}

// claim makes the node's switch pretend that the node is off, or on.
func (f *fleet) claim(name string, off bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m, err := f.node(name); err == nil {
		m.claimsOff = off
	}
}

// setSwitch changes how the node's power switch behaves. A lie it told is forgotten.
func (f *fleet) setSwitch(name string, s control.Switch) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, err := f.node(name)
	if err != nil {
		return err
	}
	m.power, m.claimsOff = s, false
	return nil
}

// switchOf returns how the node's switch behaves and what it says of the power.
func (f *fleet) switchOf(name string) (s control.Switch, power string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, err := f.node(name)
	if err != nil {
		return control.Switch{}, "", err
	}
	if m.off || m.claimsOff {
		return m.power, control.PowerOff, nil
	}
	return m.power, control.PowerOn, nil
}

// status returns all nodes as they are.
func (f *fleet) status() []control.NodeStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []control.NodeStatus
	for _, m := range f.nodes {
		p, power := f.domains[m.FailureDomain()], control.PowerOn
		if m.off {
			power = control.PowerOff
		}
		all = append(all, control.NodeStatus{
			Name: m.Name, Zone: m.Zone, Domain: m.FailureDomain(),
			Alive: p != nil && p.Running(), Power: power, Switch: m.power.Mode,
		})
	}
	return all
}
