package policies

// FaultFacts are the facts about what is broken.
type FaultFacts struct {
	Kind       string                 `json:"kind" oneof:"node,zone,region,data,config,security"` // `node`, `zone`, `region`, `data`, `config` or `security`
	Anchor     string                 `json:"anchor"`                                             // what is broken, as `node/worker-1`
	Sentence   string                 `json:"sentence"`                                           // what is broken, as people read it
	Nodes      []string               `json:"nodes"`                                              // how far it reaches
	Zones      []string               `json:"zones"`                                              // how far it reaches
	Regions    []string               `json:"regions"`                                            // how far it reaches
	Namespaces []string               `json:"namespaces"`                                         // how far it reaches
	Agree      int                    `json:"agree"`                                              // signals that say so
	Asked      int                    `json:"asked"`                                              // signals that were asked and could see
	Signals    map[string]SignalFacts `json:"signals"`                                            // by name: `lease`, `ready condition`, `alert`, ...
	AgeS       float64                `json:"age_s"`                                              // seconds since it began
	Single     bool                   `json:"single_sourced"`                                     // fewer than two sources of facts agree: what they share may be what is broken
	Under      string                 `json:"under"`                                              // the wider fault that explains it, as `zone/eu-west-1b`; empty when it stands for itself

	Cause string `json:"cause" oneof:",namespaces-deleted,claims-deleted,objects-deleted,volume-lost,volume-failed,snapshot-failed,location-unavailable,backup-failed,backup-late,protection-missing,declared,etcd-quorum,etcd-corrupt,etcd-space,revision-changed,configmap-changed,secret-changed,webhook-changed,definition-changed,certificate-expires"` // what happened, of `data` `namespaces-deleted`, `claims-deleted`, `objects-deleted`, `volume-lost`, `volume-failed`, `snapshot-failed`, `location-unavailable`, `backup-failed`, `backup-late`, `protection-missing`, `declared`, `etcd-quorum`, `etcd-corrupt`, `etcd-space`, of `config` `revision-changed`, `configmap-changed`, `secret-changed`, `webhook-changed`, `definition-changed`, `certificate-expires`; empty where nobody can say, and of other kinds
}

// SignalFacts says what one signal said. A signal that could not see was not asked.
type SignalFacts struct {
	Asked  bool `json:"asked"`  // by name of the signal: it was asked and could see
	Agrees bool `json:"agrees"` // it says so
}

// ProtectionFacts say what was promised to the applications that the fault or the plan touches.
type ProtectionFacts struct {
	Level int        `json:"level"` // the highest of their DR levels, 1 to 4; 0 when none of them was promised anything
	Apps  []AppFacts `json:"apps"`  // those that were promised something
}

// AppFacts is one application that was promised something.
type AppFacts struct {
	Name       string   `json:"name"`       // as in salvor.yaml
	Level      int      `json:"level"`      // its DR level, 1 (backups) to 4 (a standby takes over)
	RPOS       float64  `json:"rpo_s"`      // so many seconds of writes may be lost; 0 when that was not said
	RTOS       float64  `json:"rto_s"`      // within so many seconds it is to serve again; 0 when that was not said
	Namespaces []string `json:"namespaces"` // those of its namespaces that are touched
}

// ViewFacts are the facts about the surroundings, each with its age.
type ViewFacts struct {
	Nodes         int             `json:"nodes"`                  // nodes of the cluster
	Broken        int             `json:"broken_nodes"`           // of those silent, unreachable or not ready, this fault's included
	LostTogether  int             `json:"lost_together_nodes"`    // nodes that were lost at about the time of this fault's, which count too, and are still lost
	LostOf        int             `json:"lost_together_of_nodes"` // all nodes that were there then, and are: those made since do not count
	Zones         map[string]Zone `json:"zones"`                  // by name
	ControlPlanes int             `json:"healthy_control_planes"` // control plane nodes that are well
	ControlNodes  []string        `json:"control_plane_nodes"`    // names of all control plane nodes, healthy or not
	AtWork        []AtWork        `json:"at_work"`                // people and owners who work on the targets now
	Observers     []ObserverFacts `json:"observers"`              // who watches what the fault is judged by
	Repairers     []string        `json:"repairers"`              // other automation that repairs nodes of the cluster, by name: `NodeHealthCheck workers`; unknown when not all of it can be seen
	Blind         []string        `json:"blind"`                  // watches that do not see now, by name, such as `nodes`: the facts that they tell are in `unknown`, and may be old
	AgeS          float64         `json:"age_s"`                  // age of the view itself in seconds
}

// Zone counts the nodes of one zone.
type Zone struct {
	Nodes  int `json:"nodes"`  // nodes of the zone
	Broken int `json:"broken"` // of those silent, unreachable or not ready
}

// AtWork is a person or an owner found at work on a target.
type AtWork struct {
	Who    string `json:"who"`    // `a person`, `cluster-autoscaler`, `kured`, ...
	What   string `json:"what"`   // what shows it
	Target string `json:"target"` // as `node/worker-1`
}

// ObserverFacts says whether one watcher could see.
type ObserverFacts struct {
	Name   string  `json:"name"`   // the watch and its replica
	Seeing bool    `json:"seeing"` // it sees now
	AgeS   float64 `json:"age_s"`  // seconds since it said so
}
