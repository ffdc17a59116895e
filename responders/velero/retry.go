package velero

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/point"
)

// Retry makes the backup of a schedule once more, now, as Velero would make the next: with what the schedule takes, under its labels. An incident
// retries once: where the backup that it made did not come out well either, a person has to look, and the plan says what Velero says.
type Retry struct{ clusters Clusters }

// NewRetry makes the responder backup.retry.
func NewRetry(clusters Clusters) *Retry { return &Retry{clusters} }

// Spec describes backup.retry.
func (r *Retry) Spec() responders.Spec {
	return responders.Spec{
		Name:   "backup.retry",
		About:  "makes the backup of a schedule once more, as the schedule says, and waits until it is complete",
		Class:  policies.Reversible,
		Params: scheduleParams(),
		Grants: []responders.Grant{
			{Group: group, Resource: locations.Resource, Verbs: []string{"list"}},
			{Group: group, Resource: schedules.Resource, Verbs: []string{"get"}},
			{Group: group, Resource: backups.Resource, Verbs: []string{"get", "list", "create", "delete"}},
			{Group: group, Resource: downloads.Resource, Verbs: []string{"get", "create"}},
		},
	}
}

// Preview says what is backed up again, and refuses where the incident has retried already, or the schedule would not make it either.
func (r *Retry) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	schedule, err := scheduleIn(ctx, r.clusters, env.Cluster, r.Spec(), args)
	if err != nil {
		return responders.Change{}, err
	}
	what, err := againOf(schedule.Unstructured)
	if err != nil {
		return responders.Change{}, err
	}
	place, err := schedule.velero.location(what.Location)
	if err != nil {
		return responders.Change{}, err
	}
	if err := place.writable(env); err != nil {
		return responders.Change{}, err
	}
	name, velero := schedule.GetName(), schedule.velero.namespace
	if err := triedBefore(ctx, schedule.client, velero, env); err != nil {
		return responders.Change{}, err
	}
	what.Velero, what.Location = velero, place.Name
	change := responders.Change{Responder: "backup.retry", Class: policies.Reversible, DurationS: 120, Targets: []policies.Target{schedule.target()},
		Will:    []string{"what schedule " + name + " backs up is backed up once more, to storage location " + place.Name},
		Command: "velero backup create -n " + velero + " --from-schedule " + name + " --wait"}
	return change, pin(&change, what)
}

// againOf is the backup that a schedule would make next, labelled as Velero labels it.
func againOf(schedule *unstructured.Unstructured) (taking, error) {
	template, _, err := unstructured.NestedMap(schedule.Object, "spec", "template")
	if err != nil || template == nil {
		return taking{}, fmt.Errorf("make the backup of schedule %s again: it does not say what it backs up", schedule.GetName())
	}
	own, _, _ := unstructured.NestedStringMap(template, "metadata", "labels")
	if len(own) == 0 {
		own = schedule.GetLabels()
	}
	labels := maps.Clone(own)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[scheduleLabel] = schedule.GetName()
	location, _, _ := unstructured.NestedString(template, "storageLocation")
	return taking{Spec: template, Location: location, Labels: labels}, nil
}

// triedBefore refuses a second retry of an incident.
func triedBefore(ctx context.Context, client dynamic.Interface, namespace string, env responders.Env) error {
	return each(ctx, client, backups, namespace, workLabel+"="+workOf(env), func(o *unstructured.Unstructured) error {
		var status progressStatus
		if err := statusOf(o, &status); err != nil {
			return err
		}
		if !hasEnded(status.Phase) || status.Phase == point.Completed {
			return nil
		}
		why := status.refusal("backup " + o.GetName())
		if why == nil {
			why = fmt.Errorf("backup %s is incomplete, with %d errors", o.GetName(), status.Errors)
		}
		return errors.Join(errors.New("it was retried once for this incident, and a person has to look: velero backup describe -n "+namespace+" --details "+o.GetName()), why)
	})
}

// Apply makes the backup, or finds the one that was made, and returns when it is complete.
func (r *Retry) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	var what taking
	if err := pinned(change, &what); err != nil {
		return err
	}
	w, err := open(r.clusters, env.Cluster)
	if err != nil {
		return err
	}
	return w.backUp(ctx, env, what)
}

// Verify looks whether the backup is there and complete, as velero.backup does.
func (r *Retry) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	return (&Backup{r.clusters}).Verify(ctx, env, change)
}
