package kube

import (
	"errors"
	"fmt"
)

// store lends a lookout's keeper to a reflector. One object that cannot be read, whatever is wrong with it, is logged and
// left out; it takes nothing else down.
type store[P any] struct{ *lookout[P] }

func (s store[P]) Add(obj any) error    { return s.one(obj, s.keeper.put) }
func (s store[P]) Update(obj any) error { return s.one(obj, s.keeper.put) }
func (s store[P]) Delete(obj any) error { return s.one(obj, s.keeper.remove) }
func (s store[P]) Resync() error        { return nil }

func (s store[P]) Replace(list []any, version string) error {
	all, unread := make([]P, 0, len(list)), []string(nil)
	for _, obj := range list {
		one, name, err := s.read(obj)
		switch {
		case err == nil:
			all = append(all, one)
		case !errors.Is(err, errPassedOver):
			s.desk.log.Error("object ignored: it cannot be read", "entity", name, "error", err)
			unread = append(unread, name)
		}
	}
	s.take(all, unread, version)
	return nil
}

func (s store[P]) one(obj any, do func(P)) error {
	switch one, name, err := s.read(obj); {
	case err == nil:
		do(one)
	case !errors.Is(err, errPassedOver):
		s.desk.log.Error("object ignored: it cannot be read", "entity", name, "error", err)
	}
	return nil
}

// read is what a glimpse holds, and by what its keeper knows it.
func (s store[P]) read(obj any) (one P, name string, err error) {
	g, ok := obj.(*glimpse[P])
	if !ok {
		return one, "", fmt.Errorf("read object: it is a %T", obj)
	}
	return g.one, s.kind.known(g.Namespace, g.Name), g.err
}
