// Package card says of one incident what somebody needs to know who is asked about it, or who watches what was agreed to: the verb and the
// object, what broke and who agrees, what acting costs, what will stay down, what will be done, who may decide, and by when.
//
// There is one content, a pure function of the incident's record: chat, pages and the CLI set the same Card each in its own way and add nothing of
// their own. All text in it is plain text, in part from labels, alerts and objects of clusters: whoever sets it escapes it. What is not
// known is not said: a list or text that is empty is left out.
package card

import (
	"time"

	"github.com/salvor-io/salvor/internal/incident"
)

// Card is what is said of an incident at one record of its history.
type Card struct {
	Incident incident.ID
	Name     string // "inc-7k3d"
	Seq      uint64 // the record that it was made of: of two cards of an incident the one with the higher is newer
	Stage    Stage
	Title    string // "Evacuate zone eu-west-1b": verb and object; of an incident without a plan what is broken
	Cluster  string // "prod-eu"
	Severity string // "SEV1", "" when unknown
	State    string // where it stands now, for people: "1 of 2 people approved", "step 2 of 4: fence 7 nodes", "partly recovered: 38 of 41"
	Push     string // the one line that a locked phone shows: verb, object, loss, deadline
	Facts    []Fact // in order: Broke, Cost, Loses, Moves, Stays down, ...
	Steps    []Step // what will be done, numbered by their place, and how far it is
	Ask      *Ask   // who is asked, nil when nobody is
	Verbs    []Verb // what may be said or done now, in order; empty when nothing may: no button survives its stage
	Command  string // the line for the CLI
	Plan     string // digest of the plan that Verbs are about, "" without one
	Log      []Line // what has happened, oldest first: the thread of a chat, the timeline of a page
}

// Stage is the part of its life that an incident is in, as far as cards differ by it.
type Stage string

// The stages.
const (
	Watching Stage = "watching" // a fault that nothing is done about yet: suspected, standing, held back
	Asking   Stage = "asking"   // people are asked
	Running  Stage = "running"  // a plan is worked on, or its end is checked
	Waiting  Stage = "waiting"  // a person has to go on
	Over     Stage = "over"     // recovered, taken back, or closed
)

// Fact is one labelled row.
type Fact struct {
	Label string   // "Broke", "Stays down"
	Lines []string // one sentence or name each
	Grave bool     // what people must not overlook: loss, what stays down, what they accept
}

// Step is one step of the plan.
type Step struct {
	Text  string // "fence 7 nodes"
	State StepState
	Note  string        // what was seen: why it failed, how far it is ("12 of 38 workloads")
	Took  time.Duration // when it is done or failed
}

// StepState is how far a step is.
type StepState string

// The states of a step.
const (
	Due     StepState = "due"
	Doing   StepState = "doing"
	Done    StepState = "done"
	Failed  StepState = "failed"
	Skipped StepState = "skipped" // the plan ended before it
)

// Ask is who is asked about the plan.
type Ask struct {
	Whom   string   // in words: "1 of sre-oncall and 1 of payments-owners"
	Groups []string // the groups that are asked, for whoever can mention them; sorted
	Votes  []Vote   // what was said so far
	Lacks  int      // so many people have to approve yet, at least
	Worse  []string // what goes beyond the plan that they were asked about before
	Until  time.Time
	Then   string // what happens when nobody answers: "then sre-leads", "then a person takes over"
	Held   string // who is on it, and until when; "" when nobody is
	Type   string // what has to be typed to approve, the cluster's name, where the class is the riskiest; "" otherwise
}

// Vote is what one person said.
type Vote struct {
	Person string
	Says   string // "approves", "rejects: because", "is on it"
	Via    string // "Slack", "web", "CLI"
	At     time.Time
}

// Verb is something that people may say or do about the incident.
type Verb string

// The verbs.
const (
	Approve     Verb = "approve"
	Reject      Verb = "reject" // needs a reason
	Hold        Verb = "hold"   // "I'm on it"
	Stop        Verb = "stop"   // stop here: what was done stays
	StopAndUndo Verb = "undo"   // stop, and take back what was done
)

// Line is one thing that happened.
type Line struct {
	Seq  uint64 // of the record that says so
	At   time.Time
	Text string // "approved alice via Slack, plan 4f2a91"
}
