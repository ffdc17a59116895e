package timeline

import (
	"fmt"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Lasting is a duration as people read it: 0.4s, 41s, 4m41s, 2h03m.
func Lasting(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", max(0, d.Seconds()))
	case d < time.Minute:
		return fmt.Sprintf("%.0fs", d.Truncate(time.Second).Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
}

func inSeconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func clock(t time.Time) string { return t.UTC().Format(time.TimeOnly) }

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// counted is "1 node", "7 nodes".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Agreement is "1 of 1 observer agrees", "2 of 3 observers agree".
func Agreement(agree, asked int) string {
	verb := "agree"
	if agree == 1 {
		verb = "agrees"
	}
	return fmt.Sprintf("%d of %s %s", agree, counted(asked, "observer"), verb)
}

// Targeted names a few targets, or counts many.
func Targeted(targets []policies.Target) string {
	const most = 3
	if len(targets) > most {
		kinds := map[string]bool{}
		for _, t := range targets {
			kinds[strings.ToLower(t.Kind)] = true
		}
		if len(kinds) == 1 {
			return counted(len(targets), Plain(strings.ToLower(targets[0].Kind)))
		}
		return counted(len(targets), "target")
	}
	var names []string
	for _, t := range targets {
		names = append(names, Plain(t.String()))
	}
	return strings.Join(names, ", ")
}

// About is what an incident is about: "node worker-1".
func About(inc *incident.Incident) string {
	a := inc.Fault.Anchor
	return Plain(a.Kind + " " + a.Name)
}

// standing says where an incident stands, in capitals for the eye that searches for it.
func standing(inc *incident.Incident, now time.Time) string {
	switch inc.State {
	case incident.Suspected:
		return "SUSPECTED, confirmed unless it goes away by " + clock(inc.DueAt)
	case incident.Standing:
		return "STANDING, left alone until it changes"
	case incident.Deciding:
		return "CONFIRMED, being decided"
	case incident.Held:
		return heldBy(inc) + " for " + Lasting(now.Sub(inc.Since))
	case incident.Awaiting:
		return awaiting(inc, now)
	case incident.Acting:
		return "RECOVERING, " + stepOf(inc)
	case incident.Verifying:
		return "VERIFYING that it worked"
	case incident.Clearing:
		if inc.NeedsPerson() {
			return "NOT SEEN ANY MORE; NEEDS A PERSON to take back what was done"
		}
		return "NOT SEEN ANY MORE, watched before it is closed"
	case incident.Restoring:
		return "TAKING BACK what was done, " + stepOf(inc)
	}
	return Ending(inc) + Lost(inc)
}

// awaiting says who is asked, how many of them are missing, and until when.
func awaiting(inc *incident.Incident, now time.Time) string {
	a := inc.Approval
	text := fmt.Sprintf("AWAITING APPROVAL by %s, until %s", Plain(a.Whom().Whom()), clock(a.Until))
	if len(a.Ballots) > 0 {
		text += fmt.Sprintf("; %d more", a.Lacks().People)
	}
	if now.Before(a.HeldUntil) {
		text += fmt.Sprintf("; %s is on it", Plain(a.HeldBy))
	}
	return text
}

// heldBy tells what policy denies from what something else holds back.
func heldBy(inc *incident.Incident) string {
	if d := inc.Decision; d != nil && len(d.Answer.Held) == 0 {
		return "DENIED BY POLICY"
	}
	return "HELD BACK"
}

// Ending is where an incident stands whose plan has ended.
func Ending(inc *incident.Incident) string {
	text := "NEEDS A PERSON"
	switch inc.Outcome {
	case responders.OutcomeVerified:
		text = "RECOVERED"
	case responders.OutcomePartly:
		text = "PARTLY RECOVERED"
	case responders.OutcomeNotVerified:
		text = "NOT RECOVERED"
	case responders.OutcomeUnknown:
		text = "OUTCOME UNKNOWN"
	}
	switch {
	case inc.State == incident.Ended && inc.Outcome == "" && inc.Attempts == 0:
		text = "GONE BEFORE ANYTHING WAS DONE"
	case inc.State == incident.Ended && inc.Outcome == "":
		text = "GONE"
	case inc.State == incident.HandedOver && inc.Outcome == responders.OutcomeVerified:
		text = "NEEDS A PERSON"
	}
	if took, ok := recoveryTime(inc); ok {
		text += " in " + Lasting(took)
	}
	for _, f := range NotPromised(inc) {
		text += fmt.Sprintf("; %s: %d", strings.ToLower(Plain(f.Label)), max(f.Count, len(f.Lines)))
	}
	if inc.State == incident.Ended {
		text += ", closed"
	}
	return text
}

func stepOf(inc *incident.Incident) string {
	if inc.Plan == nil {
		return "no plan in force"
	}
	return fmt.Sprintf("step %d/%d", min(inc.Next+1, len(inc.Plan.Steps)), len(inc.Plan.Steps))
}

// recoveryTime is the time from the first sign of the fault to the last checks that came to an outcome.
func recoveryTime(inc *incident.Incident) (time.Duration, bool) {
	began, ended := inc.OpenedAt, time.Time{}
	for _, rec := range inc.History {
		switch rec.Kind {
		case incident.Recurred:
			began = rec.At
		case incident.Checked:
			ended = rec.At
		}
	}
	if ended.IsZero() || ended.Before(began) {
		return 0, false
	}
	return ended.Sub(began), true
}
