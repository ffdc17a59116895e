package policies

// Proposal is what policy and people see of a plan. Responders computed it; nobody claimed it. Its price is the time it takes, the
// data it loses, and what people must accept.
type Proposal struct {
	Runbook   string         `json:"runbook"`                                                              // the runbook that it is made of
	Phase     string         `json:"phase" oneof:"recover,undo"`                                           // `recover`, or `undo` when the plan takes back what a recovery did
	Digest    string         `json:"digest"`                                                               // of the final plan, hex
	Class     Class          `json:"class" oneof:"observe,reversible,disruptive,destructive,irreversible"` // the most harmful of its steps: `observe`, `reversible`, `disruptive`, `destructive`, `irreversible`
	Targets   []Target       `json:"targets"`                                                              // every object that it acts on
	Steps     []ProposedStep `json:"steps"`                                                                // in order
	DurationS float64        `json:"duration_s"`                                                           // price: expected seconds
	DataLoss  string         `json:"data_loss"`                                                            // price: what is lost, as people read it; empty when nothing is expected to be
	Warnings  []string       `json:"warnings"`                                                             // price: what people must accept
	After     After          `json:"after"`                                                                // what is left of the cluster while the plan stands

	RecoveryPoint RecoveryPoint `json:"recovery_point"` // the oldest that it leads back to; that of a plan that brings nothing back has no name
}

// RecoveryPoint is to where a plan leads back.
type RecoveryPoint struct {
	Name string  `json:"name"`  // of the backup or the snapshot; empty when nothing is brought back
	At   string  `json:"at"`    // the moment to which it leads back, as RFC 3339; empty when nothing is brought back
	AgeS float64 `json:"age_s"` // seconds since then, 0 when nothing is brought back
}

// After is what is left of the cluster while the plan stands: what it takes away is not there any more, what it takes back is.
type After struct {
	Nodes         int `json:"nodes"`                  // nodes that are well and that the plan leaves alone
	HealthyZones  int `json:"healthy_zones"`          // zones of which at least half of the nodes are such
	ControlPlanes int `json:"healthy_control_planes"` // control plane nodes that are such
}

// ProposedStep is one step of a proposal.
type ProposedStep struct {
	Name      string   `json:"name"`                                                                 // as the runbook has it
	Responder string   `json:"responder"`                                                            // such as `node.cordon`
	Class     Class    `json:"class" oneof:"observe,reversible,disruptive,destructive,irreversible"` // as `plan.class`
	Targets   []Target `json:"targets"`                                                              // each as in `plan.targets`
	Will      []string `json:"will"`                                                                 // what will happen, a line a target or less
	Command   string   `json:"command"`                                                              // what a person would type instead
}

// Target is one object that a step acts on, explicit and pinned.
type Target struct {
	Kind      string `json:"kind"`      // `Node`, `Pod`, `Deployment`, ...
	Namespace string `json:"namespace"` // empty for what lies in none
	Name      string `json:"name"`      // its name
	UID       string `json:"uid"`       // its UID
	Zone      string `json:"zone"`      // of a node
}

// String is the target as people read it: "node/worker-1" or "pod/shop/web-0".
func (t Target) String() string {
	if t.Namespace != "" {
		return lower(t.Kind) + "/" + t.Namespace + "/" + t.Name
	}
	return lower(t.Kind) + "/" + t.Name
}

func lower(s string) string {
	out := []byte(s)
	for i, c := range out {
		if c >= 'A' && c <= 'Z' {
			out[i] = c + 'a' - 'A'
		}
	}
	return string(out)
}
