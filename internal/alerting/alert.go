package alerting

import (
	"fmt"
	"slices"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// alert is one alert as Alertmanager's API v2 takes it.
type alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
}

// alerts renders what all incidents raise now.
func (n *Notifier) alerts() []alert {
	now := n.Clock()
	var out []alert
	for _, inc := range n.Incidents() {
		if over, broken := glass(&inc, now); broken && now.Sub(over) < glassTold+resolved {
			a := n.render(&inc, "SalvorBreakGlass", "critical", now, now.Sub(over) < glassTold)
			a.Annotations["summary"] = fmt.Sprintf("BROKEN GLASS: two people had a plan run without policy for %s of %s", inc.Fault.Anchor, inc.Key.Cluster)
			out = append(out, a)
		}
		if !worthTelling(&inc) || !inc.Live() && now.Sub(inc.Since) > resolved {
			continue
		}
		out = append(out, n.render(&inc, "SalvorIncident", "warning", now, inc.Live()))
		if waited(&inc) {
			out = append(out, n.render(&inc, "SalvorNeedsPerson", "critical", now, inc.NeedsPerson()))
		}
	}
	return out
}

// glassTold is for how long it is told that a plan ran without policy.
const glassTold = 30 * time.Minute

// glass says whether a plan ran without policy, and when the last thing was done for it: now, while it runs.
func glass(inc *incident.Incident, now time.Time) (over time.Time, broken bool) {
	runs := false
	for _, rec := range inc.History {
		if rec.Decided != nil {
			runs = rec.Decided.Broken
			broken = broken || runs
		}
		if runs && rec.Kind != incident.Noted && rec.Kind != incident.Closed {
			over = rec.At
		}
	}
	if runs && inc.Working() {
		over = now
	}
	return over, broken
}

// worthTelling says that the fault counted as one at least once: those that stood when Salvor first looked page nobody.
func worthTelling(inc *incident.Incident) bool { return !inc.ConfirmedAt().IsZero() }

// waited says that the incident needs a person or has needed one, so that the end of that is told too.
func waited(inc *incident.Incident) bool {
	return inc.NeedsPerson() || slices.ContainsFunc(inc.History, func(rec incident.Sequenced) bool {
		return rec.Kind == incident.Handed || rec.Kind == incident.Halted || rec.Kind == incident.Failed ||
			rec.Kind == incident.Checked && rec.Outcome != responders.OutcomeVerified ||
			rec.Kind == incident.Decided && rec.Decided != nil && rec.Decided.Answer.Verdict == policies.Ask
	})
}

// sentence is the fault as it is seen now, while the incident lives: what is seen after its end is another one's.
func (n *Notifier) sentence(inc *incident.Incident) string {
	if seen := n.Sentence(inc.Fault); seen != "" && inc.Live() {
		return seen
	}
	return inc.Fault.Sentence
}

func (n *Notifier) render(inc *incident.Incident, name, severity string, now time.Time, firing bool) alert {
	a := alert{
		Labels: map[string]string{
			"alertname": name, "severity": severity, "cluster": inc.Key.Cluster,
			"salvor_incident": inc.Name(), "salvor_kind": inc.Key.Kind,
		},
		Annotations: map[string]string{
			"summary":     fmt.Sprintf("%s of %s: %s", inc.Fault.Anchor, inc.Key.Cluster, inc.State),
			"description": n.sentence(inc),
			"why":         inc.Why,
			"sev":         string(n.Severity(inc)), // no label: it may rise, and then it would be another alert
			"next":        next(inc),
			"asked":       asked(inc),
		},
		StartsAt: inc.OpenedAt, EndsAt: now, GeneratorURL: n.Link + "/incidents/" + string(inc.ID),
	}
	if firing {
		a.EndsAt = now.Add(4 * resend)
	}
	return a
}

// next is the command that helps most.
func next(inc *incident.Incident) string {
	if a := inc.Asking(); a != nil {
		return fmt.Sprintf("salvor approve %s --plan %s", inc.Name(), a.Plan.ShortDigest())
	}
	if inc.Working() && inc.Plan != nil {
		return fmt.Sprintf("salvor incidents show %s; to stop it: salvor stop %s --plan %s", inc.Name(), inc.Name(), inc.Plan.ShortDigest())
	}
	return "salvor incidents show " + inc.Name()
}

// asked is who is asked, and until when; empty where nobody is.
func asked(inc *incident.Incident) string {
	a := inc.Asking()
	if a == nil {
		return ""
	}
	return fmt.Sprintf("%s, by %s", a.Whom().Whom(), a.Until.UTC().Format("15:04 UTC"))
}
