package restores

import (
	"fmt"
	"testing"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/test/stack"
)

// comparer is a CronJob as the owner of data writes it: restored orders are right if there are as many lines of them as now, at least.
const comparer = `
apiVersion: batch/v1
kind: CronJob
metadata: {name: check-orders, namespace: %s, annotations: {salvor.io/compares: "data, more"}}
spec:
  schedule: "@yearly"
  suspend: true
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          nodeSelector: {kubernetes.io/hostname: workbench}
          tolerations: [{key: workbench, operator: Exists}]
          containers:
            - name: check
              image: check:1
              command: [sh, -c, "was=$(wc -l < /restored/orders); is=$(wc -l < /current/orders); echo $was orders restored, $is there; test $was -ge $is"]
              volumeMounts: [{name: restored, mountPath: /restored}, {name: current, mountPath: /current}]
          volumes: [{name: restored, emptyDir: {}}, {name: current, emptyDir: {}}]
`

const more = `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: more, namespace: %s}
spec:
  storageClassName: %s
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 16Mi}}
`

// TestVolumesAreCompared restores two claims of a workload whose owner says how to compare them: where one of them is not as it should be neither is
// replaced, and where both are both are.
func TestVolumesAreCompared(t *testing.T) {
	a, _ := clusters(t)
	t.Parallel()
	const namespace = "compared"
	a.startWorkbench(t)
	a.openVault(t, namespace, "Deployment", stack.StorageClass, "1\n2\n3\n")
	a.apply(t, fmt.Sprintf(more, namespace, stack.StorageClass)+"---"+fmt.Sprintf(comparer, namespace))
	a.kubectl(t, "-n", namespace, "wait", "pvc/more", "--for=jsonpath={.status.phase}=Bound", "--timeout=60s")
	a.write(t, namespace, "more", "1\n")
	a.kubectl(t, "-n", namespace, "patch", "deployment/db", "-p", `{"spec":{"replicas":0,"template":{"spec":{"containers":[{"name":"db","volumeMounts":[{"name":"more","mountPath":"/more"}]}],
		"volumes":[{"name":"more","persistentVolumeClaim":{"claimName":"more"}}]}}}}`)
	a.kubectl(t, "-n", namespace, "wait", "--for=delete", "pod", "-l", "app=db", "--timeout=60s") // its claims are read by one node at a time, and KWOK's run nothing
	run(t, a, "volume.snapshot", responders.Args{"namespace": namespace, "claims": []string{"data", "more"}}, func(s *step) { s.env.Incident = "an earlier one" }).verified(t)

	a.write(t, namespace, "data", "rubbish\n")
	a.write(t, namespace, "more", "1\n2\n3\n4\n")
	args := responders.Args{"namespace": namespace, "claims": []string{"data", "more"}, "stop": true, "compare": true}
	run(t, a, "claims.restore", args).fails(t, "(of CronJob check-orders) did not succeed, and says: 1 orders restored, 4 there; claim compared/more is as it was")
	a.hold(t, namespace, "rubbish\n", "1\n2\n3\n4\n")
	run(t, a, "claims.restore", args).refuses(t, "and says: 1 orders restored, 4 there; claim compared/more is as it was")
	a.kubectl(t, "-n", namespace, "delete", "jobs", "--all", "--wait", "--timeout=60s")
	a.write(t, namespace, "more", "\x00") // that many orders were never there: it was the corruption
	run(t, a, "claims.restore", args).verified(t)
	a.hold(t, namespace, "1\n2\n3\n", "1\n")
}

// hold holds what is in the two claims.
func (c *cluster) hold(t *testing.T, namespace, data, more string) {
	t.Helper()
	for claim, want := range map[string]string{"data": data, "more": more} {
		if got := c.read(t, namespace, claim); got != want {
			t.Errorf("claim %s holds %q, want %q", claim, got, want)
		}
	}
}
