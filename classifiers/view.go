package classifiers

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/events"
)

// blindAfter is how long an observer may keep silent before it counts as blind.
const blindAfter = 30 * time.Second

// goneFor is how long a deleted node, a resolved alert or a silent observer is remembered.
const goneFor = time.Hour

// View is all that is known of the fleet, folded from events in order. It is not safe for concurrent use.
type View struct {
	Now      time.Time
	Seq      uint64
	Clusters map[string]*Cluster
	Silences map[string]SilenceView // by id, of the whole fleet

	read AlertReader
}

// Cluster is what is known of one cluster.
type Cluster struct {
	Name       string
	Nodes      map[string]*NodeView // by name; recreated nodes replace their predecessors
	Lost       map[string]*NodeView // those of Nodes that are silent or not ready
	Returns    []Return             // of nodes that were lost, the last, in order
	Pods       map[string]PodView
	Workloads  map[string]*WorkloadView
	Objects    map[string]*ObjectView
	ObjectsAt  time.Time                              // view time at which the first object was seen: Salvor's first look
	Backups    map[string]BackupView                  // the last of each schedule that has ended, by "namespace/schedule"
	Deleted    []Deletion                             // the last, in order
	Alerts     map[string]*AlertView                  // by fingerprint; none is changed once it is there
	Firing     map[events.Topic]map[string]*AlertView // those of them that fire and speak of something
	Resolved   map[string]*AlertView                  // those of them that do not fire
	Detections []Detection                            // the last, in order
	Probes     map[string]ProbeView
	Heartbeats map[string]HeartbeatView
	Observers  map[string]ObserverView
	Declared   map[string]DeclaredView // what people said last of each fault that they declared
	Promises   map[string]PromiseView  // how what applications were promised stands, by "application/namespace"
}

// NodeView is what is known of one node.
type NodeView struct {
	events.Node
	Evidence string    // id of the event that last said something of the node
	ToldAt   time.Time // view time of that event
	ReadyAt  time.Time // view time of the last change of the Ready condition's status
	WasReady bool      // it was seen ready since Salvor knows it
	Lease    LeaseView // zero when its Lease was never seen to be renewed or to be stale
	LostAt   time.Time // view time at which it was last lost: the Lease went stale or Ready was lost; zero when well
	GoneAt   time.Time // view time at which it was deleted; zero while it exists
}

// LeaseView is what is known of a node's Lease.
type LeaseView struct {
	events.Lease
	Evidence string
	At       time.Time // view time of the last transition
	WasFresh bool      // it was seen to be renewed since Salvor knows it
}

// ObserverView is one watcher of one replica.
type ObserverView struct {
	events.Observer
	At time.Time
}

// NewView makes an empty view that understands alerts by the reader.
func NewView(read AlertReader) *View {
	return &View{Clusters: map[string]*Cluster{}, Silences: map[string]SilenceView{}, read: read}
}

// ErrIgnored marks an event that the view has no use for; the error says why.
var ErrIgnored = errors.New("event ignored")

// Fold takes in one event. Events are folded in the order of their Seq; one that was folded before changes nothing. An
// event of an unknown type moves the time and returns ErrIgnored; one that cannot be decoded returns a Permanent error.
func (v *View) Fold(ev events.Recorded) error {
	if ev.Seq <= v.Seq {
		return nil
	}
	v.Seq = ev.Seq
	if ev.At.After(v.Now) {
		v.Now = ev.At
	}
	if ev.Type == events.TypeTick {
		v.forget()
		return nil
	}
	into, known := folders[ev.Type]
	if !known {
		return fmt.Errorf("%w: nothing reads events of type %s", ErrIgnored, ev.Type)
	}
	return into(v, ev)
}

// folders take in the events of each type.
var folders = map[events.Type]func(*View, events.Recorded) error{
	events.TypeNode:      folder((*Cluster).foldNode),
	events.TypeLease:     folder((*Cluster).foldLease),
	events.TypePod:       folder((*Cluster).foldPod),
	events.TypeWorkload:  folder((*Cluster).foldWorkload),
	events.TypeObject:    folder((*Cluster).foldObject),
	events.TypeAlert:     folder((*Cluster).foldAlert),
	events.TypeFalco:     folder((*Cluster).foldFalco),
	events.TypeProbe:     folder((*Cluster).foldProbe),
	events.TypeHeartbeat: folder((*Cluster).foldHeartbeat),
	events.TypeObserver:  folder((*Cluster).foldObserver),
	events.TypeDeclared:  folder((*Cluster).foldDeclared),
	events.TypePromise:   folder((*Cluster).foldPromise),
	events.TypeSilence:   foldSilence,
}

func folder[P any](into func(*Cluster, moment, P)) func(*View, events.Recorded) error {
	return func(v *View, ev events.Recorded) error {
		var payload P
		if err := ev.Decode(&payload); err != nil {
			return err
		}
		into(v.cluster(ev.Cluster), moment{strings.Clone(ev.ID), v.Now, v.read}, payload)
		return nil
	}
}

// moment is the event that is being folded.
type moment struct {
	evidence string // a copy of its id, which may be part of a message that is not to be held
	at       time.Time
	read     AlertReader
}

