package velero

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/point"
)

// Backup makes one backup now, by a Backup of Velero, and waits until it is complete.
type Backup struct{ clusters Clusters }

// NewBackup makes the responder velero.backup.
func NewBackup(clusters Clusters) *Backup { return &Backup{clusters} }

// taking is what a backup is to take, as the plan pinned it.
type taking struct {
	Velero   string         `json:"velero"`
	Location string         `json:"location"`
	Spec     map[string]any `json:"spec"`
	Tries    int            `json:"tries,omitempty"` // how many backups of the step did not come to a good end

	Labels map[string]string `json:"labels,omitempty"` // those that a schedule gives to its backups
}

// Spec describes velero.backup.
func (b *Backup) Spec() responders.Spec {
	return responders.Spec{
		Name:   "velero.backup",
		About:  "makes a backup now, and waits until it is complete",
		Class:  policies.Reversible,
		Params: templateParams(),
		Grants: []responders.Grant{
			{Group: definitions.Group, Resource: definitions.Resource, Verbs: []string{"get"}},
			{Group: group, Resource: locations.Resource, Verbs: []string{"list"}},
			{Resource: namespaces.Resource, Verbs: []string{"get"}},
			{Group: group, Resource: backups.Resource, Verbs: []string{"get", "list", "create", "delete"}},
			{Group: group, Resource: dataUploads.Resource, Verbs: []string{"list", "patch"}},
			{Group: group, Resource: downloads.Resource, Verbs: []string{"get", "create"}},
		},
	}
}

// Preview says what is backed up, and where to.
func (b *Backup) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := b.Spec().Check(args); err != nil {
		return responders.Change{}, err
	}
	client, err := b.clusters.Custom(env.Cluster)
	if err != nil {
		return responders.Change{}, err
	}
	velero, place, spec, err := prepare(ctx, client, env, args, backups.Resource)
	if err != nil {
		return responders.Change{}, err
	}
	targets, err := subjects(ctx, client, place, args.Names("namespaces"))
	if err != nil {
		return responders.Change{}, err
	}
	earlier, err := attempts(ctx, client, backups, velero, env)
	if err != nil {
		return responders.Change{}, err
	}
	change := responders.Change{Responder: "velero.backup", Class: policies.Reversible, Targets: targets, DurationS: 120,
		Will:    []string{whatOf(args) + " is backed up to storage location " + place.Name},
		Command: "velero backup create -n " + velero + " " + flags(spec) + " --wait"}
	return change, pin(&change, taking{Velero: velero, Location: place.Name, Spec: spec, Tries: failures(earlier)})
}

// prepare finds Velero and the storage location, and makes the spec of a backup into it.
func prepare(ctx context.Context, client dynamic.Interface, env responders.Env, args responders.Args, kind string) (namespace string, place Location, spec map[string]any, err error) {
	if err := demand(ctx, client, kind, map[string]string{backups.Resource: "includedNamespaces", schedules.Resource: "schedule"}[kind], "1.0"); err != nil {
		return "", place, nil, err
	}
	velero, err := installed(ctx, client, args.Text("velero"))
	if err != nil {
		return "", place, nil, err
	}
	if place, err = velero.location(args.Text("location")); err != nil {
		return "", place, nil, err
	}
	if spec, err = templateOf(args, place.Name); err != nil {
		return "", place, nil, err
	}
	for field, since := range needs(spec) {
		if err := demand(ctx, client, backups.Resource, field, since); err != nil {
			return "", place, nil, err
		}
	}
	return velero.namespace, place, spec, place.writable(env)
}

// writable says why nothing can be backed up to a location now.
func (l Location) writable(env responders.Env) error {
	switch {
	case !l.Ready:
		return fmt.Errorf("back up to storage location %s: it cannot be used: %s", l.Name, l.Why)
	case l.ReadOnly:
		return fmt.Errorf("back up to storage location %s: it is read-only; make it writable, or name another one", l.Name)
	}
	return l.awake(env.Now)
}

