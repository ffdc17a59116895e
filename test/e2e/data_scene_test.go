package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
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
	settings.Extra = "detect: {deletions: {claims: 1}}\n"
	b.must(b.Configure(&settings))
	b.must(hurry(filepath.Join(r.Dir, "runbooks", "hurried.yaml"), "claims-restore", "volume-lost", "config-restore", "secret-restore", "data-restore"))
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

// asked is the newest incident of an anchor, when people are asked about a plan of a runbook for it; nothing has been done by then.
func (b *bereft) asked(runbook, anchor string) api.Incident {
	b.t.Helper()
	inc := b.reachesAt(anchor, 2*time.Minute, incident.Awaiting)
	for _, rec := range slices.Backward(inc.History) {
		if rec.Decided == nil || rec.Decided.Plan == nil {
			continue
		}
		if rec.Decided.Plan.Runbook != runbook {
			b.t.Fatalf("people are asked about %s, not %s: %s", rec.Decided.Plan.Runbook, runbook, inc.Sentence)
		}
		b.nothingWritten()
		return inc
	}
	b.t.Fatalf("people are asked about no plan of %s: %s", inc.Name, inc.Why)
	return inc
}

// agree has alice approve of the plan that she is asked about.
func (b *bereft) agree(inc api.Incident) {
	b.t.Helper()
	_, err := b.CLI(b.ctx, "approve", inc.Name, "--plan", b.decidedOf(inc.Name))
	b.must(err)
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

// hurry writes shipped runbooks to a file as they are, but that what serves again is believed sooner.
func hurry(file string, names ...string) error {
	var all []string
	for _, name := range names {
		shipped, err := os.ReadFile(filepath.Join("..", "..", "responders", "runbooks", "shipped", name+".yaml"))
		if err != nil {
			return err
		}
		all = append(all, strings.Replace(string(shipped), "settle: 1m", "settle: 2s", 1))
	}
	return os.WriteFile(file, []byte(strings.Join(all, "---\n")), 0o600)
}
