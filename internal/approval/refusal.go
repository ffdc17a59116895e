package approval

// Cause is why what a person says does not count.
type Cause string

// The causes.
const (
	NotAsked      Cause = "not_asked"      // nobody is asked about the incident now
	Decided       Cause = "decided"        // it is decided already, or over
	PlanChanged   Cause = "plan_changed"   // another plan is asked about by now
	TooLate       Cause = "too_late"       // the time to answer is over
	NotAuthorised Cause = "not_authorised" // this person may not
	SaidBefore    Cause = "said_before"    // they have said so already
	Incomplete    Cause = "incomplete"     // something is missing in what they say
)

// Refusal says why what a person says does not count, and what to do.
type Refusal struct {
	Cause Cause
	Why   string
	Do    string
}

func (r *Refusal) Error() string { return r.Why }
