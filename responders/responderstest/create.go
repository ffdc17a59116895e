package responderstest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// create makes an object under a UID that no other had, unless one of that name is there.
func (s *Server) create(at place, body []byte) (any, error) {
	var made unstructured.Unstructured
	if err := json.Unmarshal(body, &made.Object); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	kind := schema.GroupResource{Group: at.group, Resource: at.resource}
	if at.name = made.GetName(); at.name == "" {
		return nil, apierrors.NewBadRequest("name or generateName is required")
	}
	if _, taken := s.objects[at]; taken {
		return nil, apierrors.NewAlreadyExists(kind, at.name)
	}
	s.made++
	made.SetNamespace(at.namespace)
	made.SetUID(types.UID(fmt.Sprintf("uid-made-%d", s.made)))
	s.store(at, made.Object)
	return made.Object, nil
}

// finish lets an object go that was deleted and that no finalizer holds any more.
func (s *Server) finish(at place) {
	o := unstructured.Unstructured{Object: s.objects[at]}
	if at.resource != "pods" && o.GetDeletionTimestamp() != nil && len(o.GetFinalizers()) == 0 {
		delete(s.objects, at)
	}
}

// nameIn is the name of the object that a request creates, which its path does not say; empty where it cannot be read.
func nameIn(request *http.Request) string {
	sent := unstructured.Unstructured{Object: bodyOf(request)}
	return sent.GetName()
}

// patchIn is what a merge patch changes, as JSON, without the UID and the resourceVersion that it is bound to.
func patchIn(request *http.Request) string {
	sent := bodyOf(request)
	unstructured.RemoveNestedField(sent, "metadata", "uid")
	unstructured.RemoveNestedField(sent, "metadata", "resourceVersion")
	raw, err := json.Marshal(sent)
	if err != nil {
		return ""
	}
	return string(raw)
}

// bodyOf is the object that a request sends; empty where it sends none, or none that can be read.
func bodyOf(request *http.Request) map[string]any {
	sent := map[string]any{}
	if request.GetBody == nil {
		return sent
	}
	body, err := request.GetBody()
	if err != nil {
		return sent
	}
	defer func() { _ = body.Close() }()
	if raw, err := io.ReadAll(body); err != nil || json.Unmarshal(raw, &sent) != nil {
		return map[string]any{}
	}
	return sent
}
