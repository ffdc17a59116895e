package node

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
)

// trail is where one node's traces are looked for: in APIs that a cluster may or may not have. All of it reads.
type trail struct {
	reader kubernetes.Interface
	custom dynamic.Interface
	node   *corev1.Node
}

// kind is a kind of object that Kubernetes itself does not define.
type kind struct {
	name string // as people say it: "Machine"
	schema.GroupVersionResource
}

// list lists the objects of a kind, in all namespaces if none is given. served is false where the API is not installed. why
// says in words why they cannot be listed.
func (t trail) list(ctx context.Context, k kind, namespace string) (items []unstructured.Unstructured, served bool, why string) {
	list, err := t.custom.Resource(k.GroupVersionResource).Namespace(namespace).List(ctx, metav1.ListOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, false, ""
	case err != nil:
		return nil, false, k.unread(err)
	}
	return list.Items, true, ""
}

// unread says why objects of a kind cannot be read.
func (k kind) unread(err error) string {
	if apierrors.IsForbidden(err) {
		return fmt.Sprintf("%ss of %s may not be read: salvor print rbac --role observe names the right", k.name, k.Group)
	}
	return fmt.Sprintf("%ss of %s cannot be read: %v", k.name, k.Group, err)
}

// called is how people call an object: "Machine openshift-machine-api/worker-1".
func (k kind) called(namespace, name string) string {
	return k.name + " " + strings.TrimPrefix(namespace+"/"+name, "/")
}
