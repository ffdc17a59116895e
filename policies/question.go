package policies

import "time"

// InputVersion is the version of the document that rules read. Within a version fields are only added: none is taken away, renamed,
// or given another type or meaning. A change of that sort makes the next version, which rules have to ask for.
const InputVersion = 1

// About says what a question is for.
type About string

// The questions. Decision asks about a plan before it starts, Gate about one step right before it runs, Authorize about a
// person who wants to do something.
const (
	AboutDecision  About = "decision"
	AboutGate      About = "gate"
	AboutAuthorize About = "authorize"
)

// Question is the input of one evaluation. Its JSON form is the contract with policy authors: every fact is present, and one that
// could not be found out is empty and has its path listed in Unknown. The comments of its fields are what authors read about them.
type Question struct {
	Schema     int             `json:"schema"`                                // version of this document, 1
	About      About           `json:"about" oneof:"decision,gate,authorize"` // `decision` (may this plan start?), `gate` (may its next step still run?) or `authorize` (may this person do this?)
	Now        time.Time       `json:"now"`                                   // the time; the only clock there is
	Cluster    ClusterFacts    `json:"cluster"`                               // the cluster that the fault is in
	Incident   IncidentFacts   `json:"incident"`                              // the life of the fault
	Fault      FaultFacts      `json:"fault"`                                 // what is broken
	Protection ProtectionFacts `json:"protection"`                            // what was promised to the applications that the fault or the plan touches
	Plan       Proposal        `json:"plan"`                                  // what would be done
	View       ViewFacts       `json:"view"`                                  // what is seen of the cluster, with its age
	History    History         `json:"history"`                               // what was tried before
	Limits     Limits          `json:"limits"`                                // the bounds that Salvor holds, from salvor.yaml
	InFlight   InFlight        `json:"in_flight"`                             // what other plans hold now
	Mode       Mode            `json:"mode" oneof:"observe,suggest,ask,act"`  // how much automation the cluster has earned for this kind of fault: `observe`, `suggest`, `ask` or `act`
	Pauses     []Pause         `json:"pauses"`                                // switches that people have thrown
	Person     Person          `json:"person"`                                // who asks, when `about` is `authorize`
	Unknown    []string        `json:"unknown"`                               // paths of facts that could not be found out, such as `view.nodes`
}

// ClusterFacts are the facts about the cluster the fault is in.
type ClusterFacts struct {
	Name        string `json:"name"`        // as in salvor.yaml
	Environment string `json:"environment"` // as in salvor.yaml, such as `prod`
	Region      string `json:"region"`      // as in salvor.yaml
}

// IncidentFacts are the facts about the incident.
type IncidentFacts struct {
	ID       string    `json:"id"`        // names the incident for good
	OpenedAt time.Time `json:"opened_at"` // when its fault had lasted through its window
	Count    int       `json:"count"`     // how often the fault came back within this incident, 1 at first
	Declared string    `json:"declared"`  // the person who declared it; empty when it was detected
}

// History counts what was tried before for the same fault key.
type History struct {
	Attempts     int      `json:"attempts"`        // plans started in this incident
	Before       int      `json:"before"`          // plans started in this incident before the one that is asked about
	Failed       int      `json:"failed"`          // of the attempts, ended without success
	Tried        []string `json:"tried"`           // their runbooks, in order
	SinceLastS   float64  `json:"since_last_s"`    // seconds since the last attempt ended, 0 when there was none
	Incidents24h int      `json:"incidents_24h"`   // incidents of the same fault within 24 h, this one included
	LastOutcome  string   `json:"last_outcome"`    // of the last attempt: `verified`, `partly`, `not_verified` or `unknown`
	LastReason   string   `json:"last_stop_cause"` // why the last attempt stopped
}

// Limits are the configured bounds that brakes hold.
type Limits struct {
	NodesPerZone int     `json:"nodes_per_zone"` // nodes of one zone in flight at once
	FleetShare   float64 `json:"fleet_share"`    // of the cluster's nodes in flight at once, 0 to 1; one node is always allowed
	StormNodes   int     `json:"storm_nodes"`    // so many lost at once are a storm
	StormShare   float64 `json:"storm_share"`    // and at least this share of the cluster
	Attempts     int     `json:"attempts"`       // plans for one incident before a person takes over
}

// InFlight counts the targets that started plans hold now, this incident's own left out.
type InFlight struct {
	Cluster int            `json:"cluster"` // nodes of this cluster that other plans hold
	Zones   map[string]int `json:"zones"`   // the same by zone
	Targets []string       `json:"targets"` // targets of this plan that another incident holds
}

// Pause is one switch thrown by a person. An empty scope field means every one.
type Pause struct {
	Cluster string    `json:"cluster"` // empty: every cluster
	Kind    string    `json:"kind"`    // empty: every kind of fault
	Target  string    `json:"target"`  // empty: every target
	Owner   string    `json:"owner"`   // who threw it
	Reason  string    `json:"reason"`  // what they said
	Since   time.Time `json:"since"`   // when
	Until   time.Time `json:"until"`   // when it ends by itself
}

// Person is somebody who wants to do something.
type Person struct {
	Name   string   `json:"name"`   // as in salvor.yaml
	Groups []string `json:"groups"` // as in salvor.yaml
	Role   string   `json:"role"`   // `viewer`, `operator` or `admin`
	Verb   string   `json:"verb"`   // what they want to do
}
