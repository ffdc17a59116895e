package node

import (
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/salvor-io/salvor/responders"
)

// fenced is the value of the annotation that says how a node was fenced.
type fenced struct {
	Incident string    `json:"incident"`
	Proof    way       `json:"proof"`
	At       time.Time `json:"at"`
}

// fencedFor reads how the node was fenced for the incident; false when it was not, or the annotation cannot be read.
func fencedFor(node *corev1.Node, incident string) (fenced, bool) {
	var mark fenced
	if json.Unmarshal([]byte(node.Annotations[FencedAnnotation]), &mark) != nil {
		return fenced{}, false
	}
	return mark, mark.Incident == incident
}

// isAccepted says whether it is written on the node that, for this incident, people took the risk that it still runs.
func isAccepted(node *corev1.Node, incident string) bool {
	mark, ok := fencedFor(node, incident)
	return ok && mark.Proof == wayAccepted
}

// marking writes down that the node was fenced, once.
func marking(env responders.Env, proof way) func(*corev1.Node) (*amendment, error) {
	return func(node *corev1.Node) (*amendment, error) {
		if mark, ok := fencedFor(node, env.Incident); ok && mark.Proof == proof {
			return nil, nil
		}
		value, err := json.Marshal(fenced{Incident: env.Incident, Proof: proof, At: env.Now.UTC()})
		if err != nil {
			return nil, fmt.Errorf("mark node %s as fenced: %w", node.Name, err)
		}
		var a amendment
		a.annotate(FencedAnnotation, string(value))
		return &a, nil
	}
}
