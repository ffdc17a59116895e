package alertmanager

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/salvor-io/salvor/events"
)

// eyes are whether silences are seen.
type eyes struct {
	changed chan struct{} // takes one when now has changed

	mu  sync.Mutex
	now events.Observer
}

func newEyes(replica string) eyes {
	return eyes{changed: make(chan struct{}, 1), now: events.Observer{Replica: replica, Watch: "silences", Reason: "it begins"}}
}

// set says whether silences are seen. That they are once means that all there were are published.
func (e *eyes) set(seeing bool, why string) {
	const most = 500
	e.mu.Lock()
	next := events.Observer{Replica: e.now.Replica, Watch: e.now.Watch, Seeing: seeing, Reason: why[:min(len(why), most)], Synced: e.now.Synced || seeing}
	differs := next.Seeing != e.now.Seeing || next.Synced != e.now.Synced
	e.now = next
	e.mu.Unlock()
	if !differs {
		return
	}
	select {
	case e.changed <- struct{}{}:
	default:
	}
}

func (e *eyes) look() events.Observer {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now
}

// report publishes whether silences are seen: at once, at each change, and every 8 s until ctx ends. A report that the log does
// not take is left to the next.
func (s *Silences) report(ctx context.Context) {
	again := time.NewTicker(reportEvery)
	defer again.Stop()
	for {
		if err := s.observe(ctx, time.Now()); err != nil && ctx.Err() == nil {
			s.opts.Logger.Warn("sight of silences not recorded", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.eyes.changed:
		case <-again.C:
		}
	}
}

func (s *Silences) observe(ctx context.Context, now time.Time) error {
	say, entity := s.eyes.look(), "observer/"+s.opts.Replica+"/silences"
	if s.said != nil && s.said.Seeing == say.Seeing && s.said.Synced == say.Synced {
		entity = events.Again(entity)
	}
	id := "observer/" + events.Fleet + "/" + s.opts.Replica + "/silences/" + strconv.FormatInt(now.UnixNano(), 10)
	ev, err := events.New(id, events.TypeObserver, silencesSource, events.Fleet, entity, now, say)
	if err != nil {
		return err
	}
	if _, err = s.opts.Log.Append(ctx, ev); err == nil {
		s.said = &say
	}
	return err
}
