package policies

import "context"

// Said is what the authors' rules answered to one question, before anything was combined.
type Said struct {
	Deny     []Reason  `json:"deny"`
	Ask      []AskRule `json:"ask"`
	Act      []Reason  `json:"act"`
	Revision string    `json:"revision"` // of the bundle that spoke
}

// Reason is one sentence with the rule that said it.
type Reason struct {
	Text string `json:"text"`
	Rule string `json:"rule"` // "zone.rego:14", or "mode", "storm", "budget" for what Go says
}

// AskRule is one ask of one rule, as authors write it.
type AskRule struct {
	Groups     []string `json:"groups"`
	Votes      int      `json:"votes"`
	WithinS    float64  `json:"answer_within_s"` // 0 when the rule names none
	OnTimeout  string   `json:"on_timeout"`      // "escalate" or "expire"; empty means expire
	EscalateTo []string `json:"escalate_to"`
	Reason     Reason   `json:"reason"`
}

// Decision is the answer to a question, ready to be stored.
type Decision struct {
	Verdict  Verdict  `json:"verdict"`
	Would    Verdict  `json:"would"`    // what rules and class said before what is unknown, single sources, mode and brakes
	Reasons  []Reason `json:"reasons"`  // why rules and class answer so
	Held     []Reason `json:"held"`     // what held it back: mode and brakes
	Asks     *Asks    `json:"asks"`     // who is to be asked when the verdict is Ask; nil otherwise
	Revision string   `json:"revision"` // of the policy
}

// Asks is the strictest merge of all asks.
type Asks struct {
	Needs      []Need   `json:"needs"`
	Votes      int      `json:"votes"`           // distinct people in all, at least
	WithinS    float64  `json:"answer_within_s"` // the shortest asked for
	OnTimeout  string   `json:"on_timeout"`
	EscalateTo []string `json:"escalate_to"`
}

// Need is a number of votes out of some groups. Empty groups mean anyone who may approve.
type Need struct {
	Groups []string `json:"groups"`
	Votes  int      `json:"votes"`
}

// Engine evaluates the authors' rules. An error means that nothing was said: the caller decides on the safe side. Ask must
// be pure in the question: the same question and revision give the same answer.
type Engine interface {
	Ask(ctx context.Context, q Question) (Said, error)
}

// Decider answers a question. An error never permits anything.
type Decider interface {
	Decide(ctx context.Context, q Question) (Decision, error)
}
