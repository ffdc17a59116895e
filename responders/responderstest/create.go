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
	if request.GetBody == nil {
		return ""
	}
	body, err := request.GetBody()
	if err != nil {
		return ""
	}
	defer func() { _ = body.Close() }()
	var sent struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
	}
	if raw, err := io.ReadAll(body); err != nil || json.Unmarshal(raw, &sent) != nil {
		return ""
	}
	return sent.Metadata.Name
}
