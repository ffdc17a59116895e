package velero

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"

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

// scheduleLabel is Velero's, on backups: the schedule that they are of.
const scheduleLabel = "velero.io/schedule-name"

// Spec describes backup.retry.
func (r *Retry) Spec() responders.Spec {
	return responders.Spec{
		Name:  "backup.retry",
		About: "makes the backup of a schedule once more, as the schedule says, and waits until it is complete",
		Class: policies.Reversible,
		Params: []responders.Param{
			{Name: "schedule", Type: responders.ParamString, Required: true, About: "name of the schedule"},
			{Name: "velero", Type: responders.ParamString, About: "namespace of Velero, where there are several"},
		},
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
	name, err := scheduleIn(r.Spec(), args)
	if err != nil {
		return responders.Change{}, err
	}
	client, err := r.clusters.Custom(env.Cluster)
	if err != nil {
		return responders.Change{}, err
	}
	velero, err := installed(ctx, client, args.Text("velero"))
	if err != nil {
		return responders.Change{}, err
	}
	schedule, err := find(ctx, client, schedules, velero.namespace, name)
	switch {
	case err != nil:
		return responders.Change{}, err
	case schedule == nil:
		return responders.Change{}, fmt.Errorf("make the backup of schedule %s again: there is no such schedule any more", name)
	}
	what, err := againOf(schedule)
	if err != nil {
		return responders.Change{}, err
	}
	place, err := velero.location(what.Location)
	if err != nil {
		return responders.Change{}, err
	}
	if err := place.writable(env); err != nil {
		return responders.Change{}, err
	}
	if err := triedBefore(ctx, client, velero.namespace, env); err != nil {
		return responders.Change{}, err
	}
	what.Velero, what.Location = velero.namespace, place.Name
	change := responders.Change{Responder: "backup.retry", Class: policies.Reversible, DurationS: 120,
		Targets: []policies.Target{{Kind: "Schedule", Namespace: velero.namespace, Name: name, UID: string(schedule.GetUID())}},
		Will:    []string{"what schedule " + name + " backs up is backed up once more, to storage location " + place.Name},
		Command: "velero backup create -n " + velero.namespace + " --from-schedule " + name + " --wait"}
	return change, pin(&change, what)
}

var objectForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)

// scheduleIn is the one schedule that the arguments name.
func scheduleIn(spec responders.Spec, args responders.Args) (string, error) {
	if err := spec.Check(args); err != nil {
		return "", err
	}
	if name := args.Text("schedule"); objectForm.MatchString(name) {
		return name, nil
	}
	return "", fmt.Errorf("%s: the argument schedule must be the name of one schedule, not %q", spec.Name, args.Text("schedule"))
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
