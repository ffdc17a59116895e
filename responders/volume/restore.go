package volume

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Restore brings the content of a claim back from a CSI snapshot. Where the claim is there it is destructive: what was written since the snapshot
// is in the claim no more, though the old volume is kept. Where the claim is gone nothing is replaced, and it is disruptive: pods that wait for
// the claim begin to write to it.
type Restore struct{ clusters Clusters }

// NewRestore makes the responder volume.restore.
func NewRestore(clusters Clusters) *Restore { return &Restore{clusters} }

// keepFor is how long a replaced volume is kept if the runbook does not say.
const keepFor = "168h"

// Spec describes volume.restore.
func (r *Restore) Spec() responders.Spec {
	return responders.Spec{
		Name:  "volume.restore",
		About: "restores a claim from a CSI snapshot beside the old one, and puts it in its place; the old volume is kept",
		Class: policies.Destructive,
		Params: []responders.Param{
			{Name: "namespace", Type: responders.ParamString, Required: true, About: "namespace of the claim"},
			{Name: "claim", Type: responders.ParamString, Required: true, About: "name of the claim"},
			{Name: "snapshot", Type: responders.ParamString, About: "name of the snapshot; the latest before the fault if not given"},
			{Name: "storageClass", Type: responders.ParamString, About: "storage class of the new volume; that of the old claim if not given"},
			{Name: "stop", Type: responders.ParamBool, About: "stop the workloads that use the claim, and start them again; without it a claim in use is refused"},
			{Name: "compare", Type: responders.ParamBool, About: "let the CronJob that has the annotation salvor.io/compares compare before the old one is replaced; where none has, that is a warning"},
			{Name: "keep", Type: responders.ParamDuration, About: "how long the old volume is kept; 168h if not given"},
		},
		Grants: []responders.Grant{
			{Resource: "events", Verbs: []string{"list"}},
			{Resource: "namespaces", Verbs: []string{"get"}},
			{Resource: "nodes", Verbs: []string{"list"}},
			{Resource: "pods", Verbs: []string{"list", "delete"}},
			{Resource: "persistentvolumeclaims", Verbs: []string{"get", "create", "delete"}},
			{Resource: "persistentvolumes", Verbs: []string{"get", "list", "patch"}},
			{Resource: "resourcequotas", Verbs: []string{"list"}},
			{Group: "apps", Resource: "deployments", Verbs: []string{"list", "patch"}},
			{Group: "apps", Resource: "replicasets", Verbs: []string{"list", "patch"}},
			{Group: "apps", Resource: "statefulsets", Verbs: []string{"list", "patch"}},
			{Group: "batch", Resource: "cronjobs", Verbs: []string{"list"}},
			{Group: "batch", Resource: "jobs", Verbs: []string{"get", "create"}},
			{Group: "storage.k8s.io", Resource: "storageclasses", Verbs: []string{"get", "list"}},
			{Group: snapshotGroup, Resource: "volumesnapshotcontents", Verbs: []string{"get"}},
			{Group: snapshotGroup, Resource: "volumesnapshots", Verbs: []string{"get", "list"}},
		},
	}
}

func (r *Restore) check(args responders.Args) error {
	if err := r.Spec().Check(args); err != nil {
		return err
	}
	if err := named("volume.restore", "namespace", args.Text("namespace"), namespaceName); err != nil {
		return err
	}
	if err := named("volume.restore", "claim", args.Text("claim"), objectName); err != nil {
		return err
	}
	if err := named("volume.restore", "snapshot", or(args.Text("snapshot"), latest), objectName); err != nil {
		return err
	}
	if d, err := time.ParseDuration(or(args.Text("keep"), keepFor)); err != nil || d < time.Hour {
		return fmt.Errorf("volume.restore: the argument \"keep\" must be at least 1h, not %s: the old volume is what is left if the restored one is of no use", args.Text("keep"))
	}
	return nil
}

// Preview pins the claim, its volume, the snapshot and who uses the claim, and refuses what could not be ended. A restore that this step has begun
// is gone on with as it was pinned then.
func (r *Restore) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	return r.preview(ctx, env, args, token(env, args.Text("namespace"), args.Text("claim")))
}

// preview is Preview of a restore that stops workloads under a token, which may be one for several claims.
func (r *Restore) preview(ctx context.Context, env responders.Env, args responders.Args, as string) (responders.Change, error) {
	if err := r.check(args); err != nil {
		return responders.Change{}, err
	}
	at, err := openRoom(r.clusters, env, args.Text("namespace"), args.Text("claim"))
	if err != nil {
		return responders.Change{}, err
	}
	o := outlook{room: at, env: env, args: args, as: as}
	change, err := o.see(ctx)
	if err != nil {
		return responders.Change{}, fmt.Errorf("restore claim %s/%s: %w", args.Text("namespace"), args.Text("claim"), err)
	}
	return change, nil
}

// Apply restores, swaps and waits, as far as it is not done yet.
func (r *Restore) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	if change.Nothing {
		return nil
	}
	s, err := r.open(env, change, openToAct)
	if err != nil {
		return err
	}
	return drive(ctx, swapStages, s.next)
}

// Verify looks whether the claim is bound to the restored volume, the old one kept, and what was stopped started again. Whether the workloads are
// available is for a check of the plan.
func (r *Restore) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	s, err := r.open(env, change, openRoom)
	if err != nil {
		return unknown(err)
	}
	w, err := s.look(ctx)
	if err != nil {
		return unknown(err)
	}
	m, err := s.judge(w)
	switch {
	case err != nil:
		return responders.FindingOf(1, []string{err.Error()}), nil
	case m.open != "":
		return responders.FindingOf(1, []string{m.open}), nil
	}
	return responders.Finding{Outcome: responders.OutcomeVerified, Detail: s.ended(w)}, nil
}

func (r *Restore) open(env responders.Env, change responders.Change, open func(Clusters, responders.Env, ...string) (room, error)) (swap, error) {
	s := swap{incident: env.Incident, now: env.Now}
	if err := pinned(change, &s.restoring); err != nil {
		return s, err
	}
	if s.Final == nil || s.Final.Claim == nil || s.Beside != nil && s.Beside.Claim == nil {
		return s, fmt.Errorf("read the pinned facts of volume.restore: they name no claim")
	}
	var err error
	s.room, err = open(r.clusters, env, s.Namespace, s.Claim)
	s.Crew = or(s.Crew, s.token)
	return s, err
}

// ended says how things are in the end.
func (s swap) ended(w scene) []string {
	size := w.claim.Status.Capacity[corev1.ResourceStorage]
	said := []string{fmt.Sprintf("claim %s holds snapshot %s on volume %s (%s)", s.name(), s.Final.Snapshot, w.claim.Spec.VolumeName, size.String())}
	if s.Compare != nil {
		said = append(said, s.Compare.String()+" compared it before, and succeeded"+after(w.fresh.Annotations[ComparedAnnotation]))
	}
	if w.old != nil {
		said = append(said, fmt.Sprintf("the old volume %s is kept, to be deleted after %s by who does not need it: %s", w.old.Name, w.old.Labels[KeptUntilLabel],
			`kubectl patch pv `+w.old.Name+` -p '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}'`))
	}
	return said
}
