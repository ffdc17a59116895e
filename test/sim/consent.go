package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// votes are what people have really said about the plans of one incident, as far as it counts by what they were asked.
type votes struct {
	until     time.Time // when the time to answer is over
	escalated bool
	approved  []vote
	rejected  []*responders.Plan
	lacking   string // why the plan that is in force may not do anything, "" when it may
}

type vote struct {
	*soul
	plan *responders.Plan // the one that they were shown
	at   time.Time
}

// spoken reads what a record says of people: that they are asked, that they answer, or that a plan is begun.
func (o *oracle) spoken(h *history, rec incident.Sequenced) {
	v := &h.votes
	switch rec.Kind {
	case incident.Decided:
		o.decides(h, rec)
	case incident.Voted:
		o.votes(v, rec)
	case incident.Reminded:
		v.until = latest(v.until, rec.At.Add(patience/2))
	case incident.Escalated:
		v.escalated, v.until = true, rec.At.Add(patience)
	case incident.Expired, incident.Handed, incident.Recurred:
		v.approved = nil
	case incident.Cleared:
		*v = votes{}
	}
}

// patience is longer than any time that people are given to answer here.
const patience = 30 * time.Minute

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// decides judges a decision: people are asked, or a recovery is begun, for which enough of them must have spoken.
func (o *oracle) decides(h *history, rec incident.Sequenced) {
	d, v := rec.Decided, &h.votes
	if d.Plan == nil || d.Phase != incident.PhaseRecover {
		return
	}
	if !d.Starts() {
		if d.Answer.Asks != nil {
			o.plans[d.Plan.Digest] = d.Plan
			v.until = latest(v.until, rec.At.Add(answerWithin(d.Answer.Asks)))
		}
		return
	}
	v.lacking = o.lacking(d, v, rec.At)
	v.approved = nil // it was good for this run
}

func answerWithin(a *policies.Asks) time.Duration {
	if a.WithinS > 0 {
		return time.Duration(a.WithinS * float64(time.Second))
	}
	return patience
}

// votes reads a ballot by who has really cast it. What nobody has said counts for nothing, and neither does what comes too late.
func (o *oracle) votes(v *votes, rec incident.Sequenced) {
	what, ok := o.run.crowd.truth(rec.Incident, *rec.Ballot)
	if !ok || rec.At.After(v.until) {
		return
	}
	switch shown := o.plans[what.plan]; what.voice {
	case incident.Approve:
		v.approved = append(v.approved, vote{what.soul, shown, rec.At})
	case incident.Reject:
		v.rejected = append(v.rejected, shown)
	case incident.Hold:
		v.until = v.until.Add(15 * time.Minute)
	}
}

// lacking says why a recovery may not be begun, "" when it may. Whether anybody had to be asked does not depend on what Salvor made of it.
func (o *oracle) lacking(d *incident.Decision, v *votes, now time.Time) string {
	least := 0
	switch class := d.Plan.Class(); {
	case class >= policies.Irreversible:
		least = 2
	case class >= policies.Destructive, o.run.house.rules != nil, d.Answer.Verdict == policies.Ask:
		least = 1
	}
	for _, no := range v.rejected {
		if within(d.Plan, no) {
			return fmt.Sprintf("plan %.6s was rejected", d.Plan.Digest)
		}
	}
	if least == 0 {
		return ""
	}
	if d.Answer.Asks == nil {
		return "nobody was asked"
	}
	good := v.good(d.Plan, now.Add(-patience))
	if !quorum(*d.Answer.Asks, v.escalated, least, good) {
		return fmt.Sprintf("only %d of those who are asked have approved", len(good))
	}
	return ""
}

// good are those who have approved of a plan or of one that is worse, and not long ago, each once.
func (v *votes) good(plan *responders.Plan, since time.Time) []*soul {
	var out []*soul
	for _, vote := range v.approved {
		if within(plan, vote.plan) && vote.at.After(since) && vote.role >= people.Operator && !slices.Contains(out, vote.soul) {
			out = append(out, vote.soul)
		}
	}
	return out
}

// within says whether a plan does no more than another that people were shown: the same steps, to no other targets, none of them harsher.
func within(plan, shown *responders.Plan) bool {
	if shown == nil || plan.Runbook != shown.Runbook || plan.Cluster != shown.Cluster || len(plan.Steps) != len(shown.Steps) {
		return false
	}
	for n, step := range plan.Steps {
		was := shown.Steps[n].Change
		other := func(t policies.Target) bool { return !slices.Contains(was.Targets, t) }
		if step.Name != shown.Steps[n].Name || step.Change.Responder != was.Responder || step.Change.Class > was.Class || slices.ContainsFunc(step.Change.Targets, other) {
			return false
		}
	}
	return true
}

// quorum says whether each vote that is asked for can be given a person of its own, and whether they are at least so many.
func quorum(asks policies.Asks, escalated bool, least int, all []*soul) bool {
	var seats [][]string // the groups of each
	asked := func(s *soul) bool { return false }
	for _, need := range asks.Needs {
		groups := need.Groups
		if escalated && len(groups) > 0 {
			groups = slices.Concat(groups, need.EscalateTo)
		}
		for range need.Votes {
			seats = append(seats, groups)
		}
		before := asked
		asked = func(s *soul) bool { return before(s) || s.of(groups) }
	}
	all = slices.DeleteFunc(slices.Clone(all), func(s *soul) bool { return !asked(s) })
	return len(all) >= max(least, asks.Votes) && seated(seats, all)
}

// seated tries all ways.
func seated(seats [][]string, all []*soul) bool {
	if len(seats) == 0 {
		return true
	}
	for n, s := range all {
		if s.of(seats[0]) && seated(seats[1:], slices.Delete(slices.Clone(all), n, n+1)) {
			return true
		}
	}
	return false
}

// of says whether somebody is of one of groups; of none, everybody is.
func (s *soul) of(groups []string) bool {
	return len(groups) == 0 || slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(s.groups, g) })
}
