package restores

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/salvor-io/salvor/responders"
)

// mayWriteSecrets is what people grant in a namespace whose Secrets Salvor may bring back.
const mayWriteSecrets = `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: salvor-secrets, namespace: bad}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get, create, patch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: salvor-secrets, namespace: bad}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: salvor-secrets}
subjects: [{kind: User, name: salvor-act}]
`

// TestConfigComesBack breaks a ConfigMap and deletes a Secret: both get the content that they have in the backup, nothing else is touched, and what was there
// is put back where that is wanted.
func TestConfigComesBack(t *testing.T) {
	a, _ := clusters(t)
	t.Parallel()
	a.openShop(t, "bad")
	before := a.look(t, "bad")
	a.backsUp(t, responders.Args{"namespaces": []string{"bad"}, "volumes": false})
	a.apply(t, mayWriteSecrets)
	a.kubectl(t, "-n", "bad", "patch", "configmap", "settings", "--type", "merge", "-p", `{"data":{"currency":"XXX","more":"of it"}}`)
	a.kubectl(t, "-n", "bad", "delete", "secret", "password")
	a.kubectl(t, "-n", "bad", "patch", "configmap", "tuning", "--type", "merge", "-p", `{"data":{"connections":"7"}}`)

	args := responders.Args{"namespace": "bad", "configMaps": []string{"settings"}, "secrets": []string{"password"}}
	out := run(t, a, "config.restore", args).verified(t)
	is := a.look(t, "bad")
	for _, name := range []string{"configmaps/settings", "secrets/password"} {
		if diff := cmp.Diff(contentOf(before[name]), contentOf(is[name])); diff != "" {
			t.Errorf("%s is not what the backup has (-want +is):\n%s", name, diff)
		}
	}
	if got, _, _ := unstructured.NestedString(is["configmaps/tuning"], "data", "connections"); got != "7" {
		t.Errorf("a ConfigMap that was not named was touched: %s", got)
	}

	back := responders.Args{"namespace": "bad", "configMaps": []string{"settings"}, "asBefore": true}
	run(t, a, "config.restore", back, func(s *step) { s.env = out.env; s.env.Plan, s.env.Step, s.env.Now = "", "undo", time.Now().UTC() }).verified(t)
	if got, _, _ := unstructured.NestedString(a.look(t, "bad")["configmaps/settings"], "data", "currency"); got != "XXX" {
		t.Errorf("what was there is not back: currency %s", got)
	}
}

// contentOf is what an object holds.
func contentOf(object map[string]any) map[string]any {
	return map[string]any{"data": object["data"], "binaryData": object["binaryData"], "type": object["type"]}
}

// TestClaimsComeBack deletes claims with their volumes. They come back from snapshots, and where there are none, from a backup.
func TestClaimsComeBack(t *testing.T) {
	a, _ := clusters(t)
	t.Parallel()
	a.openShop(t, "emptied")
	run(t, a, "volume.snapshot", responders.Args{"namespace": "emptied", "claims": []string{"data"}}).verified(t)
	a.backsUp(t, responders.Args{"namespaces": []string{"emptied"}})
	a.write(t, "emptied", "data", "a later order")
	a.loseClaim(t, "emptied", "data")
	run(t, a, "claims.restore", responders.Args{"namespace": "emptied", "claims": []string{"data"}, "stop": true}, later(1)).verified(t)
	if got := a.read(t, "emptied", "data"); got != "one order" {
		t.Errorf("from the snapshot come %q", got)
	}

	a.kubectl(t, "-n", "emptied", "delete", "volumesnapshots", "--all")
	a.loseClaim(t, "emptied", "data")
	run(t, a, "claims.restore", responders.Args{"namespace": "emptied", "claims": []string{"data"}, "stop": true}, later(2)).refuses(t, "snapshot")
	run(t, a, "velero.restore", responders.Args{"namespaces": []string{"emptied"}, "existing": "none", "volumes": true,
		"resources": []string{"persistentvolumeclaims", "persistentvolumes", "volumesnapshots.snapshot.storage.k8s.io", "volumesnapshotcontents.snapshot.storage.k8s.io",
			"volumesnapshotclasses.snapshot.storage.k8s.io"}}, later(2)).verified(t)
	if got := a.read(t, "emptied", "data"); got != "one order" {
		t.Errorf("from the backup come %q", got)
	}
}

// later has a step be of another incident than those before it.
func later(n int) func(*step) { return func(s *step) { s.env.Incident += fmt.Sprint("-", n) } }

// loseClaim deletes a claim with its volume, which nobody uses any more.
func (c *cluster) loseClaim(t *testing.T, namespace, claim string) {
	t.Helper()
	c.kubectl(t, "-n", namespace, "scale", "deployment/db", "--replicas=0")
	c.kubectl(t, "-n", namespace, "wait", "--for=delete", "pod", "-l", "app=db", "--timeout=60s")
	c.kubectl(t, "-n", namespace, "delete", "pvc", claim, "--wait", "--timeout=60s")
}

// TestBackupIsMadeOnceMore has the backup of a schedule fail, and makes it again, as the schedule says.
func TestBackupIsMadeOnceMore(t *testing.T) {
	a, _ := clusters(t)
	t.Parallel()
	a.openSmall(t, "due")
	if _, err := a.Velero(t.Context(), "schedule", "create", "due", "--schedule", "0 2 29 2 *", "--include-namespaces", "due", "--snapshot-volumes=false", "--ttl", "24h"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = a.Kubectl(context.Background(), "admin", "-n", "velero", "delete", "schedule.velero.io", "due")
	})
	eventually(t, time.Minute, func() error {
		if phase := a.kubectl(t, "-n", "velero", "get", "schedule.velero.io", "due", "-o", "jsonpath={.status.phase}"); phase != "Enabled" {
			return fmt.Errorf("the schedule is %q", phase)
		}
		return nil
	})
	run(t, a, "backup.retry", responders.Args{"schedule": "due", "velero": "velero"}).verified(t)
	if phases := a.ofSchedule(t, "due"); len(phases) != 1 || phases[0] != "Completed" {
		t.Errorf("the backups of the schedule are %v", phases)
	}
	run(t, a, "backup.complete", responders.Args{"schedule": "due", "velero": "velero"}).verified(t)
}

// ofSchedule are the phases of the backups that a schedule has.
func (c *cluster) ofSchedule(t *testing.T, schedule string) []string {
	t.Helper()
	return strings.Fields(c.kubectl(t, "-n", "velero", "get", "backups.velero.io", "-l", "velero.io/schedule-name="+schedule, "-o", "jsonpath={.items[*].status.phase}"))
}
