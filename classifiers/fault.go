package classifiers

import (
	"slices"
	"time"
)

// Kind is what sort of thing is broken.
type Kind string

// The kinds of fault.
const (
	KindNode     Kind = "node"
	KindZone     Kind = "zone"
	KindRegion   Kind = "region"
	KindData     Kind = "data"
	KindConfig   Kind = "config"
	KindSecurity Kind = "security"
)

// Kinds lists every kind, narrowest scope first.
func Kinds() []Kind {
	return []Kind{KindNode, KindZone, KindRegion, KindData, KindConfig, KindSecurity}
}

// Fault is what is broken.
type Fault struct {
	Kind     Kind      `json:"kind"`
	Cause    Cause     `json:"cause,omitempty"`
	Cluster  string    `json:"cluster"`
	Anchor   Anchor    `json:"anchor"`
	Scope    Scope     `json:"scope"`
	Signals  []Signal  `json:"signals"`
	Evidence []string  `json:"evidence"`        // ids of the events that say so
	Sentence string    `json:"sentence"`        // for a tired person
	Since    time.Time `json:"since"`           // view time at which the first signal said so
	Broken   time.Time `json:"broken,omitzero"` // when it went wrong, where that is known to be before: people say so, or a change is to blame

	// Of a fault that is recorded: what the events of Evidence said, as far as that was still known, and which rules did not match then.
	Told   []Told `json:"told,omitempty"`
	Misses []Miss `json:"misses,omitempty"`
}

// Anchor is the one thing a fault is tied to: the object whose UID (or the zone, region or namespace whose name) makes two
// findings the same fault.
type Anchor struct {
	Kind string `json:"kind"` // node, zone, region, namespace, workload
	Name string `json:"name"`
	UID  string `json:"uid,omitempty"`
}

// String is the anchor as people read it: "node/worker-1".
func (a Anchor) String() string { return a.Kind + "/" + a.Name }

// Identity is what makes the anchor the same: its UID where it has one, its name otherwise.
func (a Anchor) Identity() string {
	if a.UID != "" {
		return a.Kind + "/" + a.UID
	}
	return a.Kind + "/" + a.Name
}

// Scope is how far the fault reaches.
type Scope struct {
	Nodes      []string `json:"nodes,omitempty"`
	Zones      []string `json:"zones,omitempty"`
	Regions    []string `json:"regions,omitempty"`
	Namespaces []string `json:"namespaces,omitempty"`
	Objects    []string `json:"objects,omitempty"` // "Deployment/shop/web", at most 200
}

// Signal is one thing that could tell about the fault. A signal that could not see was not asked.
type Signal struct {
	Name   string `json:"name"`
	Source string `json:"source,omitempty"` // where its facts come from: signals of one source are one witness
	Asked  bool   `json:"asked"`
	Agrees bool   `json:"agrees"`
	Detail string `json:"detail"` // the numbers it used
}

// The sources of facts that more than one signal uses.
const (
	SourceAPIServer = "api server" // of the cluster itself: what is wrong with it is wrong with all that it says
	SourceAlerts    = "alerts"     // of a monitoring that has its facts from elsewhere
	SourceSalvor    = "salvor"     // what Salvor tried itself
	SourceWitnesses = "witnesses"  // what others tried from elsewhere
	SourcePeople    = "people"     // what a person declared
)

// Agreement counts the signals that agree and those that were asked.
func (f Fault) Agreement() (agree, asked int) {
	for _, s := range f.Signals {
		if s.Asked {
			asked++
		}
		if s.Asked && s.Agrees {
			agree++
		}
	}
	return agree, asked
}

// SingleSourced says that fewer than two sources agree: what they have in common may be what is broken.
func (f Fault) SingleSourced() bool {
	var sources []string
	for _, s := range f.Signals {
		if s.Asked && s.Agrees && !slices.Contains(sources, s.Source) {
			sources = append(sources, s.Source)
		}
	}
	return len(sources) < 2
}

// Finding is what a classifier says at one moment. It becomes a Fault when it persists through its window.
type Finding struct {
	Fault
	Window   time.Duration // how long it must persist, from Since
	Standing bool          // it was so when Salvor first looked: listed, not acted on until it changes
	Under    *Fault        // the wider fault that explains it, nil when it stands for itself; see Correlate
}

// Lasted says whether the finding has persisted through its window.
func (f Finding) Lasted(now time.Time) bool { return now.Sub(f.Since) >= f.Window }

// Classifier finds faults of one kind in a view. It is pure: no clock but the view's, no network, no memory. It finds
// nothing where its observers are blind, and it returns findings in a stable order.
type Classifier interface {
	Classify(v *View) []Finding
}

// Classify runs all classifiers over the view, makes one finding of what is both detected and declared, and says which findings
// explain which.
func Classify(v *View, all []Classifier) []Finding {
	var out []Finding
	for _, c := range all {
		out = append(out, c.Classify(v)...)
	}
	out = unite(out)
	correlate(out)
	return slices.Clip(out)
}
