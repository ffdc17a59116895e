package policies

// Proposal is what policy and people see of a plan. Responders computed it; nobody claimed it.
type Proposal struct {
	Runbook   string         `json:"runbook"`
	Phase     string         `json:"phase"`  // "recover", or "undo" when it takes back what a recovery did
	Digest    string         `json:"digest"` // of the final plan, hex
	Class     Class          `json:"class"`  // the highest of its steps
	Targets   []Target       `json:"targets"`
	Steps     []ProposedStep `json:"steps"`
	DurationS float64        `json:"duration_s"` // expected, in seconds
	DataLoss  string         `json:"data_loss"`  // empty when none is expected
	Warnings  []string       `json:"warnings"`   // what people must accept, such as "if worker-7 still runs, both copies may write"
}

// ProposedStep is one step of a proposal.
type ProposedStep struct {
	Name      string   `json:"name"`
	Responder string   `json:"responder"`
	Class     Class    `json:"class"`
	Targets   []Target `json:"targets"`
	Will      []string `json:"will"`    // what will happen, one line a target or less
	Command   string   `json:"command"` // what a person would type instead
}

// Target is one object that a step acts on, explicit and pinned.
type Target struct {
	Kind      string `json:"kind"` // Node, Pod, Deployment, ...
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
	Zone      string `json:"zone"` // of a node
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
