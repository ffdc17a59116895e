package velero

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/responders"
)

// atOnce bounds the Restores that have not ended: one that Velero works on, and the next, so that Velero never waits for it. While Velero's data movers
// move the contents of volumes of one, it works on the other.
const atOnce = 2

// procession brings the namespaces of a homecoming back, turn by turn.
type procession struct {
	homecoming
	world
	env responders.Env
	now func() time.Time

	mu    sync.Mutex
	ended int
	last  map[string]news // of each namespace
}

// news is how far the restore of one namespace has come, and since when.
type news struct {
	text  string
	since time.Time
}

func newProcession(h homecoming, w world, env responders.Env) *procession {
	return &procession{homecoming: h, world: w, env: env, now: time.Now, last: map[string]news{}}
}

// run goes on where one namespace does not come back whole: the others may. It stops where it may not write any more.
func (p *procession) run(ctx context.Context) error {
	var wrong []error
	for _, orders := range p.Turns {
		wrong = append(wrong, p.turn(ctx, orders)...)
		if err := responders.Guard(ctx); err != nil {
			return errors.Join(append(wrong, fmt.Errorf("go on to other namespaces: %w", err))...)
		}
	}
	return few(wrong)
}

// turn brings the namespaces of one turn back. The Restores are made in their order.
func (p *procession) turn(ctx context.Context, orders []order) []error {
	wrong := make([]error, len(orders))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, o := range orders {
		begun := make(chan struct{})
		group.Go(func() error {
			wrong[i] = p.one(ctx, o, func() { close(begun) })
			return nil
		})
		<-begun
	}
	_ = group.Wait() // what went wrong is in wrong
	var told []error
	for _, err := range wrong {
		if err != nil {
			told = append(told, err)
		}
	}
	return told
}

// one brings one namespace back. It says when its Restore is made, or will not be.
func (p *procession) one(ctx context.Context, o order, begun func()) error {
	name := o.Namespaces[0]
	r := restoring{o, p.world, partEnv(p.env, o)}
	told := sync.OnceFunc(begun)
	defer told()
	if o.Done == "" {
		if err := r.run(p.listening(ctx, name), told); err != nil {
			return fmt.Errorf("namespace %s%s: %w", name, p.howFar(name), err)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended++
	responders.Progress(ctx, p.ended, len(p.orders()), "namespaces restored")
	return nil
}

// listening is ctx with somebody who tells how far one namespace has come beside how many there are.
func (p *procession) listening(ctx context.Context, name string) context.Context {
	return responders.WithProgress(ctx, func(done, of int, what string) {
		p.mu.Lock()
		defer p.mu.Unlock()
		text := fmt.Sprintf("%d of %d %s", done, of, what)
		if p.last[name].text != text {
			p.last[name] = news{text, p.now()}
		}
		responders.Progress(ctx, p.ended, len(p.orders()), "namespaces restored; "+name+": "+text+p.stuck(name))
	})
}

// stuckAfter is after how long without a change people are told so.
const stuckAfter = 5 * time.Minute

// stuck says for how long nothing has changed of a namespace, if that is long.
func (p *procession) stuck(name string) string {
	still := p.now().Sub(p.last[name].since)
	if still < stuckAfter {
		return ""
	}
	return fmt.Sprintf(", unchanged for %s", still.Round(time.Minute))
}

// howFar is how far a namespace has come whose restore went wrong, where that is known.
func (p *procession) howFar(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last[name].text == "" {
		return ""
	}
	return " (" + p.last[name].text + p.stuck(name) + ")"
}

// few joins the first of what went wrong, and counts the rest.
func few(wrong []error) error {
	const most = 5
	if len(wrong) <= most {
		return errors.Join(wrong...)
	}
	return errors.Join(append(wrong[:most:most], fmt.Errorf("and %d more namespaces", len(wrong)-most))...)
}
