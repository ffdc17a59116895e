package kube

import (
	"fmt"
	"runtime/debug"
	"time"
)

// store lends a lookout's keeper to a reflector. One object that cannot be read, whatever is wrong with it, is logged and
// left out; it takes nothing else down.
type store[T object, P any] struct{ *lookout[T, P] }

func (s store[T, P]) Add(obj any) error    { return s.one(obj, s.keeper.put) }
func (s store[T, P]) Update(obj any) error { return s.one(obj, s.keeper.put) }
func (s store[T, P]) Delete(obj any) error { return s.one(obj, s.keeper.remove) }
func (s store[T, P]) Resync() error        { return nil }

func (s store[T, P]) Replace(list []any, version string) error {
	all, unread := make([]P, 0, len(list)), []string(nil)
	for _, obj := range list {
		one, name, err := s.read(obj)
		if err != nil {
			s.desk.log.Error("object ignored: it cannot be read", "entity", name, "error", err)
			unread = append(unread, name)
			continue
		}
		all = append(all, one)
	}
	s.keeper.replace(all, unread, version)
	s.sight.tookOver(time.Now())
	s.desk.out.whenSent(s.kind.name, func() { s.synced.Store(true) })
	return nil
}

func (s store[T, P]) one(obj any, do func(P)) error {
	one, name, err := s.read(obj)
	if err != nil {
		s.desk.log.Error("object ignored: it cannot be read", "entity", name, "error", err)
		return nil
	}
	do(one)
	return nil
}

func (s store[T, P]) read(obj any) (one P, name string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("read object: panic: %v\n%s", r, debug.Stack())
		}
	}()
	typed, ok := obj.(T)
	if !ok {
		return one, "", fmt.Errorf("read object: it is a %T", obj)
	}
	one, err = s.kind.keep(typed)
	return one, typed.GetName(), err
}
