package policies

import "time"

// About says what a question is for.
type About string

// The questions. Decision asks about a plan before it starts, Gate about one step right before it runs, Authorize about a
// person who wants to do something.
const (
	AboutDecision  About = "decision"
	AboutGate      About = "gate"
	AboutAuthorize About = "authorize"
)

// Question is the input of one evaluation. Its JSON form is the contract with policy authors: field names only grow within
// a schema version, and every fact is present or its path is listed in Unknown.
type Question struct {
	Schema   int           `json:"schema"` // 1
	About    About         `json:"about"`
	Now      time.Time     `json:"now"` // time of the view, the only clock that rules may read
	Cluster  ClusterFacts  `json:"cluster"`
	Incident IncidentFacts `json:"incident"`
	Fault    FaultFacts    `json:"fault"`
	Plan     Proposal      `json:"plan"`
	View     ViewFacts     `json:"view"`
	History  History       `json:"history"`
	Limits   Limits        `json:"limits"`
	InFlight InFlight      `json:"in_flight"`
	Mode     Mode          `json:"mode"`
	Pauses   []Pause       `json:"pauses"`
	Person   Person        `json:"person"` // who asks, for authorize; empty otherwise
	Unknown  []string      `json:"unknown"`
}

// ClusterFacts are the facts about the cluster the fault is in.
type ClusterFacts struct {
	Name        string `json:"name"`
	Environment string `json:"environment"`
	Region      string `json:"region"`
}

// IncidentFacts are the facts about the incident.
type IncidentFacts struct {
	ID       string    `json:"id"`
	OpenedAt time.Time `json:"opened_at"`
	Count    int       `json:"count"`    // how often the fault came back within this incident, 1 at first
	Declared string    `json:"declared"` // the person who declared it, or empty when it was detected
}

// FaultFacts are the facts about what is broken.
type FaultFacts struct {
	Kind     string                 `json:"kind"`
	Anchor   string                 `json:"anchor"` // "node/worker-1"
	Sentence string                 `json:"sentence"`
	Nodes    []string               `json:"nodes"`
	Zones    []string               `json:"zones"`
	Regions  []string               `json:"regions"`
	Agree    int                    `json:"agree"`          // signals that say so
	Asked    int                    `json:"asked"`          // signals that were asked and could see
	Signals  map[string]SignalFacts `json:"signals"`        // by name: "lease", "ready condition", "alert"
	AgeS     float64                `json:"age_s"`          // since it began
	Single   bool                   `json:"single_sourced"` // fewer than two sources agree: what they share may be what is broken
	Under    string                 `json:"under"`          // the wider fault that explains it, "zone/eu-west-1b", or empty
}

// SignalFacts says what one signal said. A signal that could not see was not asked.
type SignalFacts struct {
	Asked  bool `json:"asked"`
	Agrees bool `json:"agrees"`
}

// ViewFacts are the facts about the surroundings, each with its age.
type ViewFacts struct {
	Nodes         int             `json:"nodes"`
	Broken        int             `json:"broken_nodes"`           // silent, unreachable or not ready, this fault's included
	LostTogether  int             `json:"lost_together_nodes"`    // lost at about the time of this fault's nodes, which count too, and still lost
	LostOf        int             `json:"lost_together_of_nodes"` // all nodes that were there then, and are
	Zones         map[string]Zone `json:"zones"`
	ControlPlanes int             `json:"healthy_control_planes"`
	ControlNodes  []string        `json:"control_plane_nodes"` // names of all control plane nodes, healthy or not
	AtWork        []AtWork        `json:"at_work"`             // people and owners who work on the targets now
	Observers     []ObserverFacts `json:"observers"`
	Repairers     []string        `json:"repairers"` // other automation that repairs the same nodes
	AgeS          float64         `json:"age_s"`     // of the view itself
}

// Zone counts the nodes of one zone.
type Zone struct {
	Nodes  int `json:"nodes"`
	Broken int `json:"broken"`
}

// AtWork is a person or an owner found at work on a target.
type AtWork struct {
	Who    string `json:"who"` // "a person", "cluster-autoscaler", "kured", ...
	What   string `json:"what"`
	Target string `json:"target"`
}

// ObserverFacts says whether one watcher could see.
type ObserverFacts struct {
	Name   string  `json:"name"`
	Seeing bool    `json:"seeing"`
	AgeS   float64 `json:"age_s"`
}

// History counts what was tried before for the same fault key.
type History struct {
	Attempts     int     `json:"attempts"`        // plans started in this incident
	Failed       int     `json:"failed"`          // of those, ended without success
	SinceLastS   float64 `json:"since_last_s"`    // since the last attempt ended, 0 when there was none
	Incidents24h int     `json:"incidents_24h"`   // incidents of this key opened within 24 h, this one included
	LastOutcome  string  `json:"last_outcome"`    // of the last attempt
	LastReason   string  `json:"last_stop_cause"` // why the last attempt stopped
}

// Limits are the configured bounds that brakes hold.
type Limits struct {
	NodesPerZone int     `json:"nodes_per_zone"` // in flight at once in one zone
	FleetShare   float64 `json:"fleet_share"`    // of the cluster's nodes in flight at once, 0-1; one node is always allowed
	StormNodes   int     `json:"storm_nodes"`    // this many lost within the storm window are a storm
	StormShare   float64 `json:"storm_share"`    // and at least this share of the cluster's nodes
	Attempts     int     `json:"attempts"`       // plans started for one incident before a person takes over
}

// InFlight counts the targets that started plans hold now, this incident's own left out.
type InFlight struct {
	Cluster int            `json:"cluster"` // nodes of this cluster
	Zones   map[string]int `json:"zones"`
	Targets []string       `json:"targets"` // targets of the plan that another incident holds
}

// Pause is one switch thrown by a person. An empty scope field means every one.
type Pause struct {
	Cluster string    `json:"cluster"`
	Kind    string    `json:"kind"`
	Target  string    `json:"target"`
	Owner   string    `json:"owner"`
	Reason  string    `json:"reason"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"` // expiry
}

// Person is somebody who wants to do something.
type Person struct {
	Name   string   `json:"name"`
	Groups []string `json:"groups"`
	Role   string   `json:"role"`
	Verb   string   `json:"verb"`
}
