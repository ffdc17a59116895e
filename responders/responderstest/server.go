package responderstest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// Server is an API server in memory, spoken to over HTTP messages without a network. It keeps the promises responders rely
// on: patches and deletes fail when UID or resourceVersion are not those of the object, versions move with every write, a
// pod bound to a node stays until somebody deletes it without grace, an eviction is refused while a disruption budget allows none,
// lists select by label and by any field that is a text, an object with finalizers stays until it has none, and no object is created where one is. Of the kinds
// that client-go does not know it serves those that it holds an object or a CustomResourceDefinition of, and answers 404 for
// the others. It runs no controllers but those that a test plays in it.
type Server struct {
	mu      sync.Mutex
	version int
	objects map[place]object
	kinds   map[schema.GroupVersionResource]string // what is served that client-go does not know
	refuses map[schema.GroupResource]error
	made    int            // objects created so far
	plays   []func(*Stage) // the controllers, in their order
}

type place struct{ group, resource, namespace, name string }

func (a place) compare(b place) int {
	return cmp.Or(strings.Compare(a.group, b.group), strings.Compare(a.resource, b.resource), strings.Compare(a.namespace, b.namespace), strings.Compare(a.name, b.name))
}

type object map[string]any

// NewServer makes a server that holds the objects. Those without a UID are given one.
func NewServer(objects ...runtime.Object) (*Server, error) {
	s := &Server{objects: map[place]object{}, kinds: map[schema.GroupVersionResource]string{}, refuses: map[schema.GroupResource]error{}}
	for _, o := range objects {
		if err := s.add(o); err != nil {
			return nil, fmt.Errorf("put object into the server: %w", err)
		}
	}
	return s, nil
}

func (s *Server) add(typed runtime.Object) error {
	kinds, _, err := scheme.Scheme.ObjectKinds(typed)
	if err != nil {
		return err
	}
	raw, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		return err
	}
	o := unstructured.Unstructured{Object: raw}
	o.SetGroupVersionKind(kinds[0])
	if o.GetUID() == "" {
		o.SetUID(UIDOf(o.GetKind(), o.GetNamespace(), o.GetName()))
	}
	resource, _ := meta.UnsafeGuessKindToResource(kinds[0])
	s.store(place{resource.Group, resource.Resource, o.GetNamespace(), o.GetName()}, o.Object)
	s.install(resource, o)
	return nil
}

// Config is how clients reach the server.
func (s *Server) Config() *rest.Config {
	return &rest.Config{Host: "http://server", Transport: s, QPS: -1, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}
}

// store keeps an object under a new version.
func (s *Server) store(at place, o object) {
	s.version++
	(&unstructured.Unstructured{Object: o}).SetResourceVersion(strconv.Itoa(s.version))
	s.objects[at] = o
}

// RoundTrip answers one request.
func (s *Server) RoundTrip(request *http.Request) (*http.Response, error) {
	var body []byte
	if request.Body != nil {
		defer func() { _ = request.Body.Close() }()
		var err error
		if body, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer, err := s.admit(request, body)
	if err == nil && callOf(request).IsWrite() {
		s.play()
	}
	code := http.StatusOK
	if refusal, ok := err.(apierrors.APIStatus); ok {
		status := refusal.Status()
		status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
		answer, code = status, int(status.Code)
	} else if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(answer)
	return &http.Response{StatusCode: code, Status: http.StatusText(code), Request: request, ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(raw))}, err
}

func (s *Server) serve(request *http.Request, body []byte) (any, error) {
	call := callOf(request)
	resource, _, _ := strings.Cut(call.Resource, "/")
	at := place{call.Group, resource, call.Namespace, call.Name}
	kind := schema.GroupResource{Group: call.Group, Resource: resource}
	switch {
	case call.Verb == "list":
		return s.list(at, request)
	case call.Verb == "create" && call.Name == "":
		return s.create(at, body)
	}
	o, ok := s.objects[at]
	if !ok {
		return nil, apierrors.NewNotFound(kind, call.Name)
	}
	switch call.Verb {
	case "get":
		return o, nil
	case "patch":
		return s.patch(at, o, request.Header.Get("Content-Type"), body)
	case "delete":
		return s.remove(at, o, body)
	case "create":
		if call.Resource == "pods/eviction" {
			return s.evict(at, o, body)
		}
	}
	return nil, apierrors.NewMethodNotSupported(kind, call.Verb)
}

