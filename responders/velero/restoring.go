package velero

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/salvor-io/salvor/responders"
)

// restoring carries out one order.
type restoring struct {
	order
	world
	env responders.Env
}

// modifiersSuffix ends the name of the ConfigMap that holds the modifiers of a restore.
const modifiersSuffix = "-modifiers"

// run makes the Restore, or finds the one that was made, says so, watches it to its end, and keeps what came of it.
func (r restoring) run(ctx context.Context, begun func()) error {
	name := r.restoreName(r.env)
	kept, err := r.account(ctx, name)
	if err != nil {
		return err
	}
	if kept == nil {
		restore, err := r.begin(ctx, name)
		if err != nil {
			return err
		}
		begun()
		tell := func(p progress) {
			responders.Progress(ctx, p.ItemsRestored, max(p.TotalItems, r.Items), "items restored")
		}
		restore, status, err := r.follow(ctx, restores, restore, tell)
		if err != nil {
			return err
		}
		if kept, err = r.keep(ctx, restore, status); err != nil {
			return err
		}
	}
	return kept.trouble()
}

// begin finds the Restore or makes it, once the world is as the plan saw it and nothing of an earlier plan runs on.
func (r restoring) begin(ctx context.Context, name string) (*unstructured.Unstructured, error) {
	spec, err := r.spec(name + modifiersSuffix)
	if err != nil {
		return nil, err
	}
	wanted, err := object(r.env, "Restore", r.Velero, name, spec)
	if err != nil {
		return nil, err
	}
	was, err := find(ctx, r.reader, restores, r.Velero, name)
	if err != nil {
		return nil, err
	}
	if was == nil {
		if err := r.await(ctx, name); err != nil {
			return nil, err
		}
		if err := r.recheck(ctx); err != nil {
			return nil, err
		}
		if err := r.writeModifiers(ctx, name); err != nil {
			return nil, err
		}
	}
	return r.make(ctx, restores, wanted)
}

// await waits until what earlier plans of the incident began has ended, their data movers included: two that restore the same would write at once.
// What Velero has not begun with is taken back, and data movers are told to stop.
func (r restoring) await(ctx context.Context, mine string) error {
	return until(ctx, "wait for an earlier restore of this incident to end", func(ctx context.Context) (bool, error) {
		earlier, err := attempts(ctx, r.reader, restores, r.Velero, r.env)
		if err != nil {
			return false, err
		}
		for _, a := range earlier {
			if a.name != mine && isNew(a.phase) {
				_, err := r.withdraw(ctx, restores, a.object)
				return false, err
			}
			moving, err := movers(ctx, r.reader, r.Velero, a.name)
			if err != nil {
				return false, err
			}
			if a.name != mine && (!hasEnded(a.phase) || moving.running > 0) {
				responders.Progress(ctx, 0, 1, "earlier restore "+a.name+" ended")
				_, _, err := r.halt(ctx, restores, r.Velero, a.name)
				return false, err
			}
		}
		return true, nil
	})
}

// recheck refuses when the backup or the namespaces are not any more what the plan saw.
func (r restoring) recheck(ctx context.Context) error {
	backup, err := find(ctx, r.reader, backups, r.Velero, r.Backup)
	switch {
	case err != nil:
		return err
	case backup == nil:
		return fmt.Errorf("restore from backup %s: it is gone", r.Backup)
	case string(backup.GetUID()) != r.BackupUID:
		return fmt.Errorf("restore from backup %s: another one has its name, with UID %s; the plan was made for %s", r.Backup, backup.GetUID(), r.BackupUID)
	case backup.GetDeletionTimestamp() != nil:
		return fmt.Errorf("restore from backup %s: it is being deleted", r.Backup)
	}
	for _, s := range r.Into {
		found, err := find(ctx, r.reader, namespaces, "", s.Name)
		switch {
		case err != nil:
			return err
		case found == nil && s.UID != "":
			return fmt.Errorf("restore into namespace %s: it is gone since the plan was made", s.Name)
		case found != nil && string(found.GetUID()) != s.UID:
			return fmt.Errorf("restore into namespace %s: it was made since the plan was made", s.Name)
		}
	}
	return nil
}

func (r restoring) writeModifiers(ctx context.Context, name string) error {
	if r.Modifiers == "" {
		return nil
	}
	o, err := object(r.env, "ConfigMap", r.Velero, name+modifiersSuffix, nil)
	if err != nil {
		return err
	}
	delete(o.Object, "spec")
	o.SetAPIVersion("v1")
	o.Object["data"] = map[string]any{"modifiers.yaml": r.Modifiers}
	digest, err := digestOf(r.Modifiers)
	if err != nil {
		return err
	}
	// It goes with the backup, which is there before the Restore is.
	o.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: version.String(), Kind: "Backup", Name: r.Backup, UID: types.UID(r.BackupUID)}})
	annotations := o.GetAnnotations()
	annotations[digestAnnotation] = digest
	o.SetAnnotations(annotations)
	_, err = r.make(ctx, configMaps, o)
	return err
}