// subjects are the namespaces that are backed up, all of which have to be there, or the location where all are.
func subjects(ctx context.Context, client dynamic.Interface, place Location, names []string) ([]policies.Target, error) {
	if len(names) == 0 {
		return []policies.Target{{Kind: "BackupStorageLocation", Namespace: place.Namespace, Name: place.Name, UID: place.UID}}, nil
	}
	var targets []policies.Target
	for _, name := range names {
		found, err := find(ctx, client, namespaces, "", name)
		if err != nil {
			return nil, err
		}
		if found == nil {
			return nil, fmt.Errorf("back up namespace %s: it is not there", name)
		}
		targets = append(targets, policies.Target{Kind: "Namespace", Namespace: name, Name: name, UID: string(found.GetUID())})
	}
	return targets, nil
}

// whatOf is what the arguments take, as people say it.
func whatOf(args responders.Args) string {
	what := "every namespace"
	if names := args.Names("namespaces"); len(names) > 0 {
		what = "namespace " + strings.Join(names, ", ")
	}
	if left := args.Names("excludeNamespaces"); len(left) > 0 {
		what += " but " + strings.Join(left, ", ")
	}
	if selector := args.Text("selector"); selector != "" {
		what += ", what is labelled " + selector + ","
	}
	return what
}

// Apply makes the backup, or finds the one that was made, and returns when it is complete.
func (b *Backup) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	var what taking
	if err := pinned(change, &what); err != nil {
		return err
	}
	w, err := open(b.clusters, env.Cluster)
	if err != nil {
		return err
	}
	return w.backUp(ctx, env, what)
}

// backUp makes a backup, or finds the one that was made for the step, and returns when it is complete.
func (w world) backUp(ctx context.Context, env responders.Env, what taking) error {
	wanted, err := object(env, "Backup", what.Velero, nameFor(env), what.Spec)
	if err != nil {
		return err
	}
	labels := ofCluster(maps.Clone(what.Labels), env.Cluster)
	maps.Copy(labels, wanted.GetLabels())
	wanted.SetLabels(labels)
	made, err := w.make(ctx, backups, wanted)
	if err != nil {
		return err
	}
	tell := func(p progress) { responders.Progress(ctx, p.ItemsBackedUp, p.TotalItems, "items backed up") }
	_, status, err := w.follow(ctx, backups, made, tell)
	if err != nil || status.Phase == point.Completed {
		return err
	}
	return w.incomplete(ctx, env, what, made.GetName(), status)
}

// incomplete says what is not in a backup that partially failed, and why.
func (w world) incomplete(ctx context.Context, env responders.Env, what taking, name string, status progressStatus) error {
	velero, err := installed(ctx, w.reader, what.Velero)
	if err != nil {
		return err
	}
	place, err := velero.location(what.Location)
	if err != nil {
		return err
	}
	said, err := w.results(ctx, env, place, "BackupResults", name)
	if err != nil {
		return fmt.Errorf("backup %s is incomplete, with %d errors, and which is not known: %w", name, status.Errors, err)
	}
	return fmt.Errorf("backup %s is incomplete, with %d errors: %s", name, status.Errors, strings.Join(said[:min(3, len(said))], "; "))
}

// Verify looks whether the backup is there, complete and with the contents of all volumes that it began with.
func (b *Backup) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	var what taking
	if err := pinned(change, &what); err != nil {
		return unknown(err)
	}
	client, err := b.clusters.Custom(env.Cluster)
	if err != nil {
		return unknown(err)
	}
	found, err := find(ctx, client, backups, what.Velero, nameFor(env))
	if err != nil {
		return unknown(err)
	}
	if found == nil {
		return responders.FindingOf(1, []string{"backup " + nameFor(env) + " is not there"}), nil
	}
	return complete(found)
}

func complete(found *unstructured.Unstructured) (responders.Finding, error) {
	var o backupObject
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(found.Object, &o); err != nil {
		return unknown(fmt.Errorf("read backup %s: %w", found.GetName(), err))
	}
	var missing []string
	if b := o.backup(); b.Phase != point.Completed {
		missing = append(missing, fmt.Sprintf("backup %s is %s %s", b.Name, b.Phase, b.Why))
	} else if v := b.Volumes; v.Completed < v.Attempted {
		missing = append(missing, fmt.Sprintf("the contents of %d of %d volumes are not in backup %s", v.Attempted-v.Completed, v.Attempted, b.Name))
	}
	return responders.FindingOf(1, missing), nil
}
