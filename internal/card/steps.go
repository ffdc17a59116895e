package card

import (
	"fmt"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/timeline"
	"github.com/salvor-io/salvor/responders"
)

// steps are the steps of the plan and, at their end, its checks, with how far the history says that they are.
func steps(inc *incident.Incident, plan *responders.Plan, w Words) []Step {
	if plan == nil {
		return nil
	}
	run := begun(inc, plan)
	out := make([]Step, 0, len(plan.Steps)+len(plan.Checks))
	for i, step := range plan.Steps {
		s := Step{Text: clip(timeline.Does(step)), State: Due}
		for _, rec := range run {
			if rec.Step != nil && rec.Step.Index == i {
				s = s.after(rec)
			}
		}
		out = append(out, s)
	}
	for _, check := range plan.Checks {
		out = append(out, checked(check, inc, run))
	}
	return settled(out, inc, w)
}

// begun are the records of the last run of a plan, none where it was not begun. A plan that is asked about anew is not one that ran before.
func begun(inc *incident.Incident, plan *responders.Plan) []incident.Sequenced {
	for n := len(inc.History) - 1; n >= 0; n-- {
		if d := inc.History[n].Decided; d != nil {
			if d.Plan == nil || d.Plan.Digest != plan.Digest || !d.Starts() {
				return nil
			}
			return inc.History[n:]
		}
	}
	return nil
}

// after is the step once one more record of it is known.
func (s Step) after(rec incident.Sequenced) Step {
	took := time.Duration(rec.Step.TookS * float64(time.Second))
	note := clip(strings.TrimPrefix(strings.Join(append([]string{rec.Text}, rec.Detail...), "; "), "; "))
	switch rec.Kind {
	case incident.Intent:
		return Step{Text: s.Text, State: Doing}
	case incident.TookOver:
		return Step{Text: s.Text, State: Doing, Note: note}
	case incident.Done:
		return Step{Text: s.Text, State: Done, Took: took, Note: clip(strings.Join(rec.Detail, "; "))}
	case incident.Failed:
		return Step{Text: s.Text, State: Failed, Took: took, Note: note}
	}
	return s
}

// checked is a check at the end of a plan as a step. All checks end together.
func checked(check responders.Check, inc *incident.Incident, run []incident.Sequenced) Step {
	s := Step{Text: clip(fmt.Sprintf("check: %s, for %s", promise(check), timeline.Lasting(time.Duration(check.SettleS*float64(time.Second))))), State: Due}
	for _, rec := range run {
		switch {
		case rec.Kind == incident.Checked && rec.Outcome == responders.OutcomeVerified:
			s.State = Done
		case rec.Kind == incident.Checked:
			s.State, s.Note = Failed, clip(strings.Join(rec.Detail, "; "))
		}
	}
	if inc.State == incident.Verifying && len(run) > 0 {
		s.State = Doing
	}
	return s
}

// promise is what a check sees to.
func promise(check responders.Check) string {
	if len(check.Change.Will) == 1 {
		return check.Change.Will[0]
	}
	return check.Name
}

// settled says of what was begun and is worked on how far it is, and of what never came to its turn that it does not come any more.
func settled(all []Step, inc *incident.Incident, w Words) []Step {
	stage := stageOf(inc)
	for i := range all {
		switch {
		case inc.Working() && all[i].State == Doing && w.Progress != "":
			all[i].Note = clip(w.Progress)
		case stage == Waiting && all[i].State == Due, stage == Over && all[i].State == Due:
			all[i].State = Skipped
		case !inc.Working() && all[i].State == Doing:
			all[i].State, all[i].Note = Failed, "begun, and not seen to end"
		}
	}
	return all
}
