package volume

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// outlook is what a preview of a restore works out, from what is there.
type outlook struct {
	room
	env  responders.Env
	args responders.Args
	as   string // the token under which workloads are stopped

	claim *corev1.PersistentVolumeClaim
	fresh *corev1.PersistentVolume // the new volume, where this step has begun
	old   *corev1.PersistentVolume
	holders
	crew  crew
	doubt string // what people are warned of: that nothing compares
	picked
}

// picked is the snapshot to go back to, and the driver that holds it.
type picked struct {
	chosen
	driver string
}

func (o *outlook) namespace() string { return o.args.Text("namespace") }
func (o *outlook) name() string      { return o.args.Text("claim") }

// see looks at the world and makes the change.
func (o *outlook) see(ctx context.Context) (responders.Change, error) {
	space, err := o.space(ctx, o.namespace())
	if err != nil {
		return responders.Change{}, err
	}
	if err := o.look(ctx); err != nil {
		return responders.Change{}, err
	}
	if err := o.ofThisFault(); err != nil {
		return responders.Change{}, err
	}
	var facts restoring
	if o.isBegun() {
		facts, err = o.goneOn()
	} else {
		facts, err = o.anew(ctx)
	}
	if err != nil {
		return responders.Change{}, err
	}
	facts.Crew = or(facts.Crew, o.as)
	if facts.Owners, err = o.stopping(facts); err != nil {
		return responders.Change{}, err
	}
	change, err := o.change(space, facts)
	if err != nil {
		return change, err
	}
	return change, pin(&change, facts)
}

func (o *outlook) look(ctx context.Context) (err error) {
	if o.claim, err = claimAt(ctx, o.reader, o.namespace(), o.name()); err != nil {
		return err
	}
	if o.fresh, o.old, err = o.marked(ctx); err != nil {
		return err
	}
	if o.holders, err = o.heldBy(ctx, o.namespace(), o.name()); err != nil {
		return err
	}
	o.crew, err = crewOf(ctx, o.reader, o.namespace())
	return err
}

// ofThisFault refuses to take for its own what was restored before the fault began: by an incident of the same id, before Salvor lost its records.
func (o *outlook) ofThisFault() error {
	if o.fresh == nil || !o.isOver() || !wasThere(&o.fresh.ObjectMeta, o.env.Broken) {
		return nil
	}
	return fmt.Errorf("volume %s took its place before the fault began, for an incident of the same id: Salvor has lost its records since; take the label %s off that volume and off those "+
		"that were kept then, and try again: kubectl label pv -l %s=%s %s-", o.fresh.Name, ForLabel, ForLabel, o.token, ForLabel)
}

// wasThere says that an object was there at a moment, as far as it says since when it is.
func wasThere(meta *metav1.ObjectMeta, at time.Time) bool {
	return !meta.CreationTimestamp.IsZero() && meta.CreationTimestamp.Time.Before(at)
}

// isBegun says that this step has a new volume for the claim already.
func (o *outlook) isBegun() bool { return o.fresh != nil }

// goneOn is what was pinned when the restore began, which stands on the new volume until the end.
func (o *outlook) goneOn() (restoring, error) {
	facts, err := o.written()
	if err != nil {
		return facts, err
	}
	if asked := or(o.args.Text("snapshot"), latest); asked != latest && asked != facts.Final.Snapshot {
		return facts, fmt.Errorf("this step has restored snapshot %s, or begun to: another one cannot take its place", facts.Final.Snapshot)
	}
	facts.Crew = or(facts.Crew, o.token)
	o.chosen = chosen{snapshot: snapshot{namespace: o.namespace(), name: facts.Final.Snapshot, uid: facts.Snapshot, taken: facts.Taken}}
	return facts, nil
}

func (o *outlook) written() (restoring, error) {
	var facts restoring
	if o.isOver() {
		facts = restoring{Namespace: o.namespace(), Claim: o.name(), Beside: &making{Claim: blank(o.namespace(), beside(o.name(), o.token), "", o.fresh.Spec.Capacity["storage"])},
			Final: &making{Claim: blank(o.namespace(), o.name(), "", o.fresh.Spec.Capacity["storage"]), Snapshot: o.claim.Annotations[RestoredAnnotation]}, Keep: keepFor}
		if o.old != nil {
			facts.Old = held{o.old.Name, o.old.UID}
		}
		return facts, nil
	}
	err := json.Unmarshal([]byte(o.fresh.Annotations[RestoreAnnotation]), &facts)
	if err != nil || facts.Namespace != o.namespace() || facts.Claim != o.name() || facts.Final == nil || facts.Final.Claim == nil || facts.Beside == nil || facts.Beside.Claim == nil {
		return facts, fmt.Errorf("volume %s is labelled as that of this step, and its annotation %s does not say how it goes on: take the label %s off it, or see to it by hand",
			o.fresh.Name, RestoreAnnotation, ForLabel)
	}
	return facts, nil
}

// isOver says that the restore has come to its end.
func (o *outlook) isOver() bool {
	return o.claim != nil && o.claim.Spec.VolumeName == o.fresh.Name && o.fresh.Annotations[RestoreAnnotation] == ""
}

// stopping are the workloads that the restore stops or has stopped, with the replicas that they are given back.
func (o *outlook) stopping(facts restoring) ([]workload, error) {
	if facts.Beside == nil || o.isBegun() && o.isOver() {
		return nil, nil
	}
	if err := o.mayStop(facts.Stop); err != nil {
		return nil, err
	}
	using, err := o.crew.ownersOf(o.users)
	if err != nil {
		return nil, err
	}
	var out []workload
	for _, of := range o.crew.stoppedBy(facts.Crew) {
		out = append(out, workload{of.target, of.mark().Replicas})
	}
	for _, of := range using {
		switch mark := of.mark(); {
		case of.deletes:
			return nil, of.wouldDelete()
		case mark != nil && mark.For != facts.Crew:
			return nil, fmt.Errorf("%s was stopped by another step, of incident %s: end that one first", of.target, brief(mark.Incident))
		case mark == nil:
			out = append(out, workload{of.target, of.replicas})
		}
	}
	return out, nil
}

func (o *outlook) targets(space policies.Target, facts restoring) []policies.Target {
	targets := []policies.Target{space}
	switch {
	case o.claim != nil:
		targets = []policies.Target{targetOf(o.claim)}
	case o.old != nil:
		targets = []policies.Target{volumeTarget(o.old)}
	}
	if o.claim != nil && o.old != nil {
		targets = append(targets, volumeTarget(o.old))
	}
	for _, of := range facts.Owners {
		targets = append(targets, of.Target)
	}
	return targets
}
