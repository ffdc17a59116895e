package velero

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

var secrets = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}

// RestoredAnnotation is on a ConfigMap or a Secret whose content Salvor has written, and says for which incident, and where is kept what was there.
const RestoredAnnotation = "salvor.io/restored"

// restored is the value of the annotation.
type restored struct {
	For      string `json:"for"` // the step and the plan, as a hash
	Incident string `json:"incident"`
	Kept     string `json:"kept,omitempty"` // the name of what holds the content that was there; empty: there was nothing
	Holds    string `json:"holds"`          // digest of the content that was written
}

// mending is what config.restore does, as the plan pinned it.
type mending struct {
	Velero    string `json:"velero,omitempty"`
	Backup    string `json:"backup,omitempty"`
	BackupUID string `json:"backup_uid,omitempty"`
	Namespace string `json:"namespace"`
	AsBefore  bool   `json:"as_before,omitempty"`
	Objects   []mend `json:"objects"`
}

// mend is one object whose content is brought back.
type mend struct {
	Kind    string `json:"kind"` // ConfigMap or Secret
	Name    string `json:"name"`
	UID     string `json:"uid,omitempty"`     // empty: it is not there
	Version string `json:"version,omitempty"` // the resourceVersion that the plan saw
	Kept    string `json:"kept,omitempty"`    // the name of what this incident keeps of it, where it has replaced it already
}

// String is the object as people name it: "ConfigMap settings".
func (o mend) String() string { return o.Kind + " " + o.Name }

func (o mend) resource() schema.GroupVersionResource {
	if o.Kind == "Secret" {
		return secrets
	}
	return configMaps
}

// readerOf is who reads objects of a kind: Secrets are read by who acts alone.
func readerOf(clusters Clusters, cluster, kind string, observes dynamic.Interface) (dynamic.Interface, error) {
	if kind != "Secret" {
		return observes, nil
	}
	return clusters.CustomWriter(cluster)
}

// see looks at the objects that the arguments name.
func (m *mending) see(ctx context.Context, clusters Clusters, env responders.Env, client dynamic.Interface, args responders.Args) error {
	for kind, names := range map[string][]string{"ConfigMap": args.Names("configMaps"), "Secret": args.Names("secrets")} {
		if len(names) == 0 {
			continue
		}
		reader, err := readerOf(clusters, env.Cluster, kind, client)
		if err != nil {
			return fmt.Errorf("look at Secrets, which only the credentials that act may read: %w", err)
		}
		for _, name := range names {
			o := mend{Kind: kind, Name: name}
			now, err := find(ctx, reader, o.resource(), m.Namespace, name)
			if err != nil {
				return err
			}
			if err := o.look(now, env); err != nil {
				return fmt.Errorf("restore %s of namespace %s: %w", o, m.Namespace, err)
			}
			m.Objects = append(m.Objects, o)
		}
	}
	slices.SortFunc(m.Objects, func(a, b mend) int { return strings.Compare(a.String(), b.String()) })
	return nil
}

// look notes how an object stands, and refuses what cannot be written.
func (o *mend) look(now *unstructured.Unstructured, env responders.Env) error {
	if now == nil {
		return nil
	}
	o.UID, o.Version = string(now.GetUID()), now.GetResourceVersion()
	if mark := markOf(now); mark.Incident == env.Incident {
		o.Kept = mark.Kept
	}
	kind, _, _ := unstructured.NestedString(now.Object, "type")
	immutable, _, _ := unstructured.NestedBool(now.Object, "immutable")
	switch {
	case now.GetDeletionTimestamp() != nil:
		return errors.New("it is being deleted; try again when it is gone")
	case immutable:
		return errors.New("it is immutable: delete it, and it is made anew as the backup has it")
	case kind == "kubernetes.io/service-account-token":
		return errors.New("it is the token of a service account, which Kubernetes makes: delete it, and there is a new one")
	}
	return nil
}

