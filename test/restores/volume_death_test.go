package restores

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/test/stack"
)

var errDied = errors.New("died")

// dying lets so many writes of a step land, and no more.
func dying(after int) func(*step) {
	return func(s *step) {
		s.guard = func(context.Context) error {
			if after--; after < 0 {
				return errDied
			}
			return nil
		}
	}
}

// TestVolumeRestoreDies has Salvor die in the middle of a swap, and a plan that is made then brings it to its end. Meanwhile the controllers of
// the cluster do what they do about claims without volumes and volumes without claims.
func TestVolumeRestoreDies(t *testing.T) {
	a, _ := clusters(t)
	for writes, moment := range map[int]string{
		3: "the claim beside is deleted, and its volume not reserved",
		7: "the old claim is deleted, and the new one not made",
		8: "the new claim is made, and nothing started again",
	} {
		t.Run(moment, func(t *testing.T) {
			namespace := fmt.Sprintf("dies-%d", writes)
			a.openVault(t, namespace, "Deployment", stack.StorageClass, "one order")
			a.snapshotted(t, namespace)
			a.write(t, namespace, "data", "rubbish")
			before, args := a.replacing(t, namespace), responders.Args{"namespace": namespace, "claim": "data", "stop": true}
			if out := run(t, a, "volume.restore", args, dying(writes)); !errors.Is(out.failed, errDied) {
				t.Fatalf("refused: %v, failed: %v", out.refused, out.failed)
			}
			a.settled(t)
			if got := orders(t, before.dir); got != "rubbish" {
				t.Errorf("the old volume holds %q", got)
			}
			run(t, a, "volume.restore", args).verified(t)
			before.replaced(t, "Deployment")
			if again := run(t, a, "volume.restore", args).verified(t); !again.change.Nothing {
				t.Errorf("there is more to do: %v", again.change.Will)
			}
		})
	}
}

// settled waits until the controller of volumes has looked at all that was done before: what it is given now, it has dealt with.
func (c *cluster) settled(t *testing.T) {
	t.Helper()
	name := fmt.Sprintf("settled-%d", time.Now().UnixNano())
	c.apply(t, fmt.Sprintf(`{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": %q, "namespace": "default"},
		"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}}`, name))
	c.kubectl(t, "-n", "default", "wait", "--for=jsonpath={.status.phase}=Bound", "pvc/"+name, "--timeout=60s")
	c.kubectl(t, "-n", "default", "delete", "pvc", name)
}
