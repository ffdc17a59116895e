package node

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

// bench is a cluster in memory with a power switch that can be told how to behave.
type bench struct {
	*testing.T
	server   *responderstest.Server
	clusters responderstest.Clusters
	own      kubernetes.Interface
	power    *lever
}

func newBench(t *testing.T, objects ...runtime.Object) *bench {
	server, err := responderstest.NewServer(objects...)
	if err != nil {
		t.Fatal(err)
	}
	clusters, _, own := server.Clients(t)
	return &bench{t, server, clusters, own, &lever{}}
}

func (b *bench) switches() map[string]Power { return map[string]Power{"east": b.power} }

// lever is a power switch whose answers are set.
type lever struct {
	off     bool
	unknown error // to IsOff
	refusal error // to Off
	stuck   bool  // Off does nothing
	pulled  int
}

func (l *lever) IsOff(context.Context, string) (bool, error) {
	return l.off && l.unknown == nil, l.unknown
}

func (l *lever) Off(context.Context, string) error {
	l.pulled++
	if l.refusal == nil && !l.stuck {
		l.off = true
	}
	return l.refusal
}

var errPower = errors.New("the switch has lost its mind")

// allowed lends the right to write, for a while that no test should need.
func (b *bench) allowed() context.Context { return b.allowedFor(20 * time.Second) }

func (b *bench) allowedFor(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(b.Context(), d)
	b.Cleanup(cancel)
	return responders.WithGuard(ctx, func(context.Context) error { return nil })
}

func (b *bench) preview(r responders.Responder, nodes ...string) responders.Change {
	b.Helper()
	change, err := r.Preview(b.Context(), env, named(nodes...))
	if err != nil {
		b.Fatalf("Preview: %v", err)
	}
	return change
}

func (b *bench) node(name string) *corev1.Node {
	b.Helper()
	node, err := b.own.CoreV1().Nodes().Get(b.Context(), name, metav1.GetOptions{})
	if err != nil {
		b.Fatal(err)
	}
	return node
}

// patch changes a node as somebody else does.
func (b *bench) patch(name string, fields map[string]any) {
	b.Helper()
	_, err := b.own.CoreV1().Nodes().Patch(b.Context(), name, types.MergePatchType, responderstest.Patch(fields), metav1.PatchOptions{})
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) wantError(err error, parts ...string) {
	b.Helper()
	if err == nil {
		b.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			b.Errorf("error %q does not say %q", err, part)
		}
	}
}

// wantUntouched fails when the node changed since.
func (b *bench) wantUntouched(before *corev1.Node) {
	b.Helper()
	if now := b.node(before.Name); now.ResourceVersion != before.ResourceVersion {
		b.Errorf("node %s was written: annotations %v, taints %v", now.Name, now.Annotations, now.Spec.Taints)
	}
}
