package responderstest

import (
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// Served is a CustomResourceDefinition: a server that holds it serves the kind, though it may hold no object of it.
func Served(group, version, plural, kind string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": plural + "." + group},
		"spec": map[string]any{"group": group, "names": map[string]any{"plural": plural, "kind": kind},
			"versions": []any{map[string]any{"name": version, "served": true, "storage": true}}},
	}}
}

// Refuse lets every request about a resource end with an error, whether the resource is served or not. A nil error ends that.
func (s *Server) Refuse(group, resource string, with error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuses[schema.GroupResource{Group: group, Resource: resource}] = with
}

// install serves what an object that was put into the server shows to be there.
func (s *Server) install(at schema.GroupVersionResource, o unstructured.Unstructured) {
	if o.GetKind() == "CustomResourceDefinition" {
		group, _, _ := unstructured.NestedString(o.Object, "spec", "group")
		plural, _, _ := unstructured.NestedString(o.Object, "spec", "names", "plural")
		kind, _, _ := unstructured.NestedString(o.Object, "spec", "names", "kind")
		versions, _, _ := unstructured.NestedSlice(o.Object, "spec", "versions")
		for _, version := range versions {
			name, _, _ := unstructured.NestedString(version.(map[string]any), "name")
			s.kinds[schema.GroupVersionResource{Group: group, Version: name, Resource: plural}] = kind
		}
	}
	if !scheme.Scheme.IsGroupRegistered(at.Group) {
		s.kinds[at] = o.GetKind()
	}
}

// admit answers a request, or refuses it in the order of a real API server: for what it may not do, then for what is not
// there.
func (s *Server) admit(request *http.Request, body []byte) (any, error) {
	at := resourceOf(request)
	if err := s.refuses[at.GroupResource()]; err != nil {
		return nil, err
	}
	if _, custom := s.kinds[at]; !custom && !scheme.Scheme.IsGroupRegistered(at.Group) {
		return nil, apierrors.NewGenericServerResponse(http.StatusNotFound, request.Method, at.GroupResource(), "", "404 page not found", 0, true)
	}
	return s.serve(request, body)
}

// name says what a list is of, which clients of kinds they do not know need to hear.
func (s *Server) name(list map[string]any, request *http.Request) {
	at := resourceOf(request)
	kind, known := s.kinds[at]
	for builtIn := range scheme.Scheme.KnownTypes(at.GroupVersion()) {
		if plural, _ := meta.UnsafeGuessKindToResource(at.GroupVersion().WithKind(builtIn)); plural == at && !known {
			kind, known = builtIn, true
		}
	}
	if known {
		list["apiVersion"], list["kind"] = at.GroupVersion().String(), kind+"List"
	}
}

func resourceOf(request *http.Request) schema.GroupVersionResource {
	call := callOf(request)
	at := schema.GroupVersionResource{Group: call.Group, Version: "v1"}
	at.Resource, _, _ = strings.Cut(call.Resource, "/")
	if parts := strings.Split(strings.Trim(request.URL.Path, "/"), "/"); call.Group != "" {
		at.Version = parts[2]
	}
	return at
}
