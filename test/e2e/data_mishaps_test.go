package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

// mishaps are what may befall a shop that is there: each is found, is asked about, and is made good by the shipped runbook of its name. One that
// is not ends the test, since the next would meet what it left.
func (b *bereft) mishaps(t *testing.T) {
	b.must(b.OpenSecrets(b.ctx))
	b.must(b.Nightly(b.ctx))
	b.await(time.Minute, "salvor knows the Secret of the shop", func(ctx context.Context) (bool, error) {
		metrics, err := b.Metrics(ctx)
		return strings.Contains(metrics, fmt.Sprintf("salvor_objects{cluster=%q,kind=\"Secret\"} 1\n", rig.Cluster)), err
	})
	for _, one := range []struct {
		runbook string
		befalls func(runbook string)
	}{
		{"claims-restore", b.claimDeleted}, {"volume-lost", b.volumeLost}, {"config-restore", b.configSpoiled},
		{"secret-restore", b.secretDeleted}, {"data-restore", b.dataSpoiled}, {"backup-retry", b.backupFails},
	} {
		went := t.Run(one.runbook, func(t *testing.T) {
			b.t, b.began = t, time.Now()
			one.befalls(one.runbook)
			b.nothingLeft()
		})
		if b.t = t; !went {
			t.FailNow()
		}
	}
}

// nothingLeft holds that nothing is found any more: what Salvor did to the shop is no mishap. What it took away for a moment may be on its way out.
func (b *bereft) nothingLeft() {
	b.t.Helper()
	list, err := b.Incidents(b.ctx)
	b.must(err)
	for _, inc := range list {
		if inc.Cluster == rig.Cluster && inc.Live && inc.State != incident.Clearing {
			b.t.Errorf("%s is %s: %s", inc.Name, inc.State, inc.Sentence)
		}
	}
}

// plain is what the shop holds, without what Salvor writes down there.
func (b *bereft) plain() rig.Holdings {
	b.t.Helper()
	is, err := b.rig.Holdings(b.ctx, rig.Cluster, rig.Shop)
	b.must(err)
	return is.Plain()
}

// isBack compares what the shop holds with what it held, object by object, and what is on its volumes with what the snapshots of the night hold.
func (b *bereft) isBack(was rig.Holdings) {
	b.t.Helper()
	if unlike := was.Unlike(b.plain()); unlike != "" {
		b.t.Errorf("the shop is otherwise (-was, +is):\n%s", unlike)
	}
	b.reads(rig.Cluster, rig.Shop)
	pictures, err := b.rig.Read(b.ctx, rig.Cluster, rig.Shop, rig.Pictures)
	b.must(err)
	if pictures != rig.PicturesKept {
		b.t.Errorf("the pictures are %q, want %q", pictures, rig.PicturesKept)
	}
	b.must(b.rig.ShopRuns(b.ctx, rig.Shop, 3))
}

// person has somebody who may do everything type a kubectl command.
func (b *bereft) person(args ...string) string {
	b.t.Helper()
	said, err := b.rig.Stack.Kubectl(b.ctx, stack.Human, args...)
	b.must(err)
	return said
}
