package clock

import (
	"container/heap"
	"context"
	"iter"
	"runtime/debug"
	"time"
)

// Virtual is a clock whose time passes only when it is told to. What waits on it runs one at a time, in an order that depends
// on nothing but what was asked of it: the same calls give the same run. Its methods are for one goroutine, the driver's, and
// for the tasks that it runs, each of which is a coroutine of the driver. It is no bubble of testing/synctest, since a replay is a command.
type Virtual struct {
	now    time.Time
	due    agenda
	order  int
	task   *task   // the one that runs now, nil for the driver
	asleep []*task // those that sleep, in the order in which they fell asleep
}

// NewVirtual makes a clock that stands at a time.
func NewVirtual(now time.Time) *Virtual { return &Virtual{now: now} }

// task is a coroutine: its next lets it run until it sleeps or ends.
type task struct {
	next  func() (struct{}, bool)
	yield func(struct{}) bool
	ctx   context.Context // of the sleep it is in, by which it can be woken early
	wake  *appointment
}

// appointment is something that is to happen at a time.
type appointment struct {
	at    time.Time
	order int // of those at one time, the first made is the first kept
	do    func()
	off   bool
}

// Now implements Clock.
func (v *Virtual) Now() time.Time { return v.now }

// At has f called when the time has come, by the driver. The function that it returns calls that off.
func (v *Virtual) At(at time.Time, f func()) (off func()) {
	a := v.appoint(at, f)
	return func() { a.off = true }
}

func (v *Virtual) appoint(at time.Time, f func()) *appointment {
	if at.Before(v.now) {
		at = v.now
	}
	v.order++
	a := &appointment{at: at, order: v.order, do: f}
	heap.Push(&v.due, a)
	return a
}

// Go starts a task, which runs at once until it sleeps or ends. Only a task may sleep.
func (v *Virtual) Go(f func()) {
	t := &task{}
	t.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		f()
	})
	v.resume(t)
}

// resume lets a task run until it sleeps again. A task may start another, which then runs inside it.
func (v *Virtual) resume(t *task) {
	before := v.task
	v.task = t
	defer func() { v.task = before }()
	t.next()
}

// Sleep implements Clock: it lets other tasks run. It ends early when ctx ends, with a context of this clock or by [Virtual.Wake].
func (v *Virtual) Sleep(ctx context.Context, d time.Duration) bool {
	t := v.task
	if t == nil {
		panic("clock: only a task may sleep\n" + string(debug.Stack()))
	}
	if ctx.Err() != nil {
		return false
	}
	t.ctx = ctx
	t.wake = v.appoint(v.now.Add(max(0, d)), func() { v.awaken(t) })
	v.asleep = append(v.asleep, t)
	t.yield(struct{}{})
	return ctx.Err() == nil
}

func (v *Virtual) awaken(t *task) {
	for i, other := range v.asleep {
		if other == t {
			v.asleep = append(v.asleep[:i:i], v.asleep[i+1:]...)
			break
		}
	}
	t.wake.off, t.ctx = true, nil
	v.resume(t)
}

// Wake has the tasks that sleep with a context that has ended go on at once. Whoever ends such a context by other means than
// this clock calls it.
func (v *Virtual) Wake() {
	for _, t := range append([]*task(nil), v.asleep...) {
		if t.ctx != nil && t.ctx.Err() != nil {
			v.awaken(t)
		}
	}
}

// WithTimeout implements Clock. Its context says Canceled, the cause says why.
func (v *Virtual) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	if d <= 0 {
		cancel(context.DeadlineExceeded)
	}
	off := v.At(v.now.Add(d), func() {
		cancel(context.DeadlineExceeded)
		v.Wake()
	})
	return ctx, func() {
		off()
		cancel(context.Canceled)
	}
}

// Next is the time of the next thing that is due.
func (v *Virtual) Next() (time.Time, bool) {
	for len(v.due) > 0 && v.due[0].off {
		heap.Pop(&v.due)
	}
	if len(v.due) == 0 {
		return time.Time{}, false
	}
	return v.due[0].at, true
}

// AdvanceTo lets time pass up to a time, with all that is due until then. A time that is past changes nothing.
func (v *Virtual) AdvanceTo(to time.Time) {
	for {
		at, any := v.Next()
		if !any || at.After(to) {
			break
		}
		a := heap.Pop(&v.due).(*appointment)
		v.now = at
		a.do()
	}
	if to.After(v.now) {
		v.now = to
	}
}

// agenda is a heap of appointments.
type agenda []*appointment

func (a agenda) Len() int      { return len(a) }
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a agenda) Less(i, j int) bool {
	if a[i].at.Equal(a[j].at) {
		return a[i].order < a[j].order
	}
	return a[i].at.Before(a[j].at)
}
func (a *agenda) Push(x any) { *a = append(*a, x.(*appointment)) }
func (a *agenda) Pop() any {
	old := *a
	last := old[len(old)-1]
	*a = old[:len(old)-1]
	return last
}
