package volume

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Snapshot takes a CSI snapshot of each claim. It is reversible: it adds a snapshot that can be deleted, and touches neither claims nor the
// pods that use them. A snapshot holds what the volume held at that moment, as after a power cut: nothing asks an application to flush.
type Snapshot struct{ clusters Clusters }

// NewSnapshot makes the responder volume.snapshot.
func NewSnapshot(clusters Clusters) *Snapshot { return &Snapshot{clusters} }

// taking is what the plan pinned of one claim, in the order of the targets.
type taking struct {
	Volume string `json:"volume"`
	Class  string `json:"class"`
	Name   string `json:"name"` // of the snapshot
}

// Spec describes volume.snapshot.
func (s *Snapshot) Spec() responders.Spec {
	return responders.Spec{
		Name:  "volume.snapshot",
		About: "takes a CSI snapshot of each claim and waits until it can be used",
		Class: policies.Reversible,
		Params: []responders.Param{
			{Name: "namespace", Type: responders.ParamString, Required: true, About: "namespace of the claims"},
			{Name: "claims", Type: responders.ParamNames, Required: true, About: "names of the claims"},
			{Name: "class", Type: responders.ParamString, About: "VolumeSnapshotClass; the default or only one of the claim's driver if not given"},
		},
		Grants: []responders.Grant{
			{Resource: "persistentvolumeclaims", Verbs: []string{"get"}},
			{Resource: "persistentvolumes", Verbs: []string{"get"}},
			{Resource: "resourcequotas", Verbs: []string{"list"}},
			{Group: snapshotGroup, Resource: "volumesnapshotclasses", Verbs: []string{"list"}},
			{Group: snapshotGroup, Resource: "volumesnapshotcontents", Verbs: []string{"get"}},
			{Group: snapshotGroup, Resource: "volumesnapshots", Verbs: []string{"get", "create"}},
		},
	}
}

// Preview names the claims, their volumes and the class, and refuses what cannot be taken a snapshot of.
func (s *Snapshot) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := s.Spec().Check(args); err != nil {
		return responders.Change{}, err
	}
	if err := named("volume.snapshot", "namespace", args.Text("namespace"), namespaceName); err != nil {
		return responders.Change{}, err
	}
	at, err := openRoom(s.clusters, env)
	if err != nil {
		return responders.Change{}, err
	}
	change := responders.Change{Responder: "volume.snapshot", Nothing: true}
	var facts []taking
	missing := 0
	for _, name := range args.Names("claims") {
		target, fact, there, err := s.foresee(ctx, at, args, name)
		if err != nil {
			return responders.Change{}, fmt.Errorf("take a snapshot of claim %s/%s: %w", args.Text("namespace"), name, err)
		}
		change.Targets, facts = append(change.Targets, target), append(facts, fact)
		if there {
			change.Will = append(change.Will, fmt.Sprintf("snapshot %s of claim %s was taken by this incident and is ready", fact.Name, name))
			continue
		}
		missing++
		change.Will = append(change.Will, fmt.Sprintf("a snapshot of claim %s (volume %s) is taken: %s, class %s", name, fact.Volume, fact.Name, fact.Class))
	}
	if missing > 0 {
		change.Class, change.Nothing, change.DurationS = policies.Reversible, false, 60
		if change.Command, err = s.command(at, env, change.Targets, facts); err != nil {
			return responders.Change{}, err
		}
		if err := forSnapshots(missing).fits(ctx, at.reader, args.Text("namespace")); err != nil {
			return responders.Change{}, err
		}
	}
	return change, pin(&change, facts)
}

// foresee looks at one claim, and says whether its snapshot is there and ready already.
func (s *Snapshot) foresee(ctx context.Context, at room, args responders.Args, name string) (policies.Target, taking, bool, error) {
	namespace, none := args.Text("namespace"), policies.Target{}
	claim, err := claimAt(ctx, at.reader, namespace, name)
	if err != nil {
		return none, taking{}, false, err
	}
	driver, err := at.driverOf(ctx, claim)
	if err != nil {
		return none, taking{}, false, err
	}
	class, err := at.shelf.snapshotClass(ctx, driver, args.Text("class"))
	if err != nil {
		return none, taking{}, false, err
	}
	fact := taking{Volume: claim.Spec.VolumeName, Class: class, Name: beside(name, at.token)}
	found, there, err := at.shelf.one(ctx, namespace, fact.Name)
	if err == nil && there {
		err = found.mine(at.token, name)
	}
	return targetOf(claim), fact, there && found.unusable() == "", err
}

// Apply makes the snapshots that are not there, one after the other so that they are close in time: it waits for none.
func (s *Snapshot) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	if change.Nothing {
		return nil
	}
	facts, err := takings(change)
	if err != nil {
		return err
	}
	at, err := openToAct(s.clusters, env)
	if err != nil {
		return err
	}
	for i, target := range change.Targets {
		responders.Progress(ctx, i, len(change.Targets), "snapshots begun")
		if err := s.take(ctx, at, env, target, facts[i]); err != nil {
			return fmt.Errorf("take a snapshot of %s: %w", target, err)
		}
	}
	return nil
}

func takings(change responders.Change) ([]taking, error) {
	var facts []taking
	if err := pinned(change, &facts); err != nil {
		return nil, err
	}
	if len(facts) != len(change.Targets) {
		return nil, fmt.Errorf("read the pinned facts of volume.snapshot: %d facts for %d targets", len(facts), len(change.Targets))
	}
	return facts, nil
}

func (s *Snapshot) take(ctx context.Context, at room, env responders.Env, target policies.Target, fact taking) error {
	found, there, err := at.shelf.one(ctx, target.Namespace, fact.Name)
	if err != nil {
		return err
	}
	if there {
		return found.mine(at.token, target.Name)
	}
	claim, err := claimAt(ctx, at.reader, target.Namespace, target.Name)
	switch {
	case err != nil:
		return err
	case claim == nil || claim.UID != types.UID(target.UID) || claim.Spec.VolumeName != fact.Volume:
		return fmt.Errorf("it is not the claim any more that the plan was made for, with volume %s", fact.Volume)
	}
	return at.hand.create(ctx, snapshotKind, at.manifest(env, target.Namespace, fact.Name, fact.Class, ofClaim(target.Name)))
}

// Verify looks whether each snapshot is ready, and says its size and by what its driver knows it.
func (s *Snapshot) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	facts, err := takings(change)
	if err != nil {
		return unknown(err)
	}
	at, err := openRoom(s.clusters, env)
	if err != nil {
		return unknown(err)
	}
	var ready, missing []string
	for i, target := range change.Targets {
		found, there, err := at.shelf.one(ctx, target.Namespace, facts[i].Name)
		if err != nil {
			return unknown(err)
		}
		why := found.unusable()
		switch {
		case !there:
			missing = append(missing, fmt.Sprintf("snapshot %s/%s is not there", target.Namespace, facts[i].Name))
		case found.token != at.token || why != "":
			missing = append(missing, strings.TrimSuffix(fmt.Sprintf("%s: %s", found, why), ": "))
		default:
			said, err := at.described(ctx, found)
			if err != nil {
				return unknown(err)
			}
			ready = append(ready, said)
		}
	}
	responders.Progress(ctx, len(ready), len(change.Targets), "snapshots ready")
	if len(missing) == 0 {
		return responders.Finding{Outcome: responders.OutcomeVerified, Detail: firstOf(ready)}, nil
	}
	return responders.FindingOf(len(change.Targets), missing), nil
}
