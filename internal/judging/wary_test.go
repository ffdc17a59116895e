package judging

import (
	"slices"
	"testing"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
)

// TestADeclaredZoneLosesTheNodesThatAreBack: what people say keeps it alive, not what it would be repaired by.
func TestADeclaredZoneLosesTheNodesThatAreBack(t *testing.T) {
	people := []classifiers.Signal{{Name: "a person", Source: classifiers.SourcePeople, Asked: true, Agrees: true}}
	lost := func(kind classifiers.Kind, signals []classifiers.Signal, nodes ...string) classifiers.Fault {
		return classifiers.Fault{Kind: kind, Signals: signals, Scope: classifiers.Scope{Nodes: nodes, Zones: []string{"b"}}}
	}
	for _, c := range []struct {
		name    string
		opened  classifiers.Fault
		finding *classifiers.Finding
		want    []string
	}{
		{"as it was", lost("zone", people, "b0", "b1"), &classifiers.Finding{Fault: lost("zone", people, "b0", "b1")}, []string{"b0", "b1"}},
		{"one is back", lost("zone", people, "b0", "b1"), &classifiers.Finding{Fault: lost("zone", people, "b1")}, []string{"b1"}},
		{"all are back, as detection had found it", lost("zone", nil, "b0", "b1"), &classifiers.Finding{Fault: lost("zone", people)}, []string{}},
		{"one more is lost", lost("zone", people, "b0"), &classifiers.Finding{Fault: lost("zone", people, "b0", "b2")}, []string{"b0"}},
		{"nobody declared it", lost("zone", nil, "b0", "b1"), &classifiers.Finding{Fault: lost("zone", nil, "b1")}, []string{"b0", "b1"}},
		{"it is not seen", lost("zone", people, "b0", "b1"), nil, []string{"b0", "b1"}},
		{"a node is what was named", lost("node", people, "b0"), &classifiers.Finding{Fault: lost("node", people, "b0")}, []string{"b0"}},
	} {
		inc := &incident.Incident{Fault: c.opened}
		before := slices.Clone(c.opened.Scope.Nodes)
		if got := narrowed(inc, c.finding).Fault.Scope.Nodes; !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if !slices.Equal(inc.Fault.Scope.Nodes, before) {
			t.Errorf("%s: the incident itself was changed", c.name)
		}
	}
}
