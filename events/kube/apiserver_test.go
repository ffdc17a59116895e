package kube

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	coordv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// apiServer speaks as much of the Kubernetes API as watching nodes and leases needs, over real connections that can break.
type apiServer struct {
	t    *testing.T
	addr string
	http *httptest.Server

	mu        sync.Mutex
	changed   chan struct{}                       // closed and replaced at each change of anything below
	objects   map[string]map[string]metav1.Object // by resource and name
	version   int
	history   []change
	compacted int  // versions below are forgotten
	streams   bool // lists are streamed when asked for (WatchList)
	hung      bool // nothing is answered
	forbidden string
	garbage   bool // the next event of a stream is no JSON
}

type change struct {
	resource string
	version  int
	typ      string
	object   any
}

func newAPIServer(t *testing.T) *apiServer {
	t.Helper()
	s := &apiServer{t: t, addr: "127.0.0.1:0", changed: make(chan struct{}), version: 1, streams: true,
		objects: map[string]map[string]metav1.Object{"nodes": {}, "leases": {}, "pods": {}}}
	s.start()
	t.Cleanup(func() { s.set(func() { s.hung = false }); s.stop() })
	return s
}

func (s *apiServer) start() {
	s.t.Helper()
	var l net.Listener
	var err error
	for range 100 {
		if l, err = net.Listen("tcp", s.addr); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.addr = l.Addr().String()
	s.http = &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(s.serve)}}
	s.http.Start()
}

// stop ends the server and all connections to it, also those that are made meanwhile: Close alone waits for a stream that a
// client has just opened as long as that likes to watch.
func (s *apiServer) stop() {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.http.Close()
	}()
	for {
		s.http.CloseClientConnections()
		select {
		case <-closed:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *apiServer) client() kubernetes.Interface {
	c, err := kubernetes.NewForConfig(&rest.Config{Host: "http://" + s.addr, QPS: -1})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *apiServer) set(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
	close(s.changed)
	s.changed = make(chan struct{})
}

// write stores an object, or deletes it, and tells the streams.
func (s *apiServer) write(resource string, obj metav1.Object, deleted bool) {
	s.set(func() {
		s.version++
		obj.SetResourceVersion(strconv.Itoa(s.version))
		typ := "MODIFIED"
		if _, ok := s.objects[resource][obj.GetName()]; !ok {
			typ = "ADDED"
		}
		s.objects[resource][obj.GetName()] = obj
		if deleted {
			typ = "DELETED"
			delete(s.objects[resource], obj.GetName())
		}
		s.history = append(s.history, change{resource, s.version, typ, obj})
	})
}

func (s *apiServer) node(name string, edits ...func(*corev1.Node)) {
	s.write("nodes", testNode(name, edits...), false)
}

// compact forgets all versions so far, and ends the streams as expired.
func (s *apiServer) compact() {
	s.set(func() { s.version++; s.compacted = s.version })
}

// beat renews the Leases of living nodes until the test ends or stop is called.
func (s *apiServer) beat(every time.Duration, dead func(node string) bool, nodes ...string) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	renew := func(i int) {
		for _, n := range nodes {
			if i == 0 || !dead(n) {
				s.write("leases", testLease(n, i), false)
			}
		}
	}
	renew(0)
	go func() {
		defer close(ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for i := 1; ; i++ {
			select {
			case <-done:
				return
			case <-tick.C:
				renew(i)
			}
		}
	}()
	return func() { close(done); <-ended }
}

func (s *apiServer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	hung, forbidden := s.hung, s.forbidden
	s.mu.Unlock()
	resource := "nodes"
	for _, other := range []string{"leases", "pods"} {
		if strings.Contains(r.URL.Path, "/"+other) {
			resource = other
		}
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case hung:
		<-r.Context().Done()
	case !slices.Contains(parts, resource):
		refuse(w, apierrors.NewForbidden(schema.GroupResource{Resource: parts[len(parts)-1]}, "", fmt.Errorf("salvor may not see all")))
	case forbidden == resource:
		refuse(w, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", fmt.Errorf("salvor may not")))
	case r.URL.Query().Get("watch") != "":
		s.stream(w, r, resource)
	case strings.HasSuffix(r.URL.Path, "/"+resource):
		if r.URL.Query().Get("resourceVersion") == "0" {
			s.t.Error("a list was asked for that may come from a stale cache")
		}
		s.list(w, resource)
	default:
		s.one(w, resource, r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:])
	}
}

func refuse(w http.ResponseWriter, err *apierrors.StatusError) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(err.ErrStatus.Code))
	_ = json.NewEncoder(w).Encode(status(err))
}

