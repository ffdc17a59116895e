package protection

import (
	"testing"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// TestSeverity holds what makes an incident a SEV1, a SEV2 or a SEV3.
func TestSeverity(t *testing.T) {
	promises := Promises{
		{Name: "orders", Level: 4, Namespaces: []string{"orders"}}, {Name: "shop", Level: 3, Namespaces: []string{"shop-*"}},
		{Name: "wiki", Level: 2, Namespaces: []string{"wiki"}}, {Name: "lab", Level: 1, Namespaces: []string{"lab"}},
		{Name: "elsewhere", Level: 4, Namespaces: []string{"notes"}, Clusters: []string{"prod-us"}},
	}
	in := func(namespace, loss string) *responders.Plan {
		return &responders.Plan{Steps: []responders.Step{{Change: responders.Change{DataLoss: loss, Targets: []policies.Target{{Kind: "Pod", Namespace: namespace, Name: "p"}}}}}}
	}
	node := classifiers.Fault{Kind: classifiers.KindNode, Anchor: classifiers.Anchor{Kind: "node", Name: "worker-1"}}
	data := func(anchor string, namespaces ...string) classifiers.Fault {
		return classifiers.Fault{Kind: classifiers.KindData, Anchor: classifiers.Anchor{Kind: anchor, Name: "x"}, Scope: classifiers.Scope{Namespaces: namespaces}}
	}
	for name, c := range map[string]struct {
		fault       classifiers.Fault
		environment string
		plans       []*responders.Plan
		want        Severity
	}{
		"a zone":                          {classifiers.Fault{Kind: classifiers.KindZone}, "staging", nil, Sev1},
		"a region":                        {classifiers.Fault{Kind: classifiers.KindRegion}, "", nil, Sev1},
		"a node":                          {node, "staging", nil, Sev3},
		"a node in production":            {node, Production, nil, Sev2},
		"a node of nowhere":               {node, "", nil, Sev3},
		"a standby is touched":            {node, "staging", []*responders.Plan{in("orders", "")}, Sev1},
		"a copy is touched":               {node, "staging", []*responders.Plan{in("shop-eu", "")}, Sev1},
		"restored by plan":                {node, "staging", []*responders.Plan{in("wiki", "")}, Sev2},
		"restored by people":              {node, "staging", []*responders.Plan{in("lab", "")}, Sev3},
		"promised in another cluster":     {node, "staging", []*responders.Plan{in("notes", "")}, Sev3},
		"a plan loses data":               {node, "staging", []*responders.Plan{in("lab", "62 min of writes")}, Sev1},
		"an earlier plan touched more":    {node, "staging", []*responders.Plan{in("orders", ""), in("lab", "")}, Sev1},
		"what broke touches it":           {data("schedule", "wiki"), "staging", nil, Sev2},
		"objects were deleted":            {data("namespace", "lab"), "staging", nil, Sev1},
		"a backup is late":                {data("schedule", "lab"), "staging", nil, Sev3},
		"a backup is late, in production": {data("schedule", "lab"), Production, nil, Sev2},
	} {
		inc := &incident.Incident{Key: incident.Key{Cluster: "prod-eu"}, Fault: c.fault}
		for _, plan := range c.plans {
			inc.History = append(inc.History, incident.Sequenced{Record: incident.Record{Kind: incident.Decided, Decided: &incident.Decision{Plan: plan}}})
		}
		if got := promises.Severity(inc, c.environment); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