func (s *Server) list(at place, request *http.Request) (any, error) {
	query := request.URL.Query()
	byLabel, err := labels.Parse(query.Get("labelSelector"))
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	byField, err := fields.ParseSelector(query.Get("fieldSelector"))
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	items := []object{}
	for _, key := range slices.SortedFunc(maps.Keys(s.objects), place.compare) {
		o := unstructured.Unstructured{Object: s.objects[key]}
		inside := key.group == at.group && key.resource == at.resource && (at.namespace == "" || at.namespace == key.namespace)
		if inside && byLabel.Matches(labels.Set(o.GetLabels())) && byField.Matches(selectable(o, byField)) {
			items = append(items, o.Object)
		}
	}
	list := map[string]any{"metadata": map[string]any{"resourceVersion": strconv.Itoa(s.version)}, "items": items}
	s.name(list, request)
	return list, nil
}

// selectable are the fields of an object that a selector asks about.
func selectable(o unstructured.Unstructured, by fields.Selector) fields.Set {
	values := fields.Set{}
	for _, asked := range by.Requirements() {
		values[asked.Field], _, _ = unstructured.NestedString(o.Object, strings.Split(asked.Field, ".")...)
	}
	return values
}

func (s *Server) patch(at place, o object, form string, body []byte) (any, error) {
	if form != "application/merge-patch+json" {
		return nil, apierrors.NewGenericServerResponse(http.StatusUnsupportedMediaType, "patch", schema.GroupResource{Resource: at.resource}, at.name, form, 0, true)
	}
	var change object
	if err := json.Unmarshal(body, &change); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	claimed := unstructured.Unstructured{Object: change}
	if err := s.match(at, o, string(claimed.GetUID()), claimed.GetResourceVersion()); err != nil {
		return nil, err
	}
	merged := merge(o, change)
	s.store(at, merged)
	s.finish(at)
	return merged, nil
}

func (s *Server) remove(at place, o object, body []byte) (any, error) {
	var options metav1.DeleteOptions
	if len(body) > 0 {
		if err := json.Unmarshal(body, &options); err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
	}
	if p := options.Preconditions; p != nil && p.UID != nil {
		if err := s.match(at, o, string(*p.UID), ""); err != nil {
			return nil, err
		}
	}
	if now := (&unstructured.Unstructured{Object: o}); len(now.GetFinalizers()) > 0 {
		s.store(at, merge(o, object{"metadata": map[string]any{"deletionTimestamp": "2030-01-01T00:00:00Z"}}))
		return o, nil
	}
	node, _, _ := unstructured.NestedString(o, "spec", "nodeName")
	if at.resource != "pods" || node == "" || hasEnded(o) || options.GracePeriodSeconds != nil && *options.GracePeriodSeconds == 0 {
		delete(s.objects, at)
		return o, nil
	}
	leaving := merge(o, object{"metadata": map[string]any{"deletionTimestamp": "2030-01-01T00:00:00Z", "deletionGracePeriodSeconds": int64(30)}})
	s.store(at, leaving)
	return leaving, nil
}

// match refuses a write that was meant for another state of the object. An empty claim says nothing.
func (s *Server) match(at place, o object, uid, version string) error {
	now := unstructured.Unstructured{Object: o}
	if uid != "" && uid != string(now.GetUID()) || version != "" && version != now.GetResourceVersion() {
		return apierrors.NewConflict(schema.GroupResource{Resource: at.resource}, at.name, fmt.Errorf("the object is at version %s, UID %s", now.GetResourceVersion(), now.GetUID()))
	}
	return nil
}

// merge is a JSON merge patch (RFC 7386) that leaves both sides as they are.
func merge(into, change map[string]any) map[string]any {
	out := maps.Clone(into)
	if out == nil {
		out = map[string]any{}
	}
	for key, value := range change {
		nested, isObject := value.(map[string]any)
		old, _ := out[key].(map[string]any)
		switch {
		case value == nil:
			delete(out, key)
		case isObject:
			out[key] = merge(old, nested)
		default:
			out[key] = value
		}
	}
	return out
}

// hasEnded says of a pod that nothing of it runs any more: it is deleted without grace, as by a real server.
func hasEnded(o object) bool {
	phase, _, _ := unstructured.NestedString(o, "status", "phase")
	return phase == "Succeeded" || phase == "Failed"
}
