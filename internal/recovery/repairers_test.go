package recovery

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/policies"
)

// quiet is a store in which nothing is held and a view that sees an empty cluster.
type quiet struct{ Ledger }

func (quiet) Pauses(context.Context) ([]policies.Pause, error) { return nil, nil }
func (quiet) Budget(context.Context) (ledger.Budget, error)    { return ledger.Budget{}, nil }

func (quiet) Look(*incident.Incident) pipeline.Look { return pipeline.Look{} }
func (quiet) Incidents() []incident.Incident        { return nil }
func (quiet) Ask(f func(*classifiers.View)) {
	v := classifiers.NewView()
	v.Clusters["east"] = &classifiers.Cluster{}
	f(v)
}

// those repair nodes of the cluster east.
type those struct {
	names []string
	known bool
}

func (t those) Repairers(cluster string) ([]string, bool) {
	return t.names, t.known && cluster == "east"
}

// TestQuestionSaysWhoElseRepairs holds that the fact is there, or said to be unknown, which keeps anything from acting by itself.
func TestQuestionSaysWhoElseRepairs(t *testing.T) {
	inc := &incident.Incident{Key: incident.Key{Cluster: "east", Kind: string(classifiers.KindNode)}}
	for name, c := range map[string]struct {
		sights  Sights
		names   []string
		unknown bool
	}{
		"nobody":                 {Beside(those{nil, true}, quiet{}), []string{}, false},
		"somebody":               {Beside(those{[]string{"NodeHealthCheck workers"}, true}, quiet{}), []string{"NodeHealthCheck workers"}, false},
		"not known":              {Beside(those{}, quiet{}), []string{}, true},
		"somebody, perhaps more": {Beside(those{[]string{"AKS"}, false}, quiet{}), []string{"AKS"}, true},
		"sights that cannot say": {quiet{}, []string{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			e := New(Options{Ledger: quiet{}, Sights: c.sights, Clock: func() time.Time { return time.Time{} }})
			q, err := e.question(t.Context(), inc, pipeline.Look{}, incident.PhaseRecover, nil)
			if err != nil {
				t.Fatal(err)
			}
			if q.View.Repairers == nil || !slices.Equal(q.View.Repairers, c.names) || slices.Contains(q.Unknown, "view.repairers") != c.unknown {
				t.Errorf("view.repairers is %#v, unknown are %v", q.View.Repairers, q.Unknown)
			}
			q.Unknown = slices.DeleteFunc(q.Unknown, func(path string) bool { return path != "view.repairers" })
			act := policies.Said{Act: []policies.Reason{{Text: "go", Rule: "r"}}}
			if d := policies.Settle(act, q); (d.Would == policies.Act) == c.unknown {
				t.Errorf("the answer would be %s", d.Would)
			}
		})
	}
}
