package alerting

import (
	"fmt"
	"strings"
	"time"
)

// aboutPolicy renders what policy raises now. What is over is not sent any more, and ends by itself.
func (n *Notifier) aboutPolicy() []alert {
	now, status := n.Clock(), n.Policy()
	var out []alert
	if held := status.Held; held != nil {
		a := n.policyAlert("SalvorPolicyHeld", "warning", held.Since, now)
		a.Labels["revision"] = held.Revision
		a.Annotations["summary"] = fmt.Sprintf("Policy %s is held until %s", held.Revision, held.Awaits())
		a.Annotations["description"] = fmt.Sprintf("it is looser than the one in force: %s", held.Report)
		a.Annotations["next"] = "salvor policy activate " + held.Revision
		out = append(out, a)
	}
	if refused := status.Refused; refused != nil {
		a := n.policyAlert("SalvorPolicyRefused", "warning", refused.At, now)
		a.Labels["salvor_replica"] = refused.Replica
		a.Annotations["summary"] = fmt.Sprintf("What %s holds is no policy, the last good one stays in force", refused.Source)
		a.Annotations["description"] = strings.Join(refused.Problems, "\n")
		out = append(out, a)
	}
	if serving := status.Serving; serving.Revision == "" {
		a := n.policyAlert("SalvorPolicyMissing", "critical", now, now)
		a.Labels["salvor_replica"] = serving.Replica
		a.Annotations["summary"] = "Salvor decides nothing, since it has no policy"
		a.Annotations["description"] = serving.Why
		out = append(out, a)
	}
	return out
}

func (n *Notifier) policyAlert(name, severity string, since, now time.Time) alert {
	return alert{Labels: map[string]string{"alertname": name, "severity": severity}, Annotations: map[string]string{"next": "salvor policy status"},
		StartsAt: since, EndsAt: now.Add(4 * resend), GeneratorURL: n.Link + "/v1/policy"}
}
