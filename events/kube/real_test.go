package kube

import (
	"context"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/salvor-io/salvor/test/stack"
)

// rights are all that watching needs.
const rights = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: salvor-watch}
rules:
- {apiGroups: [""], resources: [nodes], verbs: [list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: salvor-watch}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: salvor-watch}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: salvor-observe}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: salvor-watch, namespace: kube-node-lease}
rules:
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: salvor-watch, namespace: kube-node-lease}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: salvor-watch}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: salvor-observe}]
`

// TestRealCluster watches a real control plane lose a node, lose its API server for longer than a Lease may be silent, and
// get both back.
func TestRealCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a control plane")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute) // building it the first time takes most of that
	defer cancel()
	s, err := stack.Start(ctx, stack.Options{Nodes: stack.Nodes(3)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { do(t, s.Stop()) }()
	if err := s.Apply(ctx, []byte(rights)); err != nil {
		t.Fatal(err)
	}
	rec, stop := watchReal(ctx, t, s)
	defer stop()

	for _, entry := range []string{"worker-1 fresh", "worker-2 fresh", "worker-3 fresh", "worker-1 True"} {
		rec.wait(t, entry, told(rec, entry))
	}
	if n := rec.Known("c")["worker-1"]; n.Zone != "eu-west-1a" || n.Region != "eu-west-1" || n.UID == "" {
		t.Errorf("worker-1 is known as %+v", n)
	}

	failed := time.Now()
	do(t, s.FailNode(ctx, "worker-1"))
	rec.wait(t, "worker-1 is stale", told(rec, "worker-1 stale"))
	t.Logf("stale %s after the node failed", time.Since(failed).Round(100*time.Millisecond))

	do(t, s.StopAPIServer(ctx))
	rec.wait(t, "leases are not seen", blind(rec, "leases", ""))
	time.Sleep(DefaultStaleAfter)
	do(t, s.StartAPIServer(ctx))
	rec.wait(t, "both are seen", func() bool { return sees(rec, "nodes")() && sees(rec, "leases")() })
	do(t, s.HealNode(ctx, "worker-1"))
	rec.wait(t, "worker-1 is fresh again", func() bool { return rec.count("worker-1 fresh") == 2 })
	for _, entry := range []string{"worker-1 stale", "worker-2 fresh", "worker-3 fresh"} {
		if rec.count(entry) != 1 {
			t.Errorf("want %q once; told %q", entry, rec.told())
		}
	}
	for _, entry := range []string{"worker-2 stale", "worker-3 stale", "worker-1 gone", "worker-2 gone", "worker-3 gone"} {
		if rec.count(entry) != 0 {
			t.Errorf("want no %q; told %q", entry, rec.told())
		}
	}
}

func watchReal(ctx context.Context, t *testing.T, s *stack.Stack) (*recorder, func()) {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig(stack.Observer))
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	rec := newRecorder()
	src, err := New(Options{Cluster: "c", Replica: "r", Client: client, Log: rec, View: rec, Logger: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); _ = src.Run(ctx) }()
	return rec, func() { cancel(); <-done }
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
