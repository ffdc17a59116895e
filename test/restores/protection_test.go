package restores

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

// promises is what was promised to the namespaces of the test.
const promises = `clusters: [{name: east, observe: {kubeconfig: KUBECONFIG}}]
protection:
- {name: guarded, level: 2, rpo: 24h, rto: 1h, namespaces: [guarded]}
- {name: hasty, level: 1, rpo: 1s, rto: 1h, namespaces: [hasty]}
- {name: bare, level: 1, rpo: 24h, rto: 1h, namespaces: [bare]}
- {name: snapped, level: 1, rpo: 24h, rto: 1h, namespaces: [snapped], backups: [{of: application_data, by: snapshot}]}
`

// snapped is a namespace whose only volume is to be kept by a snapshot that is not taken.
const snapped = `
apiVersion: v1
kind: Namespace
metadata: {name: snapped}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: snapped}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 16Mi}}}
---
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshot
metadata: {name: lately, namespace: snapped}
spec: {volumeSnapshotClassName: hostdir, source: {persistentVolumeClaimName: data}}
`

// TestProtection asks the command what could be restored now of a cluster with promises that are kept, late and broken, then with its object store gone.
// It writes nothing.
func TestProtection(t *testing.T) {
	a, _ := clusters(t)
	binary, config := a.buildSalvor(t)
	a.openShop(t, "guarded")
	a.openSmall(t, "hasty")
	a.openSmall(t, "bare")
	a.backsUp(t, responders.Args{"namespaces": []string{"guarded", "hasty"}})
	a.mood(t, stack.StorageMood{RefuseSnapshots: "the array is degraded"})
	a.gone(t, "snapped")
	a.apply(t, snapped)
	was := a.velero(t)

	want := map[string]string{"guarded": "kept", "hasty": "late", "bare": "unprotected: no backup", "snapped": "unprotected: snapshot lately of claim data is not ready"}
	eventually(t, time.Minute, func() error { return a.stands(t, want, binary, "-f", config) })
	a.mood(t, stack.StorageMood{})
	if err := a.pair.store.Fail(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.awaitLocation(t, "default", "Unavailable")
	delete(want, "snapped")
	want["guarded"], want["hasty"] = "unprotected: its storage location default cannot be read", "unprotected: its storage location default cannot be read"
	if err := a.stands(t, want, binary, "-f", config); err != nil {
		t.Error(err)
	}
	if err := a.pair.store.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.awaitLocation(t, "default", "Available")
	a.pair.b.awaitLocation(t, "default", "Available")
	stranger := map[string]string{"guarded": "unpromised", "hasty": "unpromised", "bare": "unprotected: no backup"}
	if err := a.stands(t, stranger, binary, "--kubeconfig", a.Kubeconfig(stack.Observer)); err != nil {
		t.Error(err)
	}
	a.isAsBefore(t, was)
}

// buildSalvor builds the command of this checkout, and writes a configuration for it.
func (c *cluster) buildSalvor(t *testing.T) (binary, config string) {
	t.Helper()
	binary, config = filepath.Join(t.TempDir(), "salvor"), filepath.Join(t.TempDir(), "salvor.yaml")
	if err := rig.Build(t.Context(), binary); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(strings.ReplaceAll(promises, "KUBECONFIG", c.Kubeconfig(stack.Observer))), 0o600); err != nil {
		t.Fatal(err)
	}
	return binary, config
}

// stands says what of the standings is not as wanted: namespace to state, and what has to be among what is missing.
func (c *cluster) stands(t *testing.T, want map[string]string, binary string, flags ...string) error {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), binary, append([]string{"protection", "-o", "json"}, flags...)...).Output()
	if code := 8; !exitsWith(err, code) {
		return fmt.Errorf("it does not end with exit code %d: %w", code, err)
	}
	var reports []protection.Report
	if err := json.Unmarshal(out, &reports); err != nil || len(reports) != 1 {
		return fmt.Errorf("it prints %s: %w", out, err)
	}
	var wrong []error
	for namespace, state := range want {
		state, why, _ := strings.Cut(state, ": ")
		wrong = append(wrong, isSo(reports[0], namespace, state, why))
	}
	if len(reports[0].Unread) > 0 {
		wrong = append(wrong, fmt.Errorf("not read: %+v", reports[0].Unread))
	}
	return errors.Join(wrong...)
}

func exitsWith(err error, code int) bool {
	var ended *exec.ExitError
	return errors.As(err, &ended) && ended.ExitCode() == code
}

func isSo(r protection.Report, namespace, state, why string) error {
	for _, s := range r.Standings {
		if s.Namespace != namespace {
			continue
		}
		missing := strings.Join(s.Missing(), "; ")
		if s.State.String() != state || !strings.Contains(missing, why) {
			return fmt.Errorf("%s is %s: %s; want %s: %s", namespace, s.State, missing, state, why)
		}
		return nil
	}
	return fmt.Errorf("%s is not listed", namespace)
}
