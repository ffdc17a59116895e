package incident

import (
	"slices"

	"github.com/salvor-io/salvor/policies"
)

// Voice is what a person can say about the plan that they are asked about.
type Voice string

// The voices.
const (
	Approve Voice = "approve" // it may run
	Reject  Voice = "reject"  // it may not, and is not asked about again unless it gets worse
	Hold    Voice = "hold"    // they are on it: nobody else is asked for a while
)

// Voices lists every voice.
func Voices() []Voice { return []Voice{Approve, Reject, Hold} }

// Ballot is what one person said, as they were known at that moment. It counts as it was cast, whatever groups they leave later:
// consent is over when as long has passed as people had to answer, and what somebody approved of can be stopped.
type Ballot struct {
	Person  string   `json:"person"`
	Groups  []string `json:"groups"`            // theirs
	Via     string   `json:"via"`               // how they proved who they are: "token", "socket"
	Subject string   `json:"subject,omitempty"` // who they are to an identity provider, where their name is of it: it can change there
	Says    Voice    `json:"says"`              //
	Plan    string   `json:"plan"`              // digest of the plan that they were shown
	Reason  string   `json:"reason,omitempty"`  // what they wrote; a rejection has one
}

// speaksFor says whether who cast the ballot is one of those that a need asks.
func (b Ballot) speaksFor(need policies.Need) bool {
	return len(need.Groups) == 0 || slices.ContainsFunc(need.Groups, func(g string) bool { return slices.Contains(b.Groups, g) })
}