func status(err *apierrors.StatusError) metav1.Status {
	err.ErrStatus.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	return err.ErrStatus
}

func answer(w http.ResponseWriter, obj any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(obj)
}

func (s *apiServer) one(w http.ResponseWriter, resource, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	obj, ok := s.objects[resource][name]
	if !ok {
		refuse(w, apierrors.NewNotFound(schema.GroupResource{Resource: resource}, name))
		return
	}
	answer(w, obj)
}

func (s *apiServer) list(w http.ResponseWriter, resource string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	meta := metav1.ListMeta{ResourceVersion: strconv.Itoa(s.version)}
	if resource == "nodes" {
		list := corev1.NodeList{ListMeta: meta}
		for _, o := range s.objects[resource] {
			list.Items = append(list.Items, *o.(*corev1.Node))
		}
		answer(w, list)
		return
	}
	if resource == "pods" {
		list := corev1.PodList{ListMeta: meta}
		for _, o := range s.objects[resource] {
			list.Items = append(list.Items, *o.(*corev1.Pod))
		}
		answer(w, list)
		return
	}
	list := coordv1.LeaseList{ListMeta: meta}
	for _, o := range s.objects[resource] {
		list.Items = append(list.Items, *o.(*coordv1.Lease))
	}
	answer(w, list)
}

func (s *apiServer) stream(w http.ResponseWriter, r *http.Request, resource string) {
	q := r.URL.Query()
	at, _ := strconv.Atoi(q.Get("resourceVersion"))
	s.mu.Lock()
	streams := s.streams
	s.mu.Unlock()
	if q.Get("sendInitialEvents") == "true" {
		if !streams {
			refuse(w, apierrors.NewInvalid(schema.GroupKind{Group: "meta.k8s.io", Kind: "ListOptions"}, "", nil))
			return
		}
		at = s.sendInitial(w, resource)
	}
	for {
		s.mu.Lock()
		next, expired, garbage, changed := s.after(resource, at), at < s.compacted, s.garbage, s.changed
		s.garbage = s.garbage && len(next) == 0
		s.mu.Unlock()
		switch {
		case expired:
			answer(w, map[string]any{"type": "ERROR", "object": status(apierrors.NewResourceExpired("too old resource version"))})
			return
		case garbage && len(next) > 0:
			fmt.Fprintln(w, `{"type":"MODIFIED","object":{"kind":"Node","apiVersion":"v1","metadata":{"name":7}}}`)
			return
		}
		for _, c := range next {
			answer(w, map[string]any{"type": c.typ, "object": kinded(resource, c.object)})
			at = c.version
		}
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-changed:
		}
	}
}

func (s *apiServer) after(resource string, at int) []change {
	i := slices.IndexFunc(s.history, func(c change) bool { return c.version > at })
	if i < 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(s.history[i:]), func(c change) bool { return c.resource != resource })
}

func (s *apiServer) sendInitial(w http.ResponseWriter, resource string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.objects[resource] {
		answer(w, map[string]any{"type": "ADDED", "object": kinded(resource, o)})
	}
	end := testNode("").ObjectMeta
	end.ResourceVersion, end.Annotations = strconv.Itoa(s.version), map[string]string{metav1.InitialEventsAnnotationKey: "true"}
	var mark any = &corev1.Node{ObjectMeta: end}
	if resource == "leases" {
		mark = &coordv1.Lease{ObjectMeta: end}
	}
	if resource == "pods" {
		mark = &corev1.Pod{ObjectMeta: end}
	}
	answer(w, map[string]any{"type": "BOOKMARK", "object": kinded(resource, mark)})
	return s.version
}

// kinded is a copy of an object that says what it is, as objects in streams must.
func kinded(resource string, obj any) any {
	if resource == "nodes" {
		n := obj.(*corev1.Node).DeepCopy()
		n.TypeMeta = metav1.TypeMeta{Kind: "Node", APIVersion: "v1"}
		return n
	}
	if resource == "pods" {
		p := obj.(*corev1.Pod).DeepCopy()
		p.TypeMeta = metav1.TypeMeta{Kind: "Pod", APIVersion: "v1"}
		return p
	}
	l := obj.(*coordv1.Lease).DeepCopy()
	l.TypeMeta = metav1.TypeMeta{Kind: "Lease", APIVersion: "coordination.k8s.io/v1"}
	return l
}
