package e2e

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders/volume"
	"github.com/salvor-io/salvor/test/rig"
)

// claimDeleted: a person deletes a claim, and the pod that keeps it from going. Its volume goes with it.
func (b *bereft) claimDeleted(runbook string) {
	was := b.plain()
	b.must(b.rig.Write(b.ctx, rig.Shop, rig.Orders, rig.OrdersLost))
	b.person("-n", rig.Shop, "delete", "pvc", rig.Orders, "--wait=false")
	b.person("-n", rig.Shop, "delete", "pod", "-l", "app=db")
	inc := b.asked(runbook, "namespace/"+rig.Shop)
	b.agree(inc)
	b.comesTo(inc, incident.Ended)
	b.isBack(was)
}

// volumeLost: the volume is gone under a claim that is used, and nothing kept it.
func (b *bereft) volumeLost(runbook string) {
	was, lost := b.plain(), b.volumeOf(rig.Orders)
	b.person("delete", "pv", lost, "--wait=false")
	b.person("patch", "pv", lost, "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
	inc := b.asked(runbook, "persistentvolumeclaim/"+rig.Shop+"/"+rig.Orders)
	b.agree(inc)
	b.comesTo(inc, incident.Ended)
	b.isBack(was)
}

// dataSpoiled: what is on both volumes is not worth anything any more, which only people can tell. What is replaced is kept.
func (b *bereft) dataSpoiled(runbook string) {
	const rubbish = "rubbish"
	was, since := b.plain(), time.Now().UTC().Format(time.RFC3339)
	var old []string
	for _, claim := range []string{rig.Orders, rig.Pictures} {
		old = append(old, b.volumeOf(claim))
		b.must(b.rig.Write(b.ctx, rig.Shop, claim, rubbish))
	}
	_, err := b.As(b.ctx, "bob", "declare", "data", rig.Shop, "--cluster", rig.Cluster, "--since", since, "--reason", "a migration wrote rubbish")
	b.must(err)
	b.endsDeclared(b.asked(runbook, "namespace/"+rig.Shop), rig.Cluster)
	b.isBack(was)
	for _, name := range old {
		b.isKept(name, rubbish)
	}
}

// isKept holds that a volume that was replaced stays, with what it held, and says until when.
func (b *bereft) isKept(name, want string) {
	b.t.Helper()
	text, err := b.rig.ReadVolume(b.ctx, rig.Cluster, name)
	b.must(err)
	old, err := b.rig.Kube.CoreV1().PersistentVolumes().Get(b.ctx, name, metav1.GetOptions{})
	b.must(err)
	until, err := time.Parse("20060102T150405Z", old.Labels[volume.KeptUntilLabel])
	if text != want || err != nil || time.Until(until) < 24*time.Hour || old.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimRetain {
		b.t.Errorf("the old volume %s holds %q, is %s, and to be kept until %s (%v)", name, text, old.Spec.PersistentVolumeReclaimPolicy, until, err)
	}
}

// volumeOf is the volume of a claim of the shop.
func (b *bereft) volumeOf(claim string) string {
	b.t.Helper()
	name, err := b.rig.VolumeOf(b.ctx, rig.Cluster, rig.Shop, claim)
	b.must(err)
	return name
}
