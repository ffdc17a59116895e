package velero

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/salvor-io/salvor/responders"
)

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// nameFor is the name of what a step of a plan makes. It is the same whoever goes on with the step, and another for another plan: what an
// earlier plan made has ended, and is never taken up again.
func nameFor(env responders.Env) string {
	step := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(env.Step), "-"), "-")
	return "salvor-" + strings.Trim(step[:min(24, len(step))], "-") + "-" + hash(env.Incident, env.Step, env.Plan)
}

// workOf tells what was made for a step of an incident, under whichever plan, from everything else.
func workOf(env responders.Env) string { return hash(env.Incident, env.Step) }

func hash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:5])
}

// object is a new object of Velero that a step makes, marked as such.
func object(env responders.Env, kind, namespace, name string, spec map[string]any) (*unstructured.Unstructured, error) {
	digest, err := digestOf(spec)
	if err != nil {
		return nil, err
	}
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": version.String(), "kind": kind, "spec": spec}}
	o.SetNamespace(namespace)
	o.SetName(name)
	o.SetLabels(map[string]string{ManagedLabel: "true", workLabel: workOf(env)})
	o.SetAnnotations(map[string]string{incidentAnnotation: env.Incident, stepAnnotation: env.Step, digestAnnotation: digest})
	return o, nil
}

func digestOf(spec any) (string, error) {
	raw, err := json.Marshal(spec)
	if err != nil {
		return "", fmt.Errorf("encode what is to be made: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8]), nil
}
