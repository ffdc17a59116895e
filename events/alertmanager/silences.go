package alertmanager

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/salvor-io/salvor/events"
)

const (
	pollEvery   = 15 * time.Second
	pollWithin  = 5 * time.Second
	reportEvery = 8 * time.Second
	goneFor     = 20 * time.Minute // how long a silence that is gone is remembered: longer than a log knows the ids it has
	maxBatch    = 256              // events in one Append
)

// Appender is the part of an [events.Log] that [Silences] needs.
type Appender interface {
	Append(ctx context.Context, evs ...events.Event) ([]events.Receipt, error)
}

// SilenceView tells what the event log already says of silences, by id. It is asked once, by Run, after the view has caught up.
type SilenceView interface {
	KnownSilences() map[string]events.Silence
}

// Target is one Alertmanager.
type Target struct {
	URL   string // base address, without /api/v2
	Token string // bearer token, or ""
}

// SilenceOptions say whom to ask for silences and where to report. All are required.
type SilenceOptions struct {
	Targets []Target // the members of one cluster of Alertmanagers, which share their silences
	Replica string   // name of this process among those that ask
	Log     Appender
	View    SilenceView
	Logger  *slog.Logger
}

// Silences is the events.Source of the silences of Alertmanager. It publishes an [events.Silence] whenever one was made, changed
// or ended, and, as an [events.Observer], whether it sees them.
//
// A silence is one, on however many members it is found; the member that knows of its latest change is believed. One that every
// member says it does not know is gone; while one of them is away, none is gone for being missing.
type Silences struct {
	opts   SilenceOptions
	client *http.Client
	eyes   eyes
	said   *events.Observer // the last report that was recorded; used by report alone
	known  map[string]kept  // what was published, by id
	told   map[string]told  // by address, so that each change is logged once
}

// told is what was logged last about an Alertmanager.
type told struct {
	away bool
	odd  int // silences that made no sense
}

// kept is a silence as it was last published.
type kept struct {
	events.Silence
	updated time.Time
	gone    time.Time // when it was seen to be gone; zero while it is not
}

// NewSilences builds a Silences. It fails only when an option is missing.
func NewSilences(opts SilenceOptions) (*Silences, error) {
	if len(opts.Targets) == 0 || opts.Replica == "" || opts.Log == nil || opts.View == nil || opts.Logger == nil {
		return nil, errors.New("watch silences: targets, replica, log, view and logger are all needed")
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // a token goes nowhere else
	return &Silences{opts: opts, client: &http.Client{Timeout: pollWithin, CheckRedirect: stay}, eyes: newEyes(opts.Replica),
		known: map[string]kept{}, told: map[string]told{}}, nil
}

// Run asks every 15 s until ctx ends, and returns nil then. It does not give up while Alertmanagers or the log are away.
func (s *Silences) Run(ctx context.Context) error {
	for id, silence := range s.opts.View.KnownSilences() {
		s.known[id] = kept{Silence: silence, gone: goneSince(silence, time.Now())}
	}
	var reports sync.WaitGroup
	reports.Go(func() { s.report(ctx) })
	defer reports.Wait()
	defer s.client.CloseIdleConnections()
	again := time.NewTicker(pollEvery)
	defer again.Stop()
	for {
		s.poll(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}

func goneSince(silence events.Silence, now time.Time) time.Time {
	if silence.Gone {
		return now
	}
	return time.Time{}
}

// poll asks all once and publishes what has changed. What the log did not take is tried again by the next poll.
func (s *Silences) poll(ctx context.Context) {
	answers := s.askAll(ctx)
	if ctx.Err() != nil {
		return
	}
	away := s.tell(answers)
	if len(away) == len(answers) {
		s.eyes.set(false, "no Alertmanager answers: "+strings.Join(away, "; "))
		return
	}
	seen, complete := latest(answers)
	if err := s.publish(ctx, s.changes(seen, complete, time.Now())); err != nil {
		if ctx.Err() == nil {
			s.opts.Logger.Warn("silences not recorded, will try again", "error", err)
		}
		return
	}
	s.eyes.set(true, "")
}

// tell logs what is new about the Alertmanagers, and returns why those that are away are.
func (s *Silences) tell(answers []answer) []string {
	var away []string
	for i, a := range answers {
		url := s.opts.Targets[i].URL
		if a.err != nil {
			away = append(away, url+": "+a.err.Error())
		}
		log, was := s.opts.Logger.With("alertmanager", url), s.told[url]
		switch {
		case a.err != nil && !was.away:
			log.Warn("silences cannot be read", "error", a.err)
		case a.err == nil && was.away:
			log.Info("silences can be read again")
		}
		if len(a.odd) > 0 && len(a.odd) != was.odd {
			log.Warn("silences that make no sense are left out", "silences", len(a.odd), "first", a.odd[0])
		}
		s.told[url] = told{a.err != nil, len(a.odd)}
	}
	return away
}

// publish appends the changes and remembers those that were recorded.
func (s *Silences) publish(ctx context.Context, changes []change) error {
	for batch := range slices.Chunk(changes, maxBatch) {
		var evs []events.Event
		for _, c := range batch {
			ev, err := c.event(time.Now())
			if err != nil {
				s.opts.Logger.Error("silence left out: it cannot be recorded", "silence", c.next.ID, "error", err)
				continue
			}
			evs = append(evs, ev)
		}
		if len(evs) > 0 {
			if _, err := s.opts.Log.Append(ctx, evs...); err != nil {
				return err
			}
		}
		for _, c := range batch {
			s.known[c.next.ID] = c.next
		}
	}
	return nil
}
