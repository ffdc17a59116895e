package velero

import (
	"context"
	"fmt"
	"strings"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// NamespaceRestore brings namespaces back that are gone, all from one backup, in turns: those of the first tier, and when Velero has come to an end
// with them, those of the next. Only what was promised something is brought back: who promised nothing may have meant to delete it.
//
// Each namespace has a Restore of its own, as velero.restore makes it, so that what is said of one is known while others are still waited for. Velero
// carries out one after the other; the next is made while one is at work, so that it never waits. CronJobs come back suspended: what they would do
// between the recovery point and now is for people to decide. A namespace whose objects Argo CD or Flux make is refused while they would undo it.
type NamespaceRestore struct{ clusters Clusters }

// NewNamespaceRestore makes the responder namespace.restore.
func NewNamespaceRestore(clusters Clusters) *NamespaceRestore { return &NamespaceRestore{clusters} }

// Spec describes namespace.restore.
func (n *NamespaceRestore) Spec() responders.Spec {
	return responders.Spec{
		Name:  "namespace.restore",
		About: "brings whole namespaces that are gone back from one backup, in the order of their tiers, and verifies that all of it is there, bound and available",
		Class: policies.Disruptive,
		Params: []responders.Param{
			{Name: "namespaces", Type: responders.ParamNames, Required: true, About: "namespaces that are gone, and that protection in salvor.yaml is about"},
			{Name: "backup", Type: responders.ParamString, About: "name of a backup, or latest: the newest that serves all of them; latest if not given"},
			{Name: "verified", Type: responders.ParamBool, About: "only from a backup that is known to be restorable"},
			{Name: "partial", Type: responders.ParamBool, About: "from an incomplete backup where no other serves"},
			{Name: "velero", Type: responders.ParamString, About: "namespace of Velero, where there are several"},
		},
		Grants: append(restoreGrants(), ownerGrants()...),
	}
}

// Preview chooses one backup for all, and refuses what would be undone or is not to be brought back.
func (n *NamespaceRestore) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := n.Spec().Check(args); err != nil {
		return responders.Change{}, err
	}
	turns, err := turnsOf(env, args.Names("namespaces"))
	if err != nil {
		return responders.Change{}, err
	}
	client, err := n.clusters.Custom(env.Cluster)
	if err != nil {
		return responders.Change{}, err
	}
	f := foresight{order: order{Namespaces: args.Names("namespaces"), Velero: args.Text("velero"), Modifiers: suspending}, client: client, env: env}
	if err := f.choose(ctx, wanted(args)); err != nil {
		return responders.Change{}, err
	}
	git, err := owners(ctx, client, f.Namespaces)
	if err != nil {
		return responders.Change{}, err
	}
	for _, o := range git {
		if o.acts != "" {
			return responders.Change{}, o.refusal()
		}
	}
	back, err := f.parts(ctx, turns)
	if err != nil {
		return responders.Change{}, err
	}
	change := back.change(&f, git)
	return change, pin(&change, back)
}

// Apply brings them back, and returns when Velero has come to an end with all of them.
func (n *NamespaceRestore) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	if change.Nothing {
		return nil
	}
	var back homecoming
	if err := pinned(change, &back); err != nil {
		return err
	}
	w, err := open(n.clusters, env.Cluster)
	if err != nil {
		return err
	}
	return newProcession(back, w, env).run(ctx)
}

// Verify looks for each namespace whether what the backup holds of it is in the world.
func (n *NamespaceRestore) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	var back homecoming
	if err := pinned(change, &back); err != nil {
		return unknown(err)
	}
	client, err := n.clusters.Custom(env.Cluster)
	if err != nil {
		return unknown(err)
	}
	var lacking []string
	well, some, all := 0, false, back.orders()
	for _, o := range all {
		quiet := responders.WithProgress(ctx, func(int, int, string) {})
		found, err := inspection{order: o, client: client}.of(quiet, o.restoreName(partEnv(env, o)))
		if err != nil {
			return unknown(fmt.Errorf("look at namespace %s: %w", strings.Join(o.Namespaces, ", "), err))
		}
		lacking = append(lacking, found.Detail...)
		if found.Outcome == responders.OutcomeVerified {
			well++
		}
		some = some || found.Outcome == responders.OutcomePartly
		responders.Progress(ctx, well, len(all), "namespaces found well")
	}
	promised := len(lacking)
	if some || well > 0 {
		promised++
	}
	return responders.FindingOf(promised, lacking), nil
}
