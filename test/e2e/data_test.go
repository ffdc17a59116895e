package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

// TestDataLoss: a namespace that is deleted under a running Salvor comes back from its backup once a person agreed, object by object and with what
// was on its volumes, though Salvor is killed while Velero is at work. A copy of it is made beside, changed on the way, and a volume
// is brought to another cluster. Then lesser things befall what came back. The steps build on each other.
func TestDataLoss(t *testing.T) {
	b := lossy(t)
	b.must(b.Strike(b.ctx))
	inc := b.asked("namespace-restore", "cluster/"+rig.Cluster)
	b.agree(inc)
	b.dieWhileRestoring()
	inc = b.comesTo(inc, incident.Ended)
	b.holds(rig.Cluster, rig.Shop, b.Back())
	if made := b.restores(); len(made) != 1 {
		t.Errorf("Velero was given restores %q, want one", made)
	}
	show, err := b.CLI(b.ctx, "incidents", "show", inc.Name)
	b.must(err)
	for _, want := range []string{"RECOVERED in ", "; lost: all writes after ", "LOSES all writes after", "approved  alice"} {
		if !strings.Contains(show, want) {
			t.Errorf("incidents show does not tell of %q:\n%s", want, show)
		}
	}

	b.runs("copy-namespace", rig.Cluster)
	b.holds(rig.Cluster, rig.Copy, b.Copied())

	b.runs("snapshot-orders", rig.Cluster)
	_, err = b.rig.Standby.Kubectl(b.ctx, stack.Admin, "create", "namespace", rig.Shop)
	b.must(err)
	b.runs("import-orders", rig.Standby)
	b.reads(rig.Standby, rig.Shop)

	b.mishaps(t)
}

// dieWhileRestoring kills the server as soon as there is a Restore, and starts it again.
func (b *bereft) dieWhileRestoring() {
	b.t.Helper()
	b.await(time.Minute, "there is a Restore", func(context.Context) (bool, error) { return len(b.restores()) > 0, nil })
	b.must(b.Kill())
	b.must(b.Start())
	b.await(30*time.Second, "salvor is ready again", func(ctx context.Context) (bool, error) { return b.Ready(ctx), nil })
}

// restores are the names of the Restores of the first cluster.
func (b *bereft) restores() []string {
	b.t.Helper()
	names, err := b.rig.Stack.Kubectl(b.ctx, stack.Admin, "-n", "velero", "get", "restores.velero.io", "-o", "jsonpath={.items[*].metadata.name}")
	b.must(err)
	return strings.Fields(names)
}

// runs has bob want a runbook run on the shop and alice agree, and has it end when it is done.
func (b *bereft) runs(runbook, cluster string) {
	b.t.Helper()
	b.began = time.Now()
	_, err := b.As(b.ctx, "bob", "run", runbook, "--cluster", cluster, "--with", "namespace="+rig.Shop, "--reason", "to look into an order")
	b.must(err)
	b.endsDeclared(b.asked(runbook, "namespace/"+rig.Shop), cluster)
}

// endsDeclared has alice agree about what bob declared of the shop, which bob takes back once it is done.
func (b *bereft) endsDeclared(inc api.Incident, cluster string) {
	b.t.Helper()
	b.agree(inc)
	b.comesTo(inc, incident.Recovered)
	_, err := b.As(b.ctx, "bob", "declare", "--end", "data", rig.Shop, "--cluster", cluster)
	b.must(err)
	b.comesTo(inc, incident.Ended)
}

// holds compares what a namespace holds, object by object, and what is on the volume of the orders.
func (b *bereft) holds(cluster, namespace string, want rig.Holdings) {
	b.t.Helper()
	is, err := b.rig.Holdings(b.ctx, cluster, namespace)
	b.must(err)
	if unlike := want.Unlike(is); unlike != "" {
		b.t.Errorf("namespace %s of %s is otherwise (-want, +is):\n%s", namespace, cluster, unlike)
	}
	b.reads(cluster, namespace)
}

// reads compares what is on the volume of the orders with what the backup has.
func (b *bereft) reads(cluster, namespace string) {
	b.t.Helper()
	orders, err := b.rig.Read(b.ctx, cluster, namespace, rig.Orders)
	b.must(err)
	if orders != rig.OrdersKept {
		b.t.Errorf("the orders in namespace %s of %s are %q, want %q", namespace, cluster, orders, rig.OrdersKept)
	}
}
