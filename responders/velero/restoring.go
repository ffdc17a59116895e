package velero

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/point"
)

// restoring carries out one order.
type restoring struct {
	order
	world
	env responders.Env
}

// modifiersSuffix ends the name of the ConfigMap that holds the modifiers of a restore.
const modifiersSuffix = "-modifiers"

// run makes the Restore, or finds the one that was made, watches it to its end, and keeps what came of it.
func (r restoring) run(ctx context.Context) error {
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
		if restore, err = r.follow(ctx, restore); err != nil {
			return err
		}
		if kept, err = r.keep(ctx, restore); err != nil {
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
// What Velero has not begun with is taken back.
func (r restoring) await(ctx context.Context, mine string) error {
	return until(ctx, "wait for an earlier restore of this incident to end", func(ctx context.Context) (bool, error) {
		earlier, err := attempts(ctx, r.reader, r.Velero, r.env)
		if err != nil {
			return false, err
		}
		for _, a := range earlier {
			if a.name != mine && a.isNew() {
				_, err := r.withdraw(ctx, restores, a.object)
				return false, err
			}
			moving, err := movers(ctx, r.reader, r.Velero, a.name)
			if err != nil {
				return false, err
			}
			if a.name != mine && (!hasEnded(a.phase) || moving.running > 0) {
				responders.Progress(ctx, 0, 1, "earlier restore "+a.name+" ended")
				return false, nil
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
	annotations := o.GetAnnotations()
	annotations[digestAnnotation] = digest
	o.SetAnnotations(annotations)
	_, err = r.make(ctx, configMaps, o)
	return err
}

// follow watches the Restore until Velero has come to an end with it.
func (r restoring) follow(ctx context.Context, restore *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	name, uid := restore.GetName(), restore.GetUID()
	ignored := ignoring{world: r.world, kind: restores}
	err := until(ctx, "wait for restore "+name, func(ctx context.Context) (bool, error) {
		now, err := find(ctx, r.reader, restores, r.Velero, name)
		switch {
		case err != nil:
			return false, err
		case now == nil || now.GetUID() != uid:
			return false, fmt.Errorf("restore %s was deleted while it ran", name)
		}
		restore = now
		var s restoreStatus
		if err := statusOf(now, &s); err != nil {
			return false, err
		}
		responders.Progress(ctx, s.Progress.ItemsRestored, max(s.Progress.TotalItems, r.Items), "items restored")
		if !hasEnded(s.Phase) {
			return false, ignored.check(ctx, now, s.Phase)
		}
		return true, s.refusal(name)
	})
	return restore, err
}

// restoreStatus is what is read of the status of a Restore or a Backup.
type restoreStatus struct {
	Phase            string   `json:"phase"`
	FailureReason    string   `json:"failureReason"`
	ValidationErrors []string `json:"validationErrors"`
	Errors           int      `json:"errors"`
	Warnings         int      `json:"warnings"`
	Progress         progress `json:"progress"`
}

// refusal says why Velero did not carry a Restore out at all.
func (s restoreStatus) refusal(name string) error {
	switch s.Phase {
	case "FailedValidation":
		return fmt.Errorf("restore %s: Velero refuses it: %s", name, line(strings.Join(s.ValidationErrors, "; ")))
	case "Failed":
		return fmt.Errorf("restore %s failed: %s", name, line(s.FailureReason))
	case point.Completed, point.PartiallyFailed:
		return nil
	}
	return fmt.Errorf("restore %s is %s", name, s.Phase)
}
