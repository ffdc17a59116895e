package kube

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/salvor-io/salvor/test/stack"
)

const shop = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: salvor-observe-user}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: salvor-observe}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: salvor-observe}]
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "registry.invalid/web:1"}]}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec: {serviceName: db, replicas: 1, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "registry.invalid/db:1"}]}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: shop}
spec: {selector: {matchLabels: {app: agent}}, template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: agent, image: "registry.invalid/agent:1"}]}}}
`

const backups = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: backups.velero.io}
spec:
  group: velero.io
  names: {kind: Backup, listKind: BackupList, plural: backups, singular: backup}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`

const asked = `
apiVersion: v1
kind: Namespace
metadata: {name: velero, labels: {salvor.io/watch-secrets: "true"}}
---
apiVersion: v1
kind: Secret
metadata: {name: cloud, namespace: velero}
stringData: {key: value}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: salvor-secrets, namespace: velero}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: salvor-secrets, namespace: velero}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: salvor-secrets}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: salvor-observe}]
`

const nightly = `
apiVersion: velero.io/v1
kind: Backup
metadata: {name: nightly, namespace: velero}
status: {phase: Completed, completionTimestamp: "2026-03-01T12:00:00Z"}
`

// TestRealObjects watches workloads, their pods and other objects of a real control plane with the rights that are shipped.
func TestRealObjects(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a control plane")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	s, err := stack.Start(ctx, stack.Options{Nodes: stack.Nodes(2)})
	do(t, err)
	defer func() { do(t, s.Stop()) }()
	apply := func(manifests string) { t.Helper(); do(t, s.Apply(ctx, []byte(manifests))) }
	kubectl := func(args ...string) string {
		t.Helper()
		out, err := s.Kubectl(ctx, stack.Admin, args...)
		do(t, err)
		return strings.TrimSpace(out)
	}
	role, err := os.ReadFile("../../deploy/rbac/observe.yaml")
	do(t, err)
	apply(string(role) + "---" + shop)
	rec := newRecorder()
	stop := watchObjects(ctx, t, s, rec)

	for _, workload := range []string{"Deployment/shop/web", "StatefulSet/shop/db", "DaemonSet/shop/agent"} {
		rec.wait(t, workload+" is healthy", func() bool { w, ok := rec.KnownWorkloads("c")[workload]; return ok && w.Healthy() })
	}
	pods := podsOfShop(ctx, t, s)
	for _, p := range pods {
		w := rec.KnownWorkloads("c")[p.Owner.Kind+"/shop/"+p.Owner.Name]
		if w.Revision == "" || w.Revision != p.Revision {
			t.Errorf("%s is of revision %q, its owner %+v of %q", p.Name, p.Revision, p.Owner, w.Revision)
		}
	}
	for _, o := range rec.others() {
		if strings.HasPrefix(o, "pod/") {
			t.Errorf("of a start without trouble was told %q", o)
		}
	}

	for _, m := range strings.Fields(kubectl("get", "configmaps", "-A", "-o", `jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}{"\n"}{end}`)) {
		if !strings.HasSuffix(m, "/kube-root-ca.crt") && !rec.heard("configmap/"+m+" -")() {
			t.Errorf("nothing was told of ConfigMap %s", m)
		}
	}
	sick := kubectl("get", "pods", "-n", "shop", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}")
	kubectl("patch", "pod", sick, "-n", "shop", "--subresource=status", "--type=merge", "-p",
		`{"status":{"containerStatuses":[{"name":"web","image":"i","imageID":"i","ready":false,"restartCount":4,"state":{"waiting":{"reason":"CrashLoopBackOff"}},`+
			`"lastState":{"terminated":{"exitCode":1,"reason":"Error","startedAt":"2026-03-01T12:00:00Z","finishedAt":"2026-03-01T12:00:09Z"}}}]}}`)
	rec.wait(t, "a crash loop is told", rec.heard("pod/shop/"+sick+" CrashLoopBackOff"))
	rec.wait(t, "absent kinds are seen to be absent", sees(rec, "applications.argoproj.io"))

	stop()
	kubectl("delete", "pvc", "data", "-n", "shop", "--wait")
	kubectl("delete", "pod", sick, "-n", "shop", "--force", "--grace-period=0", "--wait")
	apply(backups)
	stop = watchObjects(ctx, t, s, rec)
	rec.wait(t, "the claim is gone", rec.heard("persistentvolumeclaim/shop/data found gone"))
	rec.wait(t, "the pod is gone", rec.heard("pod/shop/"+sick+" gone"))
	rec.wait(t, "the definition is told", rec.heard("customresourcedefinition/backups.velero.io -"))

	apply(asked)
	apply(nightly)
	rec.wait(t, "the backup is told", rec.heard("backup.velero.io/velero/nightly Completed"))
	rec.wait(t, "the secret is told", rec.heard("secret/velero/cloud -"))
	kubectl("patch", "deployment", "web", "-n", "shop", "-p", `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"registry.invalid/web:2"}]}}}}`)
	rec.wait(t, "the new revision is healthy", func() bool {
		w := rec.KnownWorkloads("c")["Deployment/shop/web"]
		return w.Healthy() && w.Generation == 2 && w.Changed.By != "" && !strings.HasPrefix(w.Revision, "template-")
	})
	kubectl("delete", "crd", "backups.velero.io", "--wait")
	kubectl("delete", "namespace", "shop", "--wait")
	for _, end := range []string{"backup.velero.io/velero/nightly", "namespace/shop", "deployment/shop/web"} {
		rec.wait(t, end+" is gone", func() bool { return rec.heard(end+" gone")() || rec.heard(end+" found gone")() })
	}
	stop()
	for _, ev := range rec.all {
		if strings.Contains(string(ev.Data), "value") && strings.HasPrefix(ev.Entity, "secret/") {
			t.Errorf("the event of a secret says %s", ev.Data)
		}
	}
	t.Logf("told %q", rec.others())
}

func podsOfShop(ctx context.Context, t *testing.T, s *stack.Stack) []seenPod {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig(stack.Admin))
	do(t, err)
	client, err := kubernetes.NewForConfig(config)
	do(t, err)
	list, err := client.CoreV1().Pods("shop").List(ctx, metav1.ListOptions{})
	do(t, err)
	var out []seenPod
	for i := range list.Items {
		p, err := readPod(&list.Items[i])
		do(t, err)
		out = append(out, p)
	}
	if len(out) < 4 {
		t.Fatalf("there are only %d pods", len(out))
	}
	return out
}

// watchObjects starts a Source with all clients and returns what stops it.
func watchObjects(ctx context.Context, t *testing.T, s *stack.Stack, rec *recorder) func() {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig(stack.Observer))
	do(t, err)
	config.QPS, config.Burst = 50, 100
	client, err := kubernetes.NewForConfig(config)
	do(t, err)
	dyn, err := dynamic.NewForConfig(config)
	do(t, err)
	meta, err := metadata.NewForConfig(config)
	do(t, err)
	src, err := New(Options{Cluster: "c", Replica: "r", Client: client, Dynamic: dyn, Metadata: meta, Log: rec, View: rec, Logger: testLog(t)})
	do(t, err)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); _ = src.Run(ctx) }()
	return func() { cancel(); <-done }
}
