package events

// Promise says how what an application was promised stands in one namespace, as a replica has judged it by what the cluster holds. While it is broken it
// is said at each look; that it is kept is said once, when it was not before.
type Promise struct {
	Application string       `json:"application"`
	Namespace   string       `json:"namespace,omitempty"` // empty: it is about the cluster that it runs in
	State       PromiseState `json:"state"`
	Missing     []string     `json:"missing,omitempty"` // what keeps it from being kept, at most 3 sentences of untrusted text
}

// PromiseState is how a promise stands, as far as that matters to judgements.
type PromiseState string

// The states. What is not known is not said.
const (
	PromiseKept        PromiseState = "kept"        // or late, but less than twice as late as was promised
	PromiseOverdue     PromiseState = "overdue"     // twice as much as was promised would be lost
	PromiseUnprotected PromiseState = "unprotected" // it could not be restored now
)