func (v *View) cluster(name string) *Cluster {
	c, ok := v.Clusters[name]
	if !ok {
		c = &Cluster{Name: name, Nodes: map[string]*NodeView{}, Lost: map[string]*NodeView{}, Pods: map[string]PodView{}, Workloads: map[string]*WorkloadView{},
			Objects: map[string]*ObjectView{}, Backups: map[string]BackupView{}, Alerts: map[string]*AlertView{}, Firing: map[events.Topic]map[string]*AlertView{}, Resolved: map[string]*AlertView{}, Probes: map[string]ProbeView{},
			Heartbeats: map[string]HeartbeatView{}, Observers: map[string]ObserverView{}, Declared: map[string]DeclaredView{}, Promises: map[string]PromiseView{}}
		v.Clusters[name] = c
	}
	return c
}

// forget drops what ended long ago.
func (v *View) forget() {
	for _, c := range v.Clusters {
		maps.DeleteFunc(c.Nodes, func(_ string, n *NodeView) bool { return n.Gone && v.Now.Sub(n.GoneAt) > goneFor })
		c.forgetObjects(v.Now)
		c.forgetReturns(v.Now)
		c.forgetSignals(v.Now)
		c.forgetDeclared(v.Now)
		c.forgetPromises(v.Now)
		maps.DeleteFunc(c.Observers, func(_ string, o ObserverView) bool { return v.Now.Sub(o.At) > goneFor })
	}
	maps.DeleteFunc(v.Silences, func(_ string, s SilenceView) bool { return v.Now.Sub(s.EndsAt) > goneFor })
}

// Sees says whether any replica's watcher of that name can see the cluster now.
func (v *View) Sees(c *Cluster, watch string) bool {
	for _, o := range c.Observers {
		if o.Watch == watch && o.Seeing && o.Synced && v.Now.Sub(o.At) <= blindAfter {
			return true
		}
	}
	return false
}

// Living are the nodes that exist, sorted by name.
func (c *Cluster) Living() []*NodeView {
	var out []*NodeView
	for _, name := range slices.Sorted(maps.Keys(c.Nodes)) {
		if n := c.Nodes[name]; !n.Gone {
			out = append(out, n)
		}
	}
	return out
}

// Lost says whether the node is silent or not ready.
func (n *NodeView) Lost() bool { return !n.LostAt.IsZero() }

func (v *View) sorted() []*Cluster {
	var out []*Cluster
	for _, name := range sortedKeys(v.Clusters) {
		out = append(out, v.Clusters[name])
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// those are the values for which it is so, in the order of their keys: of many that are looked at each second few are meant.
func those[V any](m map[string]V, so func(V) bool) []V {
	var keys []string
	for key, value := range m {
		if so(value) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	out := make([]V, 0, len(keys))
	for _, key := range keys {
		out = append(out, m[key])
	}
	return out
}

// watchesOf are the watches that would have to see that a fault of a kind is gone.
var watchesOf = map[Kind][]string{
	KindNode: {"nodes", "leases"}, KindZone: {"nodes", "leases"}, KindConfig: {"pods"},
}

// watchesOfAnchor are those beside them, by what the fault is anchored at.
var watchesOfAnchor = map[string][]string{
	"deployment": {"deployments"}, "statefulset": {"statefulsets"}, "daemonset": {"daemonsets"},
	"persistentvolume": {"persistentvolumes"}, "persistentvolumeclaim": {"persistentvolumeclaims"},
	"schedule": {"schedules.velero.io", "backups.velero.io"}, "backupstoragelocation": {"backupstoragelocations.velero.io"},
	"volumesnapshot": {"volumesnapshots.snapshot.storage.k8s.io"}, "volumesnapshotcontent": {"volumesnapshotcontents.snapshot.storage.k8s.io"},
}

// Watches are the watches that would have to see that a fault of a kind is gone.
func Watches(kind Kind) []string { return slices.Clone(watchesOf[kind]) }

// Blind says that the view cannot tell whether the fault is gone: one of the observers that would have to say so does not
// see now. Not finding a fault means something only where the view is not blind. Of a region that people declared Salvor's own reach
// tells too: there may be no witness.
func (v *View) Blind(f Fault) bool {
	c, ok := v.Clusters[f.Cluster]
	if !ok {
		return true
	}
	switch {
	case f.Kind == KindRegion && f.Declared() && pollOf(v, c, targetAPIServer, false).well():
		return false
	case f.Kind == KindRegion:
		return !pollOf(v, c, targetAPIServer, true).well()
	case f.Anchor.Kind == anchorEtcd && f.probed():
		return !pollOf(v, c, targetEtcd, true).well() && !pollOf(v, c, targetEtcd, false).well()
	}
	if f.Anchor.Kind == AnchorApplication {
		return v.unheard(c, f.Anchor.Name)
	}
	if f.Anchor.Kind == anchorCertificate { // of one that alerts speak of, their end says so
		return f.probed() && !v.shows(c, f.Anchor.Name)
	}
	watches := slices.Concat(watchesOf[f.Kind], watchesOfAnchor[f.Anchor.Kind])
	return slices.ContainsFunc(watches, func(watch string) bool { return !v.Sees(c, watch) })
}

// probed says that probes are among the signals of the fault.
func (f Fault) probed() bool {
	return slices.ContainsFunc(f.Signals, func(s Signal) bool { return s.Source == SourceSalvor || s.Source == SourceWitnesses })
}
