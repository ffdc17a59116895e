// Package node does what can be done to the nodes of a cluster: cordon them, fence them, release what they hold, and take
// all of that back.
//
// What Salvor did to a node is written on the node, in annotations that carry the incident. Only what an annotation of the
// same incident claims is ever taken back.
package node

import (
	"context"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
)

// The annotations that say what Salvor did. Cordoned and released hold the id of the incident, fenced holds JSON:
// {"incident": id, "proof": how it is known, "at": when}.
const (
	CordonedAnnotation = "salvor.io/cordoned"
	FencedAnnotation   = "salvor.io/fenced"
	ReleasedAnnotation = "salvor.io/released"
)

// Clusters gives clients for a cluster by its name: Reader one that observes, Writer one that acts, and Custom one that
// observes kinds that Kubernetes itself does not define.
type Clusters interface {
	Reader(cluster string) (kubernetes.Interface, error)
	Writer(cluster string) (kubernetes.Interface, error)
	Custom(cluster string) (dynamic.Interface, error)
}

// Power is the power switch of one cluster's machines.
//
// IsOff asks whether the machine of a node is off right now. Anything but a plain answer is an error: not to know is never
// off. Off asks for the power to be cut and may be repeated; that it returned proves nothing, only IsOff does. Both return
// soon after ctx ends.
type Power interface {
	IsOff(ctx context.Context, node string) (bool, error)
	Off(ctx context.Context, node string) error
}
