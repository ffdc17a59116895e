package kube

import (
	"context"
	"errors"
	"fmt"
	"time"

	coordv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/events"
)

// kind is how a lookout lists and watches one kind of object, and what it keeps of each.
type kind[P any] struct {
	name     string // in observer events
	resource string // with its group, in messages about rights
	client   any
	list     func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error)
	watch    func(ctx context.Context, opts metav1.ListOptions) (apiwatch.Interface, error)
	get      func(ctx context.Context, namespace, name string) (runtime.Object, error) // reads one object directly
	keep     func(runtime.Object) (P, error)                                           // what the keeper gets
	known    func(namespace, name string) string                                       // by which the keeper knows an object
	optional bool                                                                      // a cluster need not have this kind at all
}

// typed makes a keep of one that reads objects of one type.
func typed[T runtime.Object, P any](keep func(T) (P, error)) func(runtime.Object) (P, error) {
	return func(o runtime.Object) (none P, err error) {
		one, ok := o.(T)
		if !ok {
			return none, fmt.Errorf("read object: it is a %T", o)
		}
		return keep(one)
	}
}

// byName is how the keepers of nodes and of their Leases know an object.
func byName(_, name string) string { return name }

// sighted is what was last seen of a node.
type sighted struct {
	events.Node
	digest string
	first  time.Time // when the node was first seen; zero when it was there from the beginning
}

func see(n events.Node) sighted { return sighted{Node: n, digest: digest(n)} }

func nodeKind(client kubernetes.Interface) kind[sighted] {
	api := client.CoreV1().Nodes()
	return kind[sighted]{
		name: "nodes", resource: "nodes", client: client, known: byName,
		list:  func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) { return api.List(ctx, opts) },
		watch: api.Watch,
		keep:  typed(readNode),
	}
}

func readNode(n *corev1.Node) (sighted, error) {
	if n.Name == "" || n.UID == "" || n.ResourceVersion == "" {
		return sighted{}, errors.New("read node: it has no name, UID or resource version")
	}
	return see(project(n)), nil
}

// beat is one state of a Lease.
type beat struct {
	node    string
	uid     string
	owner   string // UID of the node it belongs to; empty when it does not say
	version string
	renewed time.Time // by the clock of the kubelet: only ever compared for equality
}

// renewedSince says whether the Lease was renewed after a renewal, or a version where no renewal is told.
func (b beat) renewedSince(renewed time.Time, version string) bool {
	return !b.renewed.Equal(renewed) || b.renewed.IsZero() && b.version != version
}

func leaseKind(client kubernetes.Interface) kind[beat] {
	api := client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	return kind[beat]{
		name: "leases", resource: "leases.coordination.k8s.io", client: client, known: byName,
		list:  func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) { return api.List(ctx, opts) },
		watch: api.Watch,
		keep:  typed(readBeat),
	}
}

func readBeat(l *coordv1.Lease) (beat, error) {
	if l.Name == "" || l.UID == "" || l.ResourceVersion == "" {
		return beat{}, errors.New("read lease: it has no name, UID or resource version")
	}
	b := beat{node: l.Name, uid: string(l.UID), version: l.ResourceVersion}
	if l.Spec.RenewTime != nil {
		b.renewed = l.Spec.RenewTime.Time
	}
	for _, owner := range l.OwnerReferences {
		if owner.Kind == "Node" {
			b.owner = string(owner.UID)
		}
	}
	return b, nil
}