func markOf(o *unstructured.Unstructured) restored {
	var mark restored
	if json.Unmarshal([]byte(o.GetAnnotations()[RestoredAnnotation]), &mark) != nil {
		return restored{}
	}
	return mark
}

// lacks says what keeps an object from being as it was to be, or nothing.
func (m *mending) lacks(o mend, now *unstructured.Unstructured, env responders.Env) string {
	if now == nil {
		return "is not there"
	}
	holds, err := digestOf(contentOf(now))
	mark := markOf(now)
	switch {
	case err != nil:
		return "cannot be read"
	case m.AsBefore && mark.Incident == env.Incident && mark.Kept == o.Kept:
		return "holds what this incident gave it"
	case m.AsBefore:
		return ""
	case mark.For != turnOf(env):
		return "has not got back its content"
	case mark.Holds != holds:
		return "was changed after it got back its content"
	}
	return ""
}

// turnOf is the step and the plan for which something is written.
func turnOf(env responders.Env) string { return hash(env.Incident, env.Step, env.Plan) }

// contentOf is what an object holds, without anything about it.
func contentOf(o *unstructured.Unstructured) map[string]any {
	out := map[string]any{}
	for _, field := range []string{"data", "binaryData"} {
		if values, _, err := unstructured.NestedMap(o.Object, field); err == nil && len(values) > 0 {
			out[field] = values
		}
	}
	return out
}

// turning is the change that gives an object another content, and nothing else.
func turning(now *unstructured.Unstructured, content map[string]any) map[string]any {
	change := map[string]any{}
	for _, field := range []string{"data", "binaryData"} {
		has, _, _ := unstructured.NestedMap(now.Object, field)
		gets, _ := content[field].(map[string]any)
		values := map[string]any{}
		for key := range has {
			values[key] = nil
		}
		maps.Copy(values, gets)
		if len(values) > 0 {
			change[field] = values
		}
	}
	return change
}

func (m *mending) kinds() []string {
	var out []string
	for _, o := range m.Objects {
		if name := o.resource().Resource; !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func (m *mending) words() string {
	var out []string
	for _, o := range m.Objects {
		out = append(out, o.String())
	}
	return strings.Join(out, ", ")
}

func (m *mending) places() []string {
	var out []string
	for _, o := range m.Objects {
		out = append(out, placeOf(o.resource().Resource, m.Namespace, o.Name))
	}
	return out
}

func (m *mending) targets() []policies.Target {
	var out []policies.Target
	for _, o := range m.Objects {
		uid := o.UID
		if uid == "" {
			uid = absent
		}
		out = append(out, policies.Target{Kind: o.Kind, Namespace: m.Namespace, Name: o.Name, UID: uid})
	}
	return out
}

// keeping tells where what is there now is kept.
func (m *mending) keeping() responders.Fact {
	var lines []string
	for _, o := range m.Objects[:min(mostKept, len(m.Objects))] {
		if o.UID != "" {
			lines = append(lines, fmt.Sprintf("what %s holds now is kept in a %s beside it: kubectl -n %s get %ss -l %s=%s", o, o.Kind, m.Namespace, strings.ToLower(o.Kind), keptLabel, keptOf(o.Name)))
		}
	}
	return responders.Fact{Label: "Kept", Lines: append(lines, "pods that read them into their environment see it when they start again")}
}

// mostKept bounds of how many objects a plan says where they are kept: all are found by the same label.
const mostKept = 10

// putBack is what a person would type.
func (m *mending) putBack() string {
	var lines []string
	for _, o := range m.Objects {
		kind := strings.ToLower(o.Kind)
		lines = append(lines, fmt.Sprintf("kubectl -n %s get %s %s -o json | jq '{data, binaryData}' | kubectl -n %s patch %s %s --type merge --patch-file /dev/stdin", m.Namespace, kind, o.Kept, m.Namespace, kind, o.Name))
	}
	return strings.Join(lines, "\n")
}
