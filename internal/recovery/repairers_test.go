package recovery

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/policies"
)

// those repair nodes of the cluster prod.
type those struct {
	names []string
	known bool
}

func (t those) Repairers(cluster string) ([]string, bool) {
	return t.names, t.known && cluster == "prod"
}

// TestNothingOfAQuestionIsNull: what holds nothing is stored as empty, as its schema says.
func TestNothingOfAQuestionIsNull(t *testing.T) {
	inc := &incident.Incident{Key: incident.Key{Cluster: "prod", Kind: string(classifiers.KindNode)}}
	text, err := json.Marshal(newStage(t).question(inc, pipeline.Look{}, incident.PhaseRecover, nil, standing{}))
	if err != nil || strings.Contains(string(text), "null") {
		t.Errorf("it is %s, %v", text, err)
	}
}

// TestQuestionSaysWhoElseRepairs holds that the fact is there, or said to be unknown, which keeps anything from acting by itself.
func TestQuestionSaysWhoElseRepairs(t *testing.T) {
	inc := &incident.Incident{Key: incident.Key{Cluster: "prod", Kind: string(classifiers.KindNode)}}
	for name, c := range map[string]struct {
		others  Others
		names   []string
		unknown bool
	}{
		"nobody":                 {those{nil, true}, []string{}, false},
		"somebody":               {those{[]string{"NodeHealthCheck workers"}, true}, []string{"NodeHealthCheck workers"}, false},
		"not known":              {those{}, []string{}, true},
		"somebody, perhaps more": {those{[]string{"AKS"}, false}, []string{"AKS"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.Others = c.others
			q := s.question(inc, pipeline.Look{}, incident.PhaseRecover, nil, standing{})
			if q.View.Repairers == nil || !slices.Equal(q.View.Repairers, c.names) || slices.Contains(q.Unknown, "view.repairers") != c.unknown {
				t.Errorf("view.repairers is %#v, unknown are %v", q.View.Repairers, q.Unknown)
			}
			q.Unknown = slices.DeleteFunc(q.Unknown, func(path string) bool { return path != "view.repairers" })
			act := policies.Said{Act: []policies.Reason{{Text: "go", Rule: "r"}}}
			q.Mode = policies.ModeAct
			if d := policies.Settle(act, q); (d.Verdict == policies.Act) == c.unknown {
				t.Errorf("the answer is %s", d.Verdict)
			}
		})
	}
}
