package census

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/salvor-io/salvor/internal/protection"
)

const (
	snapshotGroup    = "snapshot.storage.k8s.io"
	certificateGroup = "cert-manager.io"
	argoGroup        = "argoproj.io"
	fluxGroup        = "kustomize.toolkit.fluxcd.io"
	k3sGroup         = "k3s.cattle.io"
)

func (t *taking) snapshots(ctx context.Context) error {
	return t.each(ctx, schema.GroupVersionResource{Group: snapshotGroup, Version: "v1", Resource: "volumesnapshots"}, func(o object) {
		t.census.Snapshots = append(t.census.Snapshots, protection.VolumeSnapshot{Namespace: o.GetNamespace(), Name: o.GetName(),
			Claim: o.text("spec", "source", "persistentVolumeClaimName"), Class: o.text("spec", "volumeSnapshotClassName"),
			Ready: o.flag("status", "readyToUse") && o.GetDeletionTimestamp() == nil, Why: o.text("status", "error", "message"), At: o.time("status", "creationTime")})
	})
}

func (t *taking) snapshotClasses(ctx context.Context) error {
	return t.each(ctx, schema.GroupVersionResource{Group: snapshotGroup, Version: "v1", Resource: "volumesnapshotclasses"}, func(o object) {
		_, velero := o.GetLabels()["velero.io/csi-volumesnapshot-class"]
		t.census.SnapshotClasses = append(t.census.SnapshotClasses, protection.SnapshotClass{Name: o.GetName(), Driver: o.text("driver"),
			Delete: o.text("deletionPolicy") == "Delete", Marked: velero || o.GetAnnotations()["snapshot.storage.kubernetes.io/is-default-class"] == "true"})
	})
}

func (t *taking) certificates(ctx context.Context) error {
	return t.each(ctx, schema.GroupVersionResource{Group: certificateGroup, Version: "v1", Resource: "certificates"}, func(o object) {
		ready, why := o.condition("Ready")
		t.census.Certificates = append(t.census.Certificates, protection.Certificate{Namespace: o.GetNamespace(), Name: o.GetName(), Ready: ready, Why: why,
			NotAfter: o.time("status", "notAfter")})
	})
}

// condition says whether a condition is true, and if not why.
func (o object) condition(kind string) (so bool, why string) {
	for _, c := range o.list("status", "conditions") {
		if c.text("type") == kind {
			return c.text("status") == "True", c.text("message")
		}
	}
	return false, "it says nothing of itself"
}

// applications reads those of Argo CD that deliver into this cluster.
func (t *taking) applications(ctx context.Context) error {
	return t.each(ctx, schema.GroupVersionResource{Group: argoGroup, Version: "v1alpha1", Resource: "applications"}, func(o object) {
		here := o.text("spec", "destination", "server") == "https://kubernetes.default.svc" || o.text("spec", "destination", "name") == "in-cluster"
		if !here {
			return
		}
		into := []string{o.text("spec", "destination", "namespace")}
		for _, resource := range o.list("status", "resources") {
			into = append(into, resource.text("namespace"))
		}
		status := o.text("status", "sync", "status")
		t.delivers(protection.Delivery{Kind: "Application", Namespace: o.GetNamespace(), Name: o.GetName(), Into: into, Synced: status == "Synced", Why: status})
	})
}

// kustomizations reads those of Flux that deliver into this cluster. What they delivered is named namespace_name_group_kind.
func (t *taking) kustomizations(ctx context.Context) error {
	return t.each(ctx, schema.GroupVersionResource{Group: fluxGroup, Version: "v1", Resource: "kustomizations"}, func(o object) {
		if o.text("spec", "kubeConfig", "secretRef", "name") != "" {
			return
		}
		into := []string{o.text("spec", "targetNamespace")}
		for _, entry := range o.list("status", "inventory", "entries") {
			namespace, _, _ := strings.Cut(entry.text("id"), "_")
			into = append(into, namespace)
		}
		synced, why := o.condition("Ready")
		if o.flag("spec", "suspend") {
			synced, why = false, "it is suspended"
		}
		t.delivers(protection.Delivery{Kind: "Kustomization", Namespace: o.GetNamespace(), Name: o.GetName(), Into: into, Synced: synced, Why: why})
	})
}

func (t *taking) delivers(d protection.Delivery) {
	slices.Sort(d.Into)
	d.Into = slices.DeleteFunc(slices.Compact(d.Into), func(name string) bool { return name == "" })
	t.mu.Lock()
	defer t.mu.Unlock()
	t.census.Deliveries = append(t.census.Deliveries, d)
}

// etcd reads the snapshots of etcd that K3s and RKE2 tell of.
func (t *taking) etcd(ctx context.Context) error {
	return t.each(ctx, schema.GroupVersionResource{Group: k3sGroup, Version: "v1", Resource: "etcdsnapshotfiles"}, func(o object) {
		name := o.text("spec", "snapshotName")
		if name == "" {
			name = o.GetName()
		}
		t.census.Etcd = append(t.census.Etcd, protection.EtcdSnapshot{Name: name, Ready: o.flag("status", "readyToUse"), Why: o.text("status", "error", "message"),
			Away: strings.HasPrefix(o.text("spec", "location"), "s3://"), At: o.time("status", "creationTime")})
	})
}
