package velero

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"k8s.io/client-go/dynamic"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/point"
)

// foresight is what becomes known of a restore while its plan is made.
type foresight struct {
	order
	client dynamic.Interface
	env    responders.Env

	choice point.Choice
	there  []string // of the namespaces that are restored into those that are there and were so before the incident's restores
	kept   []string // the claims in those, which keep their volumes, a sentence each
}

// latest stands for the newest backup that serves.
const latest = "latest"

// wanted is what the arguments say about the backup.
func wanted(args responders.Args) point.Want {
	want := point.Want{Named: args.Text("backup"), Verified: args["verified"] == true, AllowPartial: args["partial"] == true}
	if want.Named == latest {
		want.Named = ""
	}
	return want
}

// choose finds Velero and the backup.
func (f *foresight) choose(ctx context.Context, want point.Want) error {
	if err := f.demands(ctx); err != nil {
		return err
	}
	velero, err := installed(ctx, f.client, f.Velero)
	if err != nil {
		return err
	}
	f.Velero = velero.namespace
	all, err := Backups(ctx, f.client)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(b point.Backup) bool { return b.Namespace != velero.namespace })
	want.Need, want.Cluster, want.Before = f.need(), f.env.Cluster, f.env.Broken
	f.choice = point.Choose(want, all, f.env.Now)
	if err := f.choice.Err(want); err != nil {
		return err
	}
	return f.take(velero)
}

// demands says what of the order an older Velero does not know.
func (f *foresight) demands(ctx context.Context) error {
	fields := []struct {
		asked        bool
		field, since string
	}{
		{true, "backupName", "1.0"}, {f.Existing != "", "existingResourcePolicy", "1.9"}, {f.Modifiers != "", "resourceModifier", "1.12"},
		{f.NodePorts != nil, "preserveNodePorts", "1.7"},
	}
	for _, d := range fields {
		if d.asked {
			if err := demand(ctx, f.client, restores.Resource, d.field, d.since); err != nil {
				return err
			}
		}
	}
	return nil
}

// take pins the chosen backup.
func (f *foresight) take(velero installation) error {
	chosen := f.choice.Point
	place, err := velero.location(chosen.Location)
	if err != nil {
		return err
	}
	if err := place.awake(f.env.Now); err != nil {
		return err
	}
	f.Backup, f.BackupUID, f.Items = chosen.Name, chosen.UID, chosen.Items
	if len(f.Namespaces) == 0 {
		f.Namespaces = slices.Sorted(slices.Values(chosen.Scope.Namespaces))
	}
	for _, from := range slices.Sorted(maps.Keys(f.Mapping)) {
		if !slices.Contains(f.Namespaces, from) {
			return fmt.Errorf("mapping: namespace %s is not in backup %s", from, chosen.Name)
		}
	}
	return nil
}

// look says how the namespaces stand that are restored into, and what was restored into them for the incident already. One that is there is
// refused, unless the order says what is to become of what is in it.
func (f *foresight) look(ctx context.Context) error {
	all, err := attempts(ctx, f.client, restores, f.Velero, f.env)
	if err != nil {
		return err
	}
	earlier := since(all, f.env.Broken)
	f.Tries = len(all) - len(earlier)
	for _, from := range f.Namespaces {
		name := f.target(from)
		if slices.ContainsFunc(f.Into, func(s space) bool { return s.Name == name }) {
			return fmt.Errorf("mapping: two namespaces would be restored into %s", name)
		}
		found, err := find(ctx, f.client, namespaces, "", name)
		switch {
		case err != nil:
			return err
		case found == nil:
			f.Into = append(f.Into, space{Name: name})
			continue
		case found.GetDeletionTimestamp() != nil:
			return fmt.Errorf("restore into namespace %s: it is being deleted; try again when it is gone", name)
		}
		f.Into = append(f.Into, space{name, string(found.GetUID())})
		if !made(earlier, found.GetCreationTimestamp().Time) {
			f.there = append(f.there, name)
		}
	}
	if f.Existing == "" && len(f.there) > 0 {
		return fmt.Errorf("restore into namespace %s: it is there; restore into another one by mapping, or say what is to become of what is in it by existing: %s or %s",
			f.there[0], keepExisting, updateExisting)
	}
	if err := f.lookAtClaims(ctx); err != nil {
		return err
	}
	return f.recall(earlier)
}

// recall finds the restore of an earlier plan that did just what is ordered, and counts those that are of no use any more: since they did not come to a
// good end, or a namespace that was restored into is gone again.
func (f *foresight) recall(earlier []attempt) error {
	f.Tries += failures(earlier)
	if slices.ContainsFunc(f.Into, func(s space) bool { return s.UID == "" }) {
		f.Tries += completed(earlier)
		return nil
	}
	for _, a := range earlier {
		spec, err := f.spec(a.name + modifiersSuffix)
		if err != nil {
			return err
		}
		if digest, err := digestOf(spec); err != nil || digest != a.digest || a.phase != point.Completed {
			continue
		}
		f.Done = a.name
	}
	return nil
}
