package velero

import (
	"context"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Restore brings objects and volumes back from a backup, by a Restore of Velero.
//
// The backup is chosen when the plan is made and pinned. Nothing is restored into a namespace that is there, unless the runbook says what is to
// become of objects that exist. Apply makes one Restore, watches it to its end, and keeps beside it what the backup holds and what Velero could not
// bring back; Verify then looks for all of that in the world. A Restore that Velero calls Completed has not recovered anything by that.
type Restore struct{ clusters Clusters }

// NewRestore makes the responder velero.restore.
func NewRestore(clusters Clusters) *Restore { return &Restore{clusters} }

// Spec describes velero.restore.
func (r *Restore) Spec() responders.Spec {
	return responders.Spec{
		Name:  "velero.restore",
		About: "brings objects and volumes back from a backup of Velero, and verifies that they are there, bound and available",
		Class: policies.Destructive,
		Params: []responders.Param{
			{Name: "namespaces", Type: responders.ParamNames, About: "namespaces of the backup; all that it names if not given"},
			{Name: "backup", Type: responders.ParamString, About: "name of a backup, or latest: the newest that serves; latest if not given"},
			{Name: "resources", Type: responders.ParamNames, About: "kinds to restore, as deployments.apps; all if not given"},
			{Name: "excludeResources", Type: responders.ParamNames, About: "kinds to leave out"},
			{Name: "selector", Type: responders.ParamString, About: "label selector of what is restored"},
			{Name: "mapping", Type: responders.ParamString, About: "other namespaces to restore into, as shop=shop-check"},
			{Name: "modifiers", Type: responders.ParamString, About: "changes on the way, one a line, as deployments.apps: replace /spec/replicas 1"},
			{Name: "existing", Type: responders.ParamString, About: "restore into namespaces that are there, and leave objects that exist alone (none) or overwrite them (update)"},
			{Name: "volumes", Type: responders.ParamBool, About: "true: only from a backup with the contents of volumes; false: without them"},
			{Name: "preserveNodePorts", Type: responders.ParamBool, About: "keep the node ports of services"},
			{Name: "clusterResources", Type: responders.ParamBool, About: "with or without what has no namespace; if not given, what is needed"},
			{Name: "verified", Type: responders.ParamBool, About: "only from a backup that is known to be restorable"},
			{Name: "partial", Type: responders.ParamBool, About: "from an incomplete backup where no other serves"},
			{Name: "velero", Type: responders.ParamString, About: "namespace of Velero, where there are several"},
		},
		Grants: restoreGrants(),
	}
}

func restoreGrants() []responders.Grant {
	grants := append(BackupGrants(),
		responders.Grant{Group: definitions.Group, Resource: definitions.Resource, Verbs: []string{"get"}},
		responders.Grant{Resource: namespaces.Resource, Verbs: []string{"get"}},
		responders.Grant{Resource: configMaps.Resource, Verbs: []string{"get", "create"}},
		responders.Grant{Group: group, Resource: backups.Resource, Verbs: []string{"get"}},
		responders.Grant{Group: group, Resource: restores.Resource, Verbs: []string{"get", "list", "create", "delete"}},
		responders.Grant{Group: group, Resource: downloads.Resource, Verbs: []string{"get", "create"}},
		responders.Grant{Group: group, Resource: podVolumeRestores.Resource, Verbs: []string{"list"}},
		responders.Grant{Group: group, Resource: dataDownloads.Resource, Verbs: []string{"list", "patch"}},
	)
	return append(grants, inspectGrants()...)
}

// Preview chooses the backup and says what comes back from it.
func (r *Restore) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := r.Spec().Check(args); err != nil {
		return responders.Change{}, err
	}
	o, err := orderOf(args)
	if err != nil {
		return responders.Change{}, err
	}
	client, err := r.clusters.Custom(env.Cluster)
	if err != nil {
		return responders.Change{}, err
	}
	f := foresight{order: o, client: client, env: env}
	if err := f.choose(ctx, wanted(args)); err != nil {
		return responders.Change{}, err
	}
	if err := f.look(ctx); err != nil {
		return responders.Change{}, err
	}
	change := f.change()
	return change, pin(&change, f.order)
}

// Apply restores, and returns when Velero has come to an end and what it did is kept.
func (r *Restore) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	if change.Nothing {
		return nil
	}
	var o order
	if err := pinned(change, &o); err != nil {
		return err
	}
	w, err := open(r.clusters, env.Cluster)
	if err != nil {
		return err
	}
	return restoring{o, w, env}.run(ctx, func() {})
}

// Verify looks whether what the backup holds is in the world.
func (r *Restore) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	var o order
	if err := pinned(change, &o); err != nil {
		return unknown(err)
	}
	client, err := r.clusters.Custom(env.Cluster)
	if err != nil {
		return unknown(err)
	}
	found, err := inspection{order: o, client: client}.of(ctx, o.restoreName(env))
	if err != nil {
		return unknown(err)
	}
	return found, nil
}

// restoreName is the name of the Restore of the order.
func (o *order) restoreName(env responders.Env) string {
	if o.Done != "" {
		return o.Done
	}
	return nameFor(env)
}
