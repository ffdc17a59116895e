package velero

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Freeze makes a storage location read-only, so that nothing in it is deleted, written or expires while people restore from it, and puts it back
// after. What it did is written on the location: only that is put back, and only for its own incident.
type Freeze struct{ clusters Clusters }

// NewFreeze makes the responder velero.location.
func NewFreeze(clusters Clusters) *Freeze { return &Freeze{clusters} }

// The two things that velero.location does.
const (
	toReadOnly = "readOnly"
	toAsBefore = "asBefore"
)

const (
	readOnly = "ReadOnly"

	// FrozenAnnotation is on a storage location that Salvor made read-only, and holds the incident and how it was.
	FrozenAnnotation = "salvor.io/read-only"
)

var errGone = errors.New("it is gone")

// frozen is the value of the annotation.
type frozen struct {
	Incident string `json:"incident"`
	Was      string `json:"was"` // the access mode; empty where it had none, which is to read and write
}

// freezing is what is to be done, as the plan pinned it.
type freezing struct {
	Velero string `json:"velero"`
	Name   string `json:"name"`
	Mode   string `json:"mode"`
}

// Spec describes velero.location.
func (f *Freeze) Spec() responders.Spec {
	return responders.Spec{
		Name:  "velero.location",
		About: "makes a storage location read-only while it is restored from, or puts back what was done to it",
		Class: policies.Reversible,
		Params: []responders.Param{
			{Name: "mode", Type: responders.ParamString, Required: true, About: "readOnly, or asBefore to put back what this incident changed"},
			{Name: "location", Type: responders.ParamString, About: "storage location; the default one if not given"},
			{Name: "velero", Type: responders.ParamString, About: "namespace of Velero, where there are several"},
		},
		Grants: []responders.Grant{{Group: group, Resource: locations.Resource, Verbs: []string{"get", "list", "patch"}}},
	}
}

// Preview says what becomes of the location.
func (f *Freeze) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := f.Spec().Check(args); err != nil {
		return responders.Change{}, err
	}
	mode := args.Text("mode")
	if mode != toReadOnly && mode != toAsBefore {
		return responders.Change{}, fmt.Errorf("mode: %q is neither %s nor %s", mode, toReadOnly, toAsBefore)
	}
	client, err := f.clusters.Custom(env.Cluster)
	if err != nil {
		return responders.Change{}, err
	}
	velero, err := installed(ctx, client, args.Text("velero"))
	if err != nil {
		return responders.Change{}, err
	}
	place, err := velero.location(args.Text("location"))
	if err != nil {
		return responders.Change{}, err
	}
	return f.foresee(ctx, client, env, freezing{velero.namespace, place.Name, mode})
}

func (f *Freeze) foresee(ctx context.Context, client dynamic.Interface, env responders.Env, z freezing) (responders.Change, error) {
	now, err := find(ctx, client, locations, z.Velero, z.Name)
	if now == nil {
		return responders.Change{}, fmt.Errorf("look at storage location %s: %w", z.Name, cmp.Or(err, errGone))
	}
	change := responders.Change{Responder: "velero.location", Class: policies.Reversible, DurationS: 5,
		Targets: []policies.Target{{Kind: "BackupStorageLocation", Namespace: z.Velero, Name: z.Name, UID: string(now.GetUID())}},
		Command: fmt.Sprintf("kubectl patch backupstoragelocation -n %s %s --type merge --patch '%s'", z.Velero, z.Name, `{"spec":{"accessMode":"ReadOnly"}}`),
		Will:    []string{"storage location " + z.Name + " is read-only: no backup is made there, deleted or expires until it is put back"}}
	if z.Mode == toAsBefore {
		change.Command = fmt.Sprintf("kubectl patch backupstoragelocation -n %s %s --type merge --patch '%s'", z.Velero, z.Name, `{"spec":{"accessMode":"ReadWrite"}}`)
		change.Will = []string{"storage location " + z.Name + " is as it was before this incident"}
	}
	patch, err := z.patch(now, env.Incident)
	if err != nil {
		return change, err
	}
	if patch == nil {
		change.Class, change.Nothing = policies.Observe, true
		change.Will = []string{map[string]string{toReadOnly: "storage location " + z.Name + " is read-only already",
			toAsBefore: "nothing was done to storage location " + z.Name + " for this incident"}[z.Mode]}
	}
	return change, pin(&change, z)
}

// patch is what has to be written on a location; nil where nothing is.
func (z freezing) patch(now *unstructured.Unstructured, incident string) (map[string]any, error) {
	mode, _, _ := unstructured.NestedString(now.Object, "spec", "accessMode")
	var mark frozen
	ours := json.Unmarshal([]byte(now.GetAnnotations()[FrozenAnnotation]), &mark) == nil && mark.Incident == incident
	annotate := func(value any) map[string]any {
		return map[string]any{"annotations": map[string]any{FrozenAnnotation: value}}
	}
	switch {
	case z.Mode == toReadOnly && mode == readOnly, z.Mode == toAsBefore && !ours:
		return nil, nil
	case z.Mode == toReadOnly:
		value, err := json.Marshal(frozen{incident, mode})
		return map[string]any{"metadata": annotate(string(value)), "spec": map[string]any{"accessMode": readOnly}}, err
	case mode != readOnly:
		return map[string]any{"metadata": annotate(nil)}, nil // somebody else has put it back
	}
	var was any
	if mark.Was != "" {
		was = "ReadWrite"
	}
	return map[string]any{"metadata": annotate(nil), "spec": map[string]any{"accessMode": was}}, nil
}

// Apply writes what is left to be written on the location.
func (f *Freeze) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	if change.Nothing {
		return nil
	}
	var z freezing
	if err := pinned(change, &z); err != nil {
		return err
	}
	w, err := open(f.clusters, env.Cluster)
	if err != nil {
		return err
	}
	for range attemptsToWrite {
		if err = z.write(ctx, w, env, change.Targets[0]); !apierrors.IsConflict(err) {
			return err
		}
	}
	return fmt.Errorf("it changed between look and write %d times in a row; try again: %w", attemptsToWrite, err)
}

func (z freezing) write(ctx context.Context, w world, env responders.Env, target policies.Target) error {
	now, err := find(ctx, w.reader, locations, z.Velero, z.Name)
	switch {
	case err != nil:
		return err
	case now == nil || string(now.GetUID()) != target.UID:
		return fmt.Errorf("write storage location %s: it is gone, or another one has its name", z.Name)
	}
	patch, err := z.patch(now, env.Incident)
	if err != nil || patch == nil {
		return err
	}
	return w.amend(ctx, locations, now, patch)
}

// Verify looks whether the location is read-only, or nothing of the incident is left on it.
func (f *Freeze) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	var z freezing
	if err := pinned(change, &z); err != nil {
		return unknown(err)
	}
	client, err := f.clusters.Custom(env.Cluster)
	if err != nil {
		return unknown(err)
	}
	now, err := find(ctx, client, locations, z.Velero, z.Name)
	if err != nil {
		return unknown(err)
	}
	if now == nil {
		return responders.FindingOf(1, []string{"storage location " + z.Name + " is gone"}), nil
	}
	patch, err := z.patch(now, env.Incident)
	if err != nil {
		return unknown(err)
	}
	if patch != nil {
		return responders.FindingOf(1, []string{map[string]string{toReadOnly: "storage location " + z.Name + " can be written to",
			toAsBefore: "storage location " + z.Name + " is not as it was before"}[z.Mode]}), nil
	}
	return responders.FindingOf(1, nil), nil
}
