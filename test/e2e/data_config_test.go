package e2e

import (
	"context"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/test/rig"
)

// configSpoiled: a person writes a ConfigMap that web cannot read. What they wrote is kept beside what there was.
func (b *bereft) configSpoiled(runbook string) {
	was := b.plain()
	b.person("-n", rig.Shop, "patch", "configmap", "settings", "--type=merge", "-p", `{"data":{"currency":"EURO","greeting":null,"extra":"1"}}`)
	b.crashes(runbook, "web", was, "configmaps/settings")
	b.isBack(was)
	kept := b.person("-n", rig.Shop, "get", "configmap", "-l", "salvor.io/kept-of=settings", "-o", "jsonpath={.items[*].data}")
	if want := `{"currency":"EURO","extra":"1"}`; kept != want {
		b.t.Errorf("of what the person wrote %s is kept, want %s", kept, want)
	}
}

// secretDeleted: a person deletes the Secret that db reads.
func (b *bereft) secretDeleted(runbook string) {
	was := b.plain()
	b.person("-n", rig.Shop, "delete", "secret", "db-password")
	b.crashes(runbook, "db", was, "secrets/db-password")
	b.isBack(was)
}

// crashes has an app crash until an object is again as it was.
func (b *bereft) crashes(runbook, app string, was rig.Holdings, object string) {
	b.t.Helper()
	b.must(b.rig.Crash(b.ctx, app))
	inc := b.asked(runbook, "deployment/"+rig.Shop+"/"+app)
	b.agree(inc)
	b.await(time.Minute, object+" is as it was", func(ctx context.Context) (bool, error) {
		is, err := b.rig.Holdings(ctx, rig.Cluster, rig.Shop)
		return err == nil && cmp.Equal(was[object], is.Plain()[object]), err
	})
	b.must(b.rig.Rerun(b.ctx, app))
	b.comesTo(inc, incident.Ended)
}
