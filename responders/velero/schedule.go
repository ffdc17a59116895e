package velero

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/robfig/cron/v3"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Schedule sees to it that a Schedule of Velero is there and as it is told. One of that name that Salvor did not make is left alone, unless it is so
// already.
type Schedule struct{ clusters Clusters }

// NewSchedule makes the responder velero.schedule.
func NewSchedule(clusters Clusters) *Schedule { return &Schedule{clusters} }

// keeping is the schedule that is to be there, as the plan pinned it.
type keeping struct {
	Velero string         `json:"velero"`
	Name   string         `json:"name"`
	UID    string         `json:"uid,omitempty"` // of the one that is there
	Spec   map[string]any `json:"spec"`
}

// Spec describes velero.schedule.
func (s *Schedule) Spec() responders.Spec {
	return responders.Spec{
		Name:  "velero.schedule",
		About: "sees to it that backups are made by a schedule",
		Class: policies.Reversible,
		Params: append([]responders.Param{
			{Name: "name", Type: responders.ParamString, Required: true, About: "name of the schedule"},
			{Name: "cron", Type: responders.ParamString, Required: true, About: `when backups are made, as "0 2 * * *" or "@every 6h"`},
		}, templateParams()...),
		Grants: []responders.Grant{
			{Group: definitions.Group, Resource: definitions.Resource, Verbs: []string{"get"}},
			{Group: group, Resource: locations.Resource, Verbs: []string{"list"}},
			{Group: group, Resource: schedules.Resource, Verbs: []string{"get", "create", "patch"}},
		},
	}
}

// scheduleName bounds a name: Velero puts the time behind it, and uses it as a label.
var scheduleName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,46}[a-z0-9])?$`)

// Preview says what is written, or that it is so already.
func (s *Schedule) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := s.Spec().Check(args); err != nil {
		return responders.Change{}, err
	}
	name, when := args.Text("name"), args.Text("cron")
	if !scheduleName.MatchString(name) {
		return responders.Change{}, fmt.Errorf("name: %q is not a name of at most 48 small letters, digits and dashes", name)
	}
	if _, err := cron.ParseStandard(when); err != nil {
		return responders.Change{}, fmt.Errorf("cron: %q is not a time as cron has it: %w", when, err)
	}
	client, err := s.clusters.Custom(env.Cluster)
	if err != nil {
		return responders.Change{}, err
	}
	velero, place, template, err := prepare(ctx, client, env, args, schedules.Resource)
	if err != nil {
		return responders.Change{}, err
	}
	k := keeping{Velero: velero, Name: name, Spec: map[string]any{"schedule": when, "template": template}}
	was, err := find(ctx, client, schedules, velero, name)
	if err != nil {
		return responders.Change{}, err
	}
	change := responders.Change{Responder: "velero.schedule", Class: policies.Reversible, DurationS: 10,
		Targets: []policies.Target{{Kind: "BackupStorageLocation", Namespace: place.Namespace, Name: place.Name, UID: place.UID}},
		Will:    []string{fmt.Sprintf("%s is backed up by schedule %s at %q to storage location %s", whatOf(args), name, when, place.Name)},
		Command: fmt.Sprintf("velero schedule create -n %s %s --schedule %q %s", velero, name, when, flags(template))}
	if was != nil {
		if err := k.meet(was, &change); err != nil {
			return responders.Change{}, err
		}
	}
	return change, pin(&change, k)
}

// meet says what becomes of a schedule that is there.
func (k *keeping) meet(was *unstructured.Unstructured, change *responders.Change) error {
	k.UID = string(was.GetUID())
	change.Targets = []policies.Target{{Kind: "Schedule", Namespace: k.Velero, Name: k.Name, UID: k.UID}}
	switch {
	case len(k.difference(was)) == 0:
		change.Class, change.Nothing = policies.Observe, true
		change.Will = []string{"schedule " + k.Name + " is there, and as it is to be"}
	case was.GetLabels()[ManagedLabel] != "true":
		return fmt.Errorf("write schedule %s/%s: it is there, is another one and not Salvor's; name another, or label it %s=true", k.Velero, k.Name, ManagedLabel)
	default:
		change.Will = append(change.Will, "the schedule of that name that Salvor made is changed to that")
	}
	return nil
}

// difference is what has to be written on a schedule, as a JSON merge patch; nothing where it is as it is to be.
func (k *keeping) difference(was *unstructured.Unstructured) map[string]any {
	spec, _, _ := unstructured.NestedMap(was.Object, "spec")
	have := map[string]any{"schedule": spec["schedule"], "template": spec["template"]}
	return mergeOf(have, k.Spec)
}

// attemptsToWrite is how often an object may change between look and write before a step gives up.
const attemptsToWrite = 5

// Apply writes the schedule, unless it is as it is to be.
func (s *Schedule) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	if change.Nothing {
		return nil
	}
	var k keeping
	if err := pinned(change, &k); err != nil {
		return err
	}
	w, err := open(s.clusters, env.Cluster)
	if err != nil {
		return err
	}
	for range attemptsToWrite {
		if err = k.write(ctx, w, env); !apierrors.IsConflict(err) {
			return err
		}
	}
	return fmt.Errorf("it changed between look and write %d times in a row; try again: %w", attemptsToWrite, err)
}

// write looks, and makes the schedule or changes the one that the plan saw or this step made.
func (k *keeping) write(ctx context.Context, w world, env responders.Env) error {
	was, err := find(ctx, w.reader, schedules, k.Velero, k.Name)
	if err != nil {
		return err
	}
	if was == nil && k.UID == "" {
		wanted, err := object(env, "Schedule", k.Velero, k.Name, k.Spec)
		if err != nil {
			return err
		}
		wanted.SetLabels(ofCluster(wanted.GetLabels(), env.Cluster))
		_, err = w.make(ctx, schedules, wanted)
		return err
	}
	switch {
	case was == nil:
		return fmt.Errorf("write schedule %s: it is gone since the plan was made", k.Name)
	case len(k.difference(was)) == 0:
		return nil
	case string(was.GetUID()) != k.UID:
		return fmt.Errorf("write schedule %s: another one was made since the plan was made", k.Name)
	case was.GetLabels()[ManagedLabel] != "true":
		return fmt.Errorf("write schedule %s: it is not Salvor's any more", k.Name)
	}
	return w.amend(ctx, schedules, was, map[string]any{"spec": k.difference(was)})
}

// Verify looks whether the schedule is there, as it is to be, and accepted by Velero.
func (s *Schedule) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	var k keeping
	if err := pinned(change, &k); err != nil {
		return unknown(err)
	}
	client, err := s.clusters.Custom(env.Cluster)
	if err != nil {
		return unknown(err)
	}
	is, err := find(ctx, client, schedules, k.Velero, k.Name)
	if err != nil {
		return unknown(err)
	}
	if lacks := k.lacks(is); lacks != "" {
		return responders.FindingOf(1, []string{"schedule " + k.Name + " " + lacks}), nil
	}
	return responders.FindingOf(1, nil), nil
}

func (k *keeping) lacks(is *unstructured.Unstructured) string {
	if is == nil {
		return "is not there"
	}
	if len(k.difference(is)) > 0 {
		return "is not as it is to be"
	}
	phase, _, _ := unstructured.NestedString(is.Object, "status", "phase")
	why, _, _ := unstructured.NestedStringSlice(is.Object, "status", "validationErrors")
	switch phase {
	case "Enabled":
		return ""
	case "", "New":
		return "has not been looked at by Velero yet"
	}
	return "is " + phase + ": " + line(strings.Join(why, "; "))
}
