package kube

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

const (
	listTimeout = time.Minute      // a whole list, or one page of it
	openTimeout = 30 * time.Second // until a stream's answer begins
)

// tap is what the reflector lists and watches through: it takes evidence of sight from everything that passes, and drops
// what nobody reads.
func (l *lookout[P]) tap() cache.ListerWatcher {
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc:  l.tapList,
		WatchFuncWithContext: l.tapWatch,
	}, l.kind.client)
}

func (l *lookout[P]) tapList(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
	if opts.ResourceVersion == "0" {
		opts.ResourceVersion = "" // a cache may not have heard of nodes that exist, which would look deleted
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	list, err := l.kind.list(ctx, opts)
	if err != nil {
		return nil, l.kind.refused("list", err) // the round ends with it
	}
	l.misses.Store(0)
	l.sight.saw(time.Now())
	return l.kind.page(list)
}

func (l *lookout[P]) tapWatch(ctx context.Context, opts metav1.ListOptions) (apiwatch.Interface, error) {
	ctx, cancel := context.WithCancel(ctx)
	late := time.AfterFunc(openTimeout, cancel)
	inner, err := l.kind.watch(ctx, opts)
	if !late.Stop() {
		if err == nil {
			inner.Stop()
		}
		err = fmt.Errorf("open watch of %s: no answer within %s", l.kind.name, openTimeout)
	}
	if err != nil {
		cancel()
		err = l.kind.refused("watch", err)
		l.sight.failed(time.Now(), err)
		return nil, err
	}
	l.misses.Store(0)
	l.sight.started(time.Now())
	s := &stream{inner: inner, out: make(chan apiwatch.Event), done: make(chan struct{}), cancel: cancel}
	s.copying.Go(func() { s.copy(l.passes, l.sight.ended) })
	return s, nil
}

// passes takes evidence from what arrives on a stream, and a glimpse of each object.
func (l *lookout[P]) passes(ev apiwatch.Event) apiwatch.Event {
	if ev.Type == apiwatch.Error {
		l.sight.failed(time.Now(), apierrors.FromObject(ev.Object))
		return ev
	}
	l.sight.streamed(time.Now())
	if ev.Type == apiwatch.Bookmark {
		ev.Object = l.kind.mark(ev.Object)
		return ev
	}
	ev.Object = l.kind.glance(ev.Object)
	return ev
}

// refused adds to an error that a right is missing, if it is that.
func (k kind[P]) refused(verb string, err error) error {
	if !apierrors.IsForbidden(err) {
		return err
	}
	return fmt.Errorf("the right to %s %s is missing: %w", verb, k.resource, err)
}

// stream is a watch that shows what passes. Unlike apiwatch.Filter it does not keep a goroutine when it is stopped unread.
type stream struct {
	inner   apiwatch.Interface
	out     chan apiwatch.Event
	once    sync.Once
	done    chan struct{}
	cancel  context.CancelFunc
	copying sync.WaitGroup
}

func (s *stream) ResultChan() <-chan apiwatch.Event { return s.out }

// Stop ends the stream and waits until nothing runs for it.
func (s *stream) Stop() {
	s.once.Do(func() { close(s.done) })
	s.inner.Stop()
	s.cancel()
	s.copying.Wait()
}

func (s *stream) copy(passes func(apiwatch.Event) apiwatch.Event, ended func()) {
	defer close(s.out)
	defer ended()
	for {
		select {
		case <-s.done:
			return
		case ev, ok := <-s.inner.ResultChan():
			if !ok {
				return
			}
			select {
			case s.out <- passes(ev):
			case <-s.done:
				return
			}
		}
	}
}
