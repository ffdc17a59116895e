package kube

import (
	"context"
	"errors"
	"time"

	coordv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/events"
)

type (
	nodeObject  = corev1.Node
	leaseObject = coordv1.Lease
)

// object is a pointer to one kind of Kubernetes object.
type object interface {
	runtime.Object
	metav1.Object
}

// kind is how a lookout lists and watches one kind of object, and what it keeps of each.
type kind[T object, P any] struct {
	name   string // in observer events
	sample T
	client kubernetes.Interface
	list   func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error)
	watch  func(ctx context.Context, opts metav1.ListOptions) (apiwatch.Interface, error)
	strip  func(T)            // drops what project does not read, right after decoding, so that lists stay small
	keep   func(T) (P, error) // what the keeper gets
}

// sighted is what was last seen of a node.
type sighted struct {
	events.Node
	digest string
	first  time.Time // when the node was first seen; zero when it was there from the beginning
}

func see(n events.Node) sighted { return sighted{Node: n, digest: digest(n)} }

func nodeKind(client kubernetes.Interface) kind[*nodeObject, sighted] {
	api := client.CoreV1().Nodes()
	return kind[*nodeObject, sighted]{
		name: "nodes", sample: &nodeObject{}, client: client,
		list:  func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) { return api.List(ctx, opts) },
		watch: api.Watch,
		strip: func(n *nodeObject) {
			n.ManagedFields = nil
			n.Status = corev1.NodeStatus{Conditions: n.Status.Conditions}
		},
		keep: func(n *nodeObject) (sighted, error) {
			if n.Name == "" || n.UID == "" || n.ResourceVersion == "" {
				return sighted{}, errors.New("read node: it has no name, UID or resource version")
			}
			return see(project(n)), nil
		},
	}
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

func leaseKind(client kubernetes.Interface) kind[*leaseObject, beat] {
	api := client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	return kind[*leaseObject, beat]{
		name: "leases", sample: &leaseObject{}, client: client,
		list:  func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) { return api.List(ctx, opts) },
		watch: api.Watch,
		strip: func(l *leaseObject) { l.ManagedFields, l.Annotations, l.Labels = nil, nil, nil },
		keep:  readBeat,
	}
}

func readBeat(l *leaseObject) (beat, error) {
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
