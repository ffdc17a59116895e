package volume

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/point"
)

// Import brings the content of a volume over from another cluster that shares the storage: by the handle of a snapshot it makes a content that
// is kept whatever is deleted here (Retain), a VolumeSnapshot that is bound to it, and a claim from that. It is reversible: it only adds, and
// what it adds can be deleted.
type Import struct{ clusters Clusters }

// NewImport makes the responder volume.import.
func NewImport(clusters Clusters) *Import { return &Import{clusters} }

// importing is what the plan pinned.
type importing struct {
	Driver  string `json:"driver"`
	Handle  string `json:"handle"`
	Class   string `json:"class"`   // VolumeSnapshotClass
	Content string `json:"content"` // name of the VolumeSnapshotContent
	Making  making `json:"making"`
}

// Spec describes volume.import.
func (i *Import) Spec() responders.Spec {
	text := func(name, about string) responders.Param {
		return responders.Param{Name: name, Type: responders.ParamString, About: about}
	}
	required := func(name, about string) responders.Param {
		return responders.Param{Name: name, Type: responders.ParamString, Required: true, About: about}
	}
	return responders.Spec{
		Name:  "volume.import",
		About: "makes a claim from a CSI snapshot that another cluster took, which shares the storage",
		Class: policies.Reversible,
		Params: []responders.Param{
			required("namespace", "namespace of the new claim"), required("claim", "name of the new claim"),
			text("handle", "the handle by which the driver knows the snapshot, where the other cluster cannot be asked"),
			text("driver", "the CSI driver of the handle"), text("size", "how large the claim has to be, such as 10Gi"),
			text("fromCluster", "the cluster of salvor.yaml that took the snapshot"),
			text("fromNamespace", "namespace of the snapshot there; that of the claim if not given"),
			text("fromClaim", "claim that the snapshot was taken of; the name of the new one if not given"),
			text("snapshot", "name of the snapshot there; the latest if not given"),
			text("class", "VolumeSnapshotClass here; the default or only one of the driver if not given"),
			text("storageClass", "storage class here; the default one if not given"),
			text("accessMode", "how the volume is used; ReadWriteOnce if not given"),
		},
		OneOf:  []string{"handle", "fromCluster"},
		Grants: importGrants(),
	}
}

func importGrants() []responders.Grant {
	return []responders.Grant{
		{Resource: "events", Verbs: []string{"list"}},
		{Resource: "namespaces", Verbs: []string{"get"}},
		{Resource: "nodes", Verbs: []string{"list"}},
		{Resource: "persistentvolumeclaims", Verbs: []string{"get", "create", "delete"}},
		{Resource: "resourcequotas", Verbs: []string{"list"}},
		{Group: "storage.k8s.io", Resource: "csidrivers", Verbs: []string{"get"}},
		{Group: "storage.k8s.io", Resource: "storageclasses", Verbs: []string{"get", "list"}},
		{Group: snapshotGroup, Resource: "volumesnapshotclasses", Verbs: []string{"list"}},
		{Group: snapshotGroup, Resource: "volumesnapshotcontents", Verbs: []string{"get", "list", "create", "delete"}},
		{Group: snapshotGroup, Resource: "volumesnapshots", Verbs: []string{"get", "list", "create", "delete"}},
	}
}

// Preview finds the snapshot, and refuses what could not be made here.
func (i *Import) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := i.check(args); err != nil {
		return responders.Change{}, err
	}
	at, err := openRoom(i.clusters, env, args.Text("namespace"), args.Text("claim"))
	if err != nil {
		return responders.Change{}, err
	}
	namespace, claim := args.Text("namespace"), args.Text("claim")
	space, err := at.space(ctx, namespace)
	if err != nil {
		return responders.Change{}, err
	}
	from, err := i.sourceOf(ctx, env, args)
	if err != nil {
		return responders.Change{}, err
	}
	facts, err := i.foresee(ctx, at, from, args)
	if err != nil {
		return responders.Change{}, fmt.Errorf("import snapshot %s into claim %s/%s: %w", from.Handle, namespace, claim, err)
	}
	there, err := claimAt(ctx, at.reader, namespace, claim)
	if err != nil {
		return responders.Change{}, err
	}
	return facts.change(env, from, space, at.unbound(there) == "")
}

