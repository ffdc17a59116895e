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
	Text string `json:"text"` // the sentence, as people read it
	Rule string `json:"rule"` // "zone.rego:14", or "mode", "storm", "budget" for what Go says
}

// AskRule is one ask of one rule, as authors write it.
type AskRule struct {
	Groups     []string `json:"groups"`
	Votes      int      `json:"votes"`
	WithinS    float64  `json:"answer_within_s"` // 0 when the rule names none
	OnTimeout  string   `json:"on_timeout"`      // "escalate" or "expire"; empty means expire
	EscalateTo []string `json:"escalate_to"`
	Otherwise  bool     `json:"otherwise"` // it asks only where no rule asks or acts otherwise
	Reason     Reason   `json:"reason"`
}

// Decision is the answer to a question, ready to be stored.
type Decision struct {
	Verdict  Verdict  `json:"verdict" oneof:"deny,ask,act"` // the answer
	Would    Verdict  `json:"would" oneof:"deny,ask,act"`   // what rules and class said before what is unknown, single sources, mode and brakes
	Reasons  []Reason `json:"reasons"`                      // why rules and class answer so
	Held     []Reason `json:"held"`                         // what held it back: mode and brakes
	Asks     *Asks    `json:"asks"`                         // who is to be asked when the verdict is `ask`; null otherwise
	Revision string   `json:"revision"`                     // of the policy
}

// Asks is the strictest merge of all asks.
type Asks struct {
	Needs      []Need   `json:"needs"`           // all of them are to be met
	Votes      int      `json:"votes"`           // distinct people in all, at least
	WithinS    float64  `json:"answer_within_s"` // the shortest asked for, in seconds; 0 when none was
	OnTimeout  string   `json:"on_timeout"`      // `escalate` or `expire`
	EscalateTo []string `json:"escalate_to"`     // groups that are asked when nobody answers in time; whose votes count, each need says
}

// Need is a number of votes out of some groups. Empty groups mean anyone who may approve.
type Need struct {
	Groups     []string `json:"groups"`      // empty: anyone who may approve
	Votes      int      `json:"votes"`       // so many people of them
	EscalateTo []string `json:"escalate_to"` // whose votes count, too, when nobody answers in time: what the asks of these groups escalate to
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
