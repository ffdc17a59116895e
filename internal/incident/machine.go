package incident

import "fmt"

// State is where an incident stands.
type State string

// The states. Closed is the only one that is never left.
const (
	Unopened   State = ""            // before the first record
	Suspected  State = "suspected"   // seen again, the confirmation window runs
	Standing   State = "standing"    // was so when Salvor first looked; left alone until it changes
	Deciding   State = "deciding"    // a fault; a plan and policy's answer are due
	Held       State = "held"        // policy, mode or a brake holds it back; looked at again later
	Awaiting   State = "awaiting"    // people are asked
	Acting     State = "acting"      // the plan's steps are being done
	Verifying  State = "verifying"   // all steps are done, the checks run
	Recovered  State = "recovered"   // the checks verified; what is broken itself has not returned
	Clearing   State = "clearing"    // no longer seen; must stay away for the healthy delay
	Restoring  State = "restoring"   // what the plan did is being taken back
	HandedOver State = "handed_over" // automation ended without success; a person goes on
	Ended      State = "closed"      // the end
)

// Working says whether in that state the targets of a plan are being worked on.
func (s State) Working() bool { return s == Acting || s == Verifying || s == Restoring }

// States lists every state, in the order of a life.
func States() []State {
	return []State{Unopened, Suspected, Standing, Deciding, Held, Awaiting, Acting, Verifying, Recovered, Clearing, Restoring, HandedOver, Ended}
}

// RecordKinds lists every kind of record.
func RecordKinds() []RecordKind {
	return []RecordKind{Opened, Confirmed, Recurred, Cleared, Decided, Voted, Broke, Reminded, Escalated, Expired, Intent, TookOver, Done, Failed, Checked, Halted, Handed, Noted, Closed}
}

// effect says what a record does to an incident in one state: the state it leads to, or why it is refused.
type effect struct {
	to   State
	by   func(*Incident, Record) State // decides the state where it depends on the record
	deny string
}

// table is the state machine: every cell of state and record kind is filled. See machine_test.go, which fails on a hole.
var table = map[State]map[RecordKind]effect{
	Unopened: row(refuse("the incident is not open"), map[RecordKind]effect{
		Opened: {by: opens},
	}),
	Suspected: row(notYet, map[RecordKind]effect{
		Confirmed: {by: confirms},
		Cleared:   {to: Clearing},
	}),
	Standing: row(notYet, map[RecordKind]effect{
		Recurred: {by: awakens},
		Cleared:  {to: Clearing},
	}),
	Deciding: row(noPlan, map[RecordKind]effect{
		Decided: {by: decides},
		Halted:  {by: halts},
		Cleared: {by: withdraws},
		Handed:  {by: handsOver},
	}),
	Held: row(noPlan, map[RecordKind]effect{
		Decided: {by: decides},
		Broke:   {by: breaks},
		Halted:  {by: halts},
		Cleared: {by: withdraws},
		Handed:  {by: handsOver},
	}),
	Awaiting: row(noPlan, map[RecordKind]effect{
		Decided:   {by: decides},
		Voted:     {by: votes},
		Reminded:  {by: reminds},
		Escalated: {by: escalates},
		Expired:   {by: expires},
		Cleared:   {by: withdraws},
		Handed:    {by: handsOver},
	}),
	Acting: row(refuse("a plan is being carried out"), map[RecordKind]effect{
		Intent:   {by: intends},
		TookOver: {by: takesOver},
		Done:     {by: does},
		Failed:   {by: fails},
		Cleared:  {by: clearsInPlan},
		Halted:   {by: halts},
		Handed:   {by: handsOverInPlan},
	}),
	Verifying: row(refuse("the checks are running"), map[RecordKind]effect{
		Checked: {by: checks},
		Cleared: {to: Clearing},
		Halted:  {by: halts},
	}),
	Recovered: row(refuse("the recovery is verified"), map[RecordKind]effect{
		Recurred: {by: grows},
		Cleared:  {to: Clearing},
		Closed:   {to: Ended},
	}),
	Clearing: row(refuse("the fault is not seen"), map[RecordKind]effect{
		Recurred: {by: recurs},
		Decided:  {by: decidesUndo},
		Handed:   {to: HandedOver},
		Closed:   {to: Ended},
	}),
	Restoring: row(refuse("what was done is being taken back"), map[RecordKind]effect{
		Intent:   {by: intends},
		TookOver: {by: takesOver},
		Done:     {by: does},
		Failed:   {by: fails},
		Recurred: {by: recurs},
		Halted:   {by: halts},
		Handed:   {by: handsOverInPlan},
	}),
	HandedOver: row(refuse("a person has it"), map[RecordKind]effect{
		Decided: {by: decidesHandedOver},
		Halted:  {by: halts},
		Cleared: {by: withdraws},
		Closed:  {to: Ended},
	}),
	Ended: row(refuse("the incident is closed"), nil),
}

var (
	notYet = refuse("the fault is not confirmed")
	noPlan = refuse("no plan is being carried out")
)

func refuse(why string) effect { return effect{deny: why} }

// row fills a row of the table: the given cells, Noted (which changes nothing while the incident lives), and the refusal in
// all others.
func row(rest effect, cells map[RecordKind]effect) map[RecordKind]effect {
	out := map[RecordKind]effect{}
	for _, kind := range RecordKinds() {
		out[kind] = rest
	}
	if cells != nil {
		out[Noted] = effect{by: func(i *Incident, _ Record) State { return i.State }}
	}
	for kind, cell := range cells {
		out[kind] = cell
	}
	return out
}

// RefusedError says that a record has no place in the state an incident is in. It is never written.
type RefusedError struct {
	State State
	Kind  RecordKind
	Why   string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("no %s record in state %s: %s", e.Kind, e.State, e.Why)
}
