package events

import "time"

// Type names what an event observed. Types that Salvor does not know are kept and ignored with a reason.
type Type string

// The types that Salvor folds into its view. Each names its payload.
const (
	TypeNode      Type = "io.salvor.node.v1"      // Node: the state of a node, or that it is gone
	TypeLease     Type = "io.salvor.lease.v1"     // Lease: a node's Lease became fresh or stale
	TypePod       Type = "io.salvor.pod.v1"       // Pod: a pod got into trouble, or out of it
	TypeWorkload  Type = "io.salvor.workload.v1"  // Workload: the state of what keeps pods running, or that it is gone
	TypeObject    Type = "io.salvor.object.v1"    // Object: the state of an object of any other kind, or that it is gone
	TypeAlert     Type = "io.salvor.alert.v1"     // Alert: an alert fired or resolved
	TypeSilence   Type = "io.salvor.silence.v1"   // Silence: people silenced alerts, or the silence ended
	TypeHeartbeat Type = "io.salvor.heartbeat.v1" // Heartbeat: a dead man's switch was heard
	TypeProbe     Type = "io.salvor.probe.v1"     // Probe: somebody tried to reach a part of a cluster
	TypeObserver  Type = "io.salvor.observer.v1"  // Observer: a watcher says whether it can see
	TypeDeclared  Type = "io.salvor.declared.v1"  // Declared: a person says that something is broken, or takes that back
	TypePromise   Type = "io.salvor.promise.v1"   // Promise: how what an application was promised stands
	TypeTick      Type = "io.salvor.tick.v1"      // Tick: a second has passed
	TypeFalco     Type = "falco.rule.output.v1"   // Falco: a rule of Falco matched, as falcosidekick posts it
)

// Fleet is the cluster name of events that belong to no cluster, such as ticks.
const Fleet = "_fleet"

// Node is the projection of a Kubernetes Node that judgements need.
type Node struct {
	Name            string            `json:"name"`
	UID             string            `json:"uid"`
	ResourceVersion string            `json:"resourceVersion"`
	Gone            bool              `json:"gone,omitempty"` // the object was deleted; other fields are its last known state
	Created         time.Time         `json:"created"`
	Deleting        bool              `json:"deleting,omitempty"` // has a deletion timestamp
	Zone            string            `json:"zone,omitempty"`     // topology.kubernetes.io/zone
	Region          string            `json:"region,omitempty"`   // topology.kubernetes.io/region
	Group           string            `json:"group,omitempty"`    // node group or pool, when a known label names it
	ControlPlane    bool              `json:"controlPlane,omitempty"`
	ProviderID      string            `json:"providerID,omitempty"`
	Ready           Condition         `json:"ready"`
	Unschedulable   bool              `json:"unschedulable,omitempty"`
	Taints          []Taint           `json:"taints,omitempty"`
	Annotations     map[string]string `json:"annotations,omitempty"` // only those that say who works on the node
}

// Condition is the Ready condition of a node.
type Condition struct {
	Status string    `json:"status"` // True, False or Unknown, as Kubernetes writes it; empty when the node has none
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since,omitzero"`
}

// Taint is one taint of a node.
type Taint struct {
	Key    string `json:"key"`
	Value  string `json:"value,omitempty"`
	Effect string `json:"effect"`
}

// LeaseState says whether a node's Lease is being renewed.
type LeaseState string

// The two states of a Lease. A Lease that was never seen is in neither.
const (
	LeaseFresh LeaseState = "fresh"
	LeaseStale LeaseState = "stale"
)

// Lease reports a transition of the Lease in kube-node-lease by which a kubelet shows that it lives. It is published on
// transitions only. Stale means: no change was observed for the local, monotonic Age, and one direct read agreed.
type Lease struct {
	Node            string     `json:"node"`
	UID             string     `json:"uid"` // of the Lease
	ResourceVersion string     `json:"resourceVersion"`
	State           LeaseState `json:"state"`
	RenewTime       time.Time  `json:"renewTime,omitzero"` // as the kubelet's clock wrote it; for people, never for judgement
	Age             Seconds    `json:"age,omitempty"`      // since the last observed change, by the observer's monotonic clock
	WasFresh        bool       `json:"wasFresh,omitempty"` // of a stale one: its observer has seen it renewed, whatever the log still knows
}

// Observer is published by each watcher when its sight changes and at least every 10 s while it runs. An observer that
// was not heard of for 30 s of view time is blind.
type Observer struct {
	Replica string `json:"replica"`
	Watch   string `json:"watch"` // what it watches, for example "nodes" or "leases"
	Seeing  bool   `json:"seeing"`
	Reason  string `json:"reason,omitempty"` // why it does not see
	Synced  bool   `json:"synced"`           // its first list was published
}

// Tick says that a second has passed. Its event ID is the second, so that any number of replicas make one tick.
type Tick struct {
	Second int64 `json:"second"` // Unix time
}

// Seconds is a duration that is written to JSON as a number of seconds.
type Seconds float64

// Duration converts to a time.Duration.
func (s Seconds) Duration() time.Duration { return time.Duration(float64(s) * float64(time.Second)) }

// InSeconds converts from a time.Duration.
func InSeconds(d time.Duration) Seconds { return Seconds(d.Seconds()) }
