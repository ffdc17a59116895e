package timeline

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Case is what is rendered.
type Case struct {
	Incident *incident.Incident
	Asked    map[string]policies.Question // what policy was asked, by Decision.Ref, as far as it is known
	Seen     string                       // the fault as it is seen now, while it lives
	Misses   []classifiers.Miss           // the rules that do not match now, while it lives
	Now      time.Time
}

// Show renders the timeline: a header that says where the incident stands, what happened in order, what is still down, and
// the command that comes next.
func Show(c Case) string {
	inc := c.Incident
	var out strings.Builder
	fmt.Fprintf(&out, "%s  %s  %s  %s\n", inc.Name(), About(inc), Plain(inc.Key.Cluster), standing(inc, c.Now))
	if inc.Count > 1 {
		fmt.Fprintf(&out, "the fault came back %s within this incident\n", counted(inc.Count-1, "time"))
	}
	last := ""
	for _, e := range entries(inc.History, c.Asked) {
		if today := day(e.at); today != last {
			out.WriteString(today + " UTC\n")
			last = today
		}
		e.write(&out)
	}
	if seen := grown(c); seen != "" {
		fmt.Fprintf(&out, "now seen: %s\n", seen)
	}
	if now := newer(c); len(now) > 0 {
		out.WriteString("now " + strings.Join(now, "\n") + "\n")
	}
	for _, line := range StillDown(inc) {
		fmt.Fprintf(&out, "STILL DOWN  %s\n", line)
	}
	for _, f := range NotPromised(inc) {
		for _, line := range f.Lines {
			fmt.Fprintf(&out, "%s  %s\n", strings.ToUpper(Plain(f.Label)), Plain(line))
		}
	}
	fmt.Fprintf(&out, "Next: %s\n", Next(c))
	return out.String()
}

// grown is what is seen now, where that is more than was last recorded. Of a single node only the time is.
func grown(c Case) string {
	f := lastFault(c.Incident)
	if c.Seen == f.Sentence || f.Kind == classifiers.KindNode && !f.Storms() {
		return ""
	}
	return Plain(c.Seen)
}

// newer are the rules that do not match now, where their numbers are not those last recorded.
func newer(c Case) []string {
	same := func(a, b classifiers.Miss) bool { return a.Rule == b.Rule && a.Text == b.Text }
	if slices.EqualFunc(c.Misses, lastFault(c.Incident).Misses, same) {
		return nil
	}
	return unmatched(c.Misses)
}

// NotPromised is what a plan that has recovered everything else said beforehand that it would not: what stays down, what finds no room. It is
// empty once the fault has gone away.
func NotPromised(inc *incident.Incident) []responders.Fact {
	if inc.State != incident.Recovered || inc.Plan == nil {
		return nil
	}
	return slices.DeleteFunc(inc.Plan.Facts(), func(f responders.Fact) bool { return !f.Grave })
}

// StillDown is what the last checks found not to be so, unless the fault went away since.
func StillDown(inc *incident.Incident) []string {
	if inc.State != incident.HandedOver || inc.Outcome == responders.OutcomeVerified {
		return nil
	}
	for i := len(inc.History) - 1; i >= 0; i-- {
		if rec := inc.History[i]; rec.Kind == incident.Checked {
			return plainAll(rec.Detail)
		}
	}
	return nil
}
