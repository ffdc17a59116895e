package kube

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const (
	maxMended  = 16               // objects that one review reads directly
	listsApart = 10 * time.Minute // between lists that are made because more than that differ
)

// post is one lookout with the census that it keeps up to date.
type post[P state[P]] struct {
	*lookout[P]
	census *census[P]
	listed time.Time // when a review last asked for a list
}

func newPost[P state[P]](d desk, p pace, k kind[P], c *census[P]) *post[P] {
	return &post[P]{lookout: newLookout(d, p, k, c), census: c}
}

func (p *post[P]) name() string { return p.kind.name }

// run watches until ctx ends.
func (p *post[P]) run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { p.lookout.run(ctx) })
	all.Go(func() { every(ctx, p.pace.tick, p.judge) })
	all.Go(func() { every(ctx, p.pace.review, func(now time.Time) { p.review(ctx, now) }) })
	all.Wait()
}

// judge lets time pass for what is seen. What is not seen is not judged.
func (p *post[P]) judge(now time.Time) {
	if _, ok := p.sight.steady(now); ok {
		p.census.judge(now)
	}
}

// review mends what was lost on the way to the View: a few objects are read directly, of many there is a new list.
func (p *post[P]) review(ctx context.Context, now time.Time) {
	if _, ok := p.sight.steady(now); !ok {
		return
	}
	lost := p.census.review()
	switch {
	case len(lost) == 0:
	case len(lost) <= maxMended:
		p.mend(ctx, lost)
	case now.Sub(p.listed) >= listsApart:
		p.listed = now
		p.again(fmt.Sprintf("the log does not know %d states that were told", len(lost)))
	}
}

func (p *post[P]) mend(ctx context.Context, lost []string) {
	for _, key := range lost {
		if err := p.read(ctx, key); err != nil && ctx.Err() == nil {
			p.again(fmt.Sprintf("the log does not know what was told of %s, which cannot be read: %v", key, err))
			return
		}
	}
}

// read takes one object down as it is now.
func (p *post[P]) read(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, p.pace.read)
	defer cancel()
	parts := strings.Split(key, "/")
	o, err := p.kind.get(ctx, parts[len(parts)-2], parts[len(parts)-1])
	switch {
	case apierrors.IsNotFound(err):
		p.census.absent(key)
		return nil
	case err != nil:
		return err
	}
	g := p.kind.glance(o)
	if g.err == nil {
		p.census.put(g.one)
	}
	return nil
}

// exists says whether an object without a namespace is there, as far as that can be told: what is not seen is not gone.
func (p *post[P]) exists(name string) bool {
	if _, ok := p.sight.steady(time.Now()); !ok {
		return true
	}
	return p.census.holds(p.kind.known("", name))
}
