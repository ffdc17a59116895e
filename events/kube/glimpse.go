package kube

import (
	"errors"
	"fmt"
	"runtime/debug"

	"k8s.io/apimachinery/pkg/api/meta"
	metainternal "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// glimpse is one object as a reflector carries it: what is kept of it, and as much of its metadata as reflectors read. What
// else the object said is dropped as soon as it was decoded, so that not even a first list is ever held as a whole.
type glimpse[P any] struct {
	metav1.TypeMeta
	metav1.ObjectMeta
	one P
	err error // why nothing is kept
}

// DeepCopyObject makes a glimpse an object to reflectors.
func (g *glimpse[P]) DeepCopyObject() runtime.Object {
	c := *g
	return &c
}

// errPassedOver is what keep says of an object that is not to be kept.
var errPassedOver = errors.New("passed over")

// glance takes a glimpse of an object. Whatever is wrong with the object is only said in its glimpse.
func (k kind[P]) glance(o runtime.Object) (g *glimpse[P]) {
	g = &glimpse[P]{}
	defer func() {
		if r := recover(); r != nil {
			g.err = fmt.Errorf("read object: panic: %v\n%s", r, debug.Stack())
		}
	}()
	about, err := meta.Accessor(o)
	if err != nil {
		g.err = fmt.Errorf("read object: it is a %T", o)
		return g
	}
	g.ObjectMeta = metav1.ObjectMeta{Name: about.GetName(), Namespace: about.GetNamespace(), ResourceVersion: about.GetResourceVersion()}
	g.one, g.err = k.keep(o)
	return g
}

// mark is the glimpse of a bookmark, which is no object.
func (k kind[P]) mark(o runtime.Object) runtime.Object {
	about, err := meta.Accessor(o)
	if err != nil {
		return o
	}
	return &glimpse[P]{ObjectMeta: metav1.ObjectMeta{ResourceVersion: about.GetResourceVersion(), Annotations: about.GetAnnotations()}}
}

// page is a list of glimpses of what is on a list of objects.
func (k kind[P]) page(list runtime.Object) (runtime.Object, error) {
	about, err := meta.ListAccessor(list)
	if err != nil {
		return nil, fmt.Errorf("read list of %s: %w", k.name, err)
	}
	out := &metainternal.List{ListMeta: metav1.ListMeta{
		ResourceVersion: about.GetResourceVersion(), Continue: about.GetContinue(), RemainingItemCount: about.GetRemainingItemCount()}}
	err = meta.EachListItem(list, func(o runtime.Object) error {
		out.Items = append(out.Items, k.glance(o))
		return nil
	})
	return out, err
}
