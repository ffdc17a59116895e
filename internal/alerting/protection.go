package alerting

import (
	"fmt"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/protection"
)

// unknownFor is how long it may be unknown how a promise stands before that is told: one look that failed is no news.
const unknownFor = 30 * time.Minute

// aboutProtection renders what promises raise now. What is over is not sent any more, and ends by itself. What is late stays one alert when it
// gets worse, and another joins it: a silence of the first does not hide the second.
func (n *Notifier) aboutProtection() []alert {
	now := n.Clock()
	var out []alert
	for _, t := range n.Troubles() {
		switch t.State {
		case protection.Late:
			out = append(out, n.protectionAlert("SalvorProtectionLate", "warning", t, now))
			if t.Twice {
				out = append(out, n.protectionAlert("SalvorProtectionOverdue", "critical", t, now))
			}
		case protection.Unprotected:
			out = append(out, n.protectionAlert("SalvorUnprotected", "critical", t, now))
		case protection.Unknown:
			if now.Sub(t.Since) >= unknownFor {
				out = append(out, n.protectionAlert("SalvorProtectionUnknown", "warning", t, now))
			}
		case protection.Kept, protection.Unpromised:
		}
	}
	return out
}

func (n *Notifier) protectionAlert(name, severity string, t protection.Trouble, now time.Time) alert {
	what := map[protection.State]string{protection.Late: "what could be restored is older than was promised", protection.Unprotected: "it could not be restored as was promised",
		protection.Unknown: "it is not known whether it could be restored as was promised"}[t.State]
	where := t.Application
	if t.Namespace != "" && t.Namespace != t.Application {
		where += " in " + t.Namespace
	}
	a := alert{Labels: map[string]string{"alertname": name, "severity": severity, "cluster": t.Cluster, "salvor_promise": t.Application}, StartsAt: t.Since, EndsAt: now.Add(4 * resend), GeneratorURL: n.Link,
		Annotations: map[string]string{"summary": fmt.Sprintf("%s of %s: %s", where, t.Cluster, what), "description": strings.Join(t.Missing, "\n"),
			"next": "salvor protection --cluster " + t.Cluster}}
	if t.Namespace != "" {
		a.Labels["namespace"] = t.Namespace
	}
	return a
}
