package velero

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Kept changes nothing. It verifies that the last backup of a schedule that has ended is complete, with the contents of all volumes that it began with,
// and can be read where it is kept.
type Kept struct{ clusters Clusters }

// NewKept makes the responder backup.complete.
func NewKept(clusters Clusters) *Kept { return &Kept{clusters} }

// Spec describes backup.complete.
func (k *Kept) Spec() responders.Spec {
	return responders.Spec{
		Name:   "backup.complete",
		About:  "changes nothing; verifies that the last backup of a schedule is complete and can be read",
		Class:  policies.Observe,
		Params: scheduleParams(),
		Grants: []responders.Grant{
			{Group: group, Resource: locations.Resource, Verbs: []string{"list"}},
			{Group: group, Resource: schedules.Resource, Verbs: []string{"get"}},
			{Group: group, Resource: backups.Resource, Verbs: []string{"list"}},
		},
	}
}

// Preview names the schedule.
func (k *Kept) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	schedule, err := scheduleIn(ctx, k.clusters, env.Cluster, k.Spec(), args)
	if err != nil {
		return responders.Change{}, err
	}
	name := schedule.GetName()
	return responders.Change{Responder: "backup.complete", Class: policies.Observe, Targets: []policies.Target{schedule.target()},
		Will:    []string{"the last backup of schedule " + name + " is complete and can be read"},
		Command: "velero backup get -n " + schedule.velero.namespace + " --selector " + scheduleLabel + "=" + name}, nil
}

// Apply does nothing.
func (k *Kept) Apply(context.Context, responders.Env, responders.Change) error { return nil }

// Verify looks at the last backup that has ended.
func (k *Kept) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	client, err := k.clusters.Custom(env.Cluster)
	if err != nil {
		return unknown(err)
	}
	target := change.Targets[0]
	var last *unstructured.Unstructured
	err = each(ctx, client, backups, target.Namespace, scheduleLabel+"="+target.Name, func(o *unstructured.Unstructured) error {
		phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
		if made := o.GetCreationTimestamp(); hasEnded(phase) && (last == nil || made.After(last.GetCreationTimestamp().Time)) {
			last = o
		}
		return nil
	})
	if err != nil {
		return unknown(err)
	}
	if last == nil {
		return responders.FindingOf(1, []string{"schedule " + target.Name + " has made no backup that has ended"}), nil
	}
	found, err := complete(last)
	if err != nil || found.Outcome != responders.OutcomeVerified {
		return found, err
	}
	return k.readable(ctx, env, target.Namespace, last)
}

// readable looks whether the storage location of a backup can be read now.
func (k *Kept) readable(ctx context.Context, env responders.Env, namespace string, backup *unstructured.Unstructured) (responders.Finding, error) {
	client, err := k.clusters.Custom(env.Cluster)
	if err != nil {
		return unknown(err)
	}
	velero, err := installed(ctx, client, namespace)
	if err != nil {
		return unknown(err)
	}
	name, _, _ := unstructured.NestedString(backup.Object, "spec", "storageLocation")
	place, err := velero.location(name)
	switch {
	case err != nil:
		return responders.FindingOf(1, []string{"backup " + backup.GetName() + ": " + err.Error()}), nil
	case !place.Ready:
		return responders.FindingOf(1, []string{"backup " + backup.GetName() + " cannot be read: storage location " + place.Name + ": " + place.Why}), nil
	}
	return responders.FindingOf(1, nil), nil
}
