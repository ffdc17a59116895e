package e2e

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

// bereft is a scene on a pair of clusters whose shop is lost with its data.
type bereft struct {
	*scene
	*rig.Loss
}

// TestDataLoss: a namespace that is deleted under a running Salvor comes back from its backup once a person agreed, object by object and with what
// was on its volumes, though Salvor is killed while Velero is at work. A copy of it is made beside, changed on the way, and a volume
// is brought to another cluster. The steps build on each other.
func TestDataLoss(t *testing.T) {
	b := lossy(t)
	b.must(b.Strike(b.ctx))
	inc := b.asked()
	b.nothingWritten()
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
}

// lossy is a pair with a shop of which there is a backup, and a Salvor that asks about data.
func lossy(t *testing.T) *bereft {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the real stack")
	}
	t.Parallel()
	h := <-houses // which nobody else is in meanwhile: two scenes at a time are enough for a small machine
	t.Cleanup(func() { houses <- h })
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	t.Cleanup(cancel)
	r, err := rig.Start(ctx, rig.Options{Log: os.Stderr, Pair: true, Stack: stack.Options{Nodes: stack.Nodes(3)}})
	if err != nil {
		t.Fatal(err)
	}
	b := &bereft{scene: &scene{t: t, ctx: ctx, rig: r, began: time.Now()}}
	t.Cleanup(b.end)
	b.Loss, err = r.Loss(ctx)
	b.must(err)
	b.must(b.Backup(ctx, "nightly-1"))
	settings := quick("data")
	b.must(b.Configure(&settings))
	b.Server, err = r.Serve(settings)
	b.must(err)
	b.await(60*time.Second, "salvor sees all nodes well", func(ctx context.Context) (bool, error) { return b.seesWell(ctx, b.Server) })
	return b
}

func (b *bereft) end() {
	if b.Server != nil {
		b.check(b.Stop())
		b.show(b.Server)
	}
	if b.Loss != nil {
		b.Ingress.Close()
	}
	b.check(b.rig.Stop())
}

// asked is the newest incident, when people are asked about it.
func (b *bereft) asked() (inc api.Incident) {
	b.t.Helper()
	b.await(2*time.Minute, "a person is asked", func(ctx context.Context) (bool, error) {
		list, err := b.Incidents(ctx)
		if err != nil || len(list) == 0 || list[len(list)-1].State != incident.Awaiting {
			return false, err
		}
		inc, err = b.Incident(ctx, string(list[len(list)-1].ID))
		return err == nil, err
	})
	return inc
}

// agree has alice approve of the plan that she is asked about.
func (b *bereft) agree(inc api.Incident) {
	b.t.Helper()
	_, err := b.CLI(b.ctx, "approve", inc.Name, "--plan", b.decidedOf(inc.Name))
	b.must(err)
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

// comesTo waits until an incident is in a state, and sees that what was done is verified.
func (b *bereft) comesTo(inc api.Incident, want incident.State) api.Incident {
	b.t.Helper()
	b.await(4*time.Minute, inc.Name+" is "+string(want), func(ctx context.Context) (_ bool, err error) {
		inc, err = b.Incident(ctx, string(inc.ID))
		return inc.State == want || inc.State == incident.HandedOver, err
	})
	if inc.State != want || inc.Outcome != responders.OutcomeVerified {
		b.t.Fatalf("%s is %s, %s: %s", inc.Name, inc.State, inc.Outcome, inc.Why)
	}
	return inc
}

// runs has bob want a runbook run on the shop and alice agree, and has it end when it is done.
func (b *bereft) runs(runbook, cluster string) {
	b.t.Helper()
	_, err := b.As(b.ctx, "bob", "run", runbook, "--cluster", cluster, "--with", "namespace="+rig.Shop, "--reason", "to look into an order")
	b.must(err)
	inc := b.asked()
	b.agree(inc)
	b.comesTo(inc, incident.Recovered)
	_, err = b.As(b.ctx, "bob", "declare", "--end", "data", rig.Shop, "--cluster", cluster)
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
	orders, err := b.rig.Orders(b.ctx, cluster, namespace)
	b.must(err)
	if orders != rig.OrdersKept {
		b.t.Errorf("the orders in namespace %s of %s are %q, want %q", namespace, cluster, orders, rig.OrdersKept)
	}
}
