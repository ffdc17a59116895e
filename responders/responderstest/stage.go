package responderstest

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Stage is a server as a controller that a test plays in it sees it, in the moment after a write.
type Stage struct {
	server  *Server
	changed bool
}

// Play lets a controller act after every write that landed, before anybody else sees the world. It is called again as long as any
// controller changes something, so it has to look before it does.
func (s *Server) Play(controller func(*Stage)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plays = append(s.plays, controller)
	s.play()
}

// rounds is after how many rounds controllers that never come to rest are a mistake of the test.
const rounds = 100

func (s *Server) play() {
	for range rounds {
		stage := &Stage{server: s}
		for _, act := range s.plays {
			act(stage)
		}
		if !stage.changed {
			return
		}
	}
	panic("the controllers that the test plays never come to rest")
}

// All are the objects of a kind in all namespaces, by name. They are copies.
func (s *Stage) All(group, resource string) []*unstructured.Unstructured {
	var out []*unstructured.Unstructured
	for _, at := range slices.SortedFunc(maps.Keys(s.server.objects), place.compare) {
		if at.group == group && at.resource == resource {
			out = append(out, (&unstructured.Unstructured{Object: s.server.objects[at]}).DeepCopy())
		}
	}
	return out
}

// One is an object by its name; nil where there is none.
func (s *Stage) One(group, resource, namespace, name string) *unstructured.Unstructured {
	o, ok := s.server.objects[place{group, resource, namespace, name}]
	if !ok {
		return nil
	}
	return (&unstructured.Unstructured{Object: o}).DeepCopy()
}

// Put writes an object as it is given, which may be a new one. A deleted one that has lost its last finalizer is gone.
func (s *Stage) Put(o *unstructured.Unstructured) {
	at := placeOf(o)
	if o.GetUID() == "" {
		s.server.made++
		o.SetUID(UIDOf(o.GetKind(), o.GetNamespace(), fmt.Sprintf("%s-%d", o.GetName(), s.server.made)))
	}
	s.server.store(at, o.DeepCopy().Object)
	s.server.finish(at)
	s.changed = true
}

// Drop takes an object away, whatever holds it.
func (s *Stage) Drop(o *unstructured.Unstructured) {
	delete(s.server.objects, placeOf(o))
	s.changed = true
}

func placeOf(o *unstructured.Unstructured) place {
	resource, _ := meta.UnsafeGuessKindToResource(schema.FromAPIVersionAndKind(o.GetAPIVersion(), o.GetKind()))
	return place{resource.Group, resource.Resource, o.GetNamespace(), o.GetName()}
}
