package stack

import (
	"fmt"
	"io"

	"github.com/salvor-io/salvor/test/stack/internal/control"
)

// The users that have a kubeconfig.
const (
	// Admin may do everything, as a member of system:masters.
	Admin = "admin"
	// Human is a person who is a cluster administrator by a role binding.
	Human = "alice"
	// Observer is whom Salvor watches as. It has no rights until somebody grants them.
	Observer = "salvor-observe"
	// Actor is whom Salvor acts as. It has no rights until somebody grants them.
	Actor = "salvor-act"
)

// Options say what a stack is like. The zero value is a region of three zones with two nodes each and no Alertmanager.
type Options struct {
	// Dir holds everything the stack writes, logs included. It stays when the stack stops. Empty means a temporary folder
	// that goes when the stack stops.
	Dir string
	// Log is told about progress, a line at a time. Nil tells nobody.
	Log io.Writer
	// Region is the value of the nodes' topology.kubernetes.io/region label: eu-west-1 if empty.
	Region string
	// Nodes are the machines: Nodes(6) if empty.
	Nodes []Node
	// Alertmanagers are the Alertmanagers: none if zero.
	Alertmanagers Alertmanagers
	// Volumes are the storage system of the cluster: none if zero, unless there are Backups.
	Volumes Volumes
	// Backups are Velero: none if zero.
	Backups Backups
	// APIServerFlags are added to the flags of kube-apiserver and win over them.
	APIServerFlags []string
	// ControllerManagerFlags are added to the flags of kube-controller-manager, which runs with stock settings, and win
	// over them: "--node-monitor-grace-period=20s".
	ControllerManagerFlags []string
	// Detached lets the stack outlive its owner, until Attach finds it by its Dir, which may not be empty, and stops it.
	Detached bool
}

// Node is one machine of a stack.
type Node = control.Node

// Alertmanagers says how many Alertmanagers run and what they do with alerts.
type Alertmanagers = control.Alertmanagers

// Nodes returns n nodes, worker-1 to worker-n, dealt out over the zones in blocks. Without zones, these are the zones a, b
// and c of eu-west-1: six nodes are two in each. Each node is a failure domain of its own.
func Nodes(n int, zones ...string) []Node {
	if len(zones) == 0 {
		zones = []string{"eu-west-1a", "eu-west-1b", "eu-west-1c"}
	}
	nodes := make([]Node, n)
	for i := range nodes {
		nodes[i] = Node{Name: fmt.Sprintf("worker-%d", i+1), Zone: zones[i*len(zones)/n]}
	}
	return nodes
}

// withDefaults fills in what was left empty.
func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.Region == "" {
		o.Region = "eu-west-1"
	}
	if len(o.Nodes) == 0 {
		o.Nodes = Nodes(6)
	}
	return o
}