func (i *Import) check(args responders.Args) error {
	if err := i.Spec().Check(args); err != nil {
		return err
	}
	if err := named("volume.import", "namespace", args.Text("namespace"), namespaceName); err != nil {
		return err
	}
	if err := named("volume.import", "claim", args.Text("claim"), objectName); err != nil {
		return err
	}
	modes := []string{"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"}
	if mode := args.Text("accessMode"); mode != "" && !slices.Contains(modes, mode) {
		return fmt.Errorf("volume.import: the argument \"accessMode\" must be one of %v, not %q", modes, mode)
	}
	return nil
}

// foresee looks whether the driver, the classes, the claim's name, the handle and the quotas allow it.
func (i *Import) foresee(ctx context.Context, at room, from source, args responders.Args) (importing, error) {
	namespace, name := args.Text("namespace"), args.Text("claim")
	facts := importing{Driver: from.Driver, Handle: from.Handle, Content: "salvor-" + at.token}
	if err := at.hasDriver(ctx, from.Driver); err != nil {
		return facts, err
	}
	var err error
	if facts.Class, err = at.shelf.snapshotClass(ctx, from.Driver, args.Text("class")); err != nil {
		return facts, err
	}
	class, err := storageClass(ctx, at.reader, args.Text("storageClass"), from.Driver)
	if err != nil {
		return facts, err
	}
	claim := blank(namespace, name, class.Name, from.size, corev1.PersistentVolumeAccessMode(or(args.Text("accessMode"), "ReadWriteOnce")))
	facts.Making = making{Claim: claim, Snapshot: beside(name, at.token), Consumer: waitsForConsumer(class)}
	if err := at.shelf.unclaimed(ctx, from, facts.Content); err != nil {
		return facts, err
	}
	there, err := claimAt(ctx, at.reader, namespace, name)
	switch {
	case err != nil:
		return facts, err
	case there != nil && there.Labels[ForLabel] != at.token:
		return facts, fmt.Errorf("the claim exists, bound to %s: give another name, or delete it first", or(there.Spec.VolumeName, "nothing"))
	case there != nil:
		return facts, nil
	}
	if facts.Making.Consumer {
		if _, err := placeFor(ctx, at.reader, nil, nil); err != nil {
			return facts, err
		}
	}
	return facts, forClaim(class.Name, from.size).fits(ctx, at.reader, namespace)
}

func (f importing) change(env responders.Env, from source, space policies.Target, done bool) (responders.Change, error) {
	claim := f.Making.Claim.Namespace + "/" + f.Making.Claim.Name
	change := responders.Change{Responder: "volume.import", Targets: []policies.Target{space}, Nothing: done,
		Will: []string{fmt.Sprintf("claim %s was made from snapshot handle %s by this incident and is bound", claim, f.Handle)}}
	if !done {
		change.Class, change.DurationS = policies.Reversible, 300
		change.Will = []string{
			fmt.Sprintf("snapshot handle %s of driver %s becomes snapshot %s; the storage keeps it whatever is deleted here", f.Handle, f.Driver, f.Making.Snapshot),
			fmt.Sprintf("claim %s (%s, class %s) is made from it", claim, from.size.String(), *f.Making.Claim.Spec.StorageClassName),
		}
		at := room{token: token(env, f.Making.Claim.Namespace, f.Making.Claim.Name)}
		var err error
		change.Command, err = command(f.content(env, at.token), at.manifest(env, f.Making.Claim.Namespace, f.Making.Snapshot, f.Class, f.inContent()), f.Making.fromSnapshot())
		if err != nil {
			return change, err
		}
	}
	if from.name == "" {
		change.Warnings = append(change.Warnings, "when snapshot handle "+f.Handle+" was taken is not known here: what was written since is not in it")
		return change, pin(&change, f)
	}
	change.DataLoss, change.Facts, change.Point = point.Loss(from.taken, env.Now), pointsOf(from.chosen), from.point()
	if from.caution != "" {
		change.Warnings = []string{from.String() + ": " + from.caution}
	}
	return change, pin(&change, f)
}
