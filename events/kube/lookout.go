package kube

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/salvor-io/salvor/events"
)

// maxStreamSilence is how long a stream may bring nothing. API servers send a bookmark every minute.
const maxStreamSilence = 3 * time.Minute

// keeper takes over what a lookout sees. It is called from one goroutine at a time.
type keeper[P any] interface {
	replace(all []P, unread []string, version string) // all there was at version; those named unread keep their last state
	put(one P)
	remove(one P)
}

// lookout keeps one keeper up to date, knows whether it sees, and says so.
type lookout[P any] struct {
	desk   desk
	pace   pace
	kind   kind[P]
	keeper keeper[P]
	sight  *sight
	unsure func(now time.Time) string // why what it sees is not to be judged by yet, "" when it is; nil: it always is
	synced atomic.Bool                // what the first list brought was accepted by the log
	misses atomic.Int32               // looks in a row at which the API server had no such kind

	mu     sync.Mutex
	cancel context.CancelCauseFunc // ends the present round

	said   events.Observer // what was last reported; used by one goroutine only
	saidAt time.Time
}

func newLookout[P any](d desk, p pace, k kind[P], keep keeper[P]) *lookout[P] {
	d.log = d.log.With("watch", k.name)
	return &lookout[P]{desk: d, pace: p, kind: k, keeper: keep, sight: &sight{patience: p.patience}}
}

// run watches until ctx ends.
func (l *lookout[P]) run(ctx context.Context) {
	var both sync.WaitGroup
	both.Go(func() { l.follow(ctx) })
	both.Go(func() { every(ctx, l.pace.tick, func(now time.Time) { l.attend(ctx, now) }) })
	both.Wait()
}

// errAgain ends a round so that the next one lists anew, trusting nothing that came before.
var errAgain = errors.New("watch restarted")

// again makes the lookout list anew, since there is reason to doubt its stream.
func (l *lookout[P]) again(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.desk.log.Warn("watch begins anew", "reason", why)
		l.cancel(errAgain)
	}
}

// follow goes round after round: list, watch, until something breaks.
func (l *lookout[P]) follow(ctx context.Context) {
	const least = 200 * time.Millisecond
	reflector := l.reflector(klog.FromContext(ctx))
	pause := least
	for ctx.Err() == nil {
		began := time.Now()
		switch err := l.round(ctx, reflector); {
		case errors.Is(err, errAgain):
			reflector = l.reflector(klog.FromContext(ctx))
		case l.kind.optional && apierrors.IsNotFound(err):
			pause = l.missing(time.Now())
			reflector = l.reflector(klog.FromContext(ctx))
		case err != nil && ctx.Err() == nil:
			if apierrors.IsForbidden(err) {
				pause = l.pace.refusal
			}
			l.sight.failed(time.Now(), err)
			l.desk.log.Debug("watch failed, trying again", "after", pause, "error", err) // a lasting failure is told as blindness
		}
		if time.Since(began) > l.pace.patience {
			pause = least
		}
		sleep(ctx, pause/2+rand.N(pause))
		pause = min(2*pause, l.pace.longest)
	}
}

// missing takes in that the API server does not have such a kind, and says when to look again. That is believed at the second look,
// and means that there are no such objects.
func (l *lookout[P]) missing(now time.Time) time.Duration {
	misses := l.misses.Add(1)
	if misses == 1 {
		return l.pace.longest
	}
	l.sight.none(now)
	if misses == 2 {
		l.take(nil, nil, "")
	}
	return l.pace.refusal
}

// take hands a whole list to the keeper.
func (l *lookout[P]) take(all []P, unread []string, version string) {
	l.keeper.replace(all, unread, version)
	l.sight.tookOver(time.Now())
	l.desk.out.whenSent(l.kind.name, func() { l.synced.Store(true) })
}

// round lists and watches once. It returns nil when the API server ended the watch.
func (l *lookout[P]) round(ctx context.Context, reflector *cache.Reflector) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l.mu.Lock()
	l.cancel = cancel
	l.mu.Unlock()
	err := reflector.ListAndWatchWithContext(ctx)
	if errors.Is(context.Cause(ctx), errAgain) {
		return errAgain
	}
	return err
}

func (l *lookout[P]) reflector(logger klog.Logger) *cache.Reflector {
	return cache.NewReflectorWithOptions(l.tap(), &glimpse[P]{}, store[P]{l}, cache.ReflectorOptions{
		Name:   l.kind.name,
		Logger: &logger,
		// Only for streams that are refused: what else fails ends the round. Short, since it outlasts the context.
		Backoff: &wait.Backoff{Duration: 250 * time.Millisecond, Cap: time.Second, Steps: 3, Factor: 2, Jitter: 0.5},
	})
}

// attend reports sight, looks for evidence of it when there was none for a while, and doubts a stream that brings nothing.
func (l *lookout[P]) attend(ctx context.Context, now time.Time) {
	l.report(now)
	evidence, stream := l.sight.silent(now)
	if stream > maxStreamSilence {
		l.again(fmt.Sprintf("it brought nothing for %s", stream.Round(time.Second)))
	}
	if evidence > l.pace.silence {
		l.ask(ctx)
	}
}

// ask reads one object directly.
func (l *lookout[P]) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, l.pace.read)
	defer cancel()
	if _, err := l.kind.list(ctx, metav1.ListOptions{Limit: 1}); err != nil {
		l.sight.failed(time.Now(), err)
		return
	}
	l.sight.asked(time.Now())
}

// report publishes whether the lookout sees, when that changed or was not said for a while.
func (l *lookout[P]) report(now time.Time) {
	reason := l.sight.blind(now)
	if reason == "" && l.unsure != nil {
		reason = l.unsure(now)
	}
	say := events.Observer{Replica: l.desk.replica, Watch: l.kind.name, Seeing: reason == "", Reason: reason, Synced: l.synced.Load()}
	changed := say.Seeing != l.said.Seeing || say.Synced != l.said.Synced
	if !changed && !l.saidAt.IsZero() && now.Sub(l.saidAt) < l.pace.report {
		return
	}
	switch {
	case say.Seeing && !l.said.Seeing:
		l.desk.log.Info("watch sees")
	case changed && !say.Seeing:
		l.desk.log.Warn("watch is blind", "reason", reason)
	}
	entity := "observer/" + say.Replica + "/" + say.Watch
	if !changed && !l.saidAt.IsZero() {
		entity = events.Again(entity)
	}
	l.said, l.saidAt = say, now
	l.desk.publish("observer/"+say.Watch, observerID(l.desk, say.Watch, now), events.TypeObserver, entity, now, say)
}
