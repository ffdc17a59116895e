package alerting

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/internal/protection"
)

// TestPromisesAreTold holds what is raised when a promise is broken, and when it is broken twice.
func TestPromisesAreTold(t *testing.T) {
	trouble := func(state protection.State, twice bool, since time.Duration) protection.Trouble {
		return protection.Trouble{Cluster: "prod", Application: "shop", Namespace: "shop-db", State: state, Twice: twice, Since: now.Add(-since), Missing: []string{"why", "and why"}}
	}
	for _, c := range []struct {
		name string
		is   protection.Trouble
		want []string
	}{
		{"late", trouble(protection.Late, false, time.Minute), []string{"SalvorProtectionLate warning"}},
		{"twice as late", trouble(protection.Late, true, time.Hour), []string{"SalvorProtectionLate warning", "SalvorProtectionOverdue critical"}},
		{"unprotected", trouble(protection.Unprotected, false, 0), []string{"SalvorUnprotected critical"}},
		{"unknown for a moment", trouble(protection.Unknown, false, 29*time.Minute), nil},
		{"unknown", trouble(protection.Unknown, false, 30*time.Minute), []string{"SalvorProtectionUnknown warning"}},
	} {
		n := New(Options{Troubles: func() []protection.Trouble { return []protection.Trouble{c.is} }, Clock: func() time.Time { return now }, Link: "http://salvor"})
		var got []string
		for _, a := range n.aboutProtection() {
			got = append(got, a.Labels["alertname"]+" "+a.Labels["severity"])
			if a.Labels["cluster"] != "prod" || a.Labels["namespace"] != "shop-db" || a.Labels["salvor_promise"] != "shop" || !a.StartsAt.Equal(c.is.Since) || !a.EndsAt.After(now) ||
				a.Annotations["description"] != "why\nand why" || a.Annotations["next"] != "salvor protection --cluster prod" {
				t.Errorf("%s: %+v", c.name, a)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}
