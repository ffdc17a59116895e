// Package ingest takes in what others send by HTTP: Alertmanager's webhook at POST /v1/hooks/alertmanager, CloudEvents at POST
// /v1/events, and heartbeats at POST /v1/hooks/heartbeat/{cluster}.
//
// A 2xx is a promise: each alert or event of the post was recorded durably, had been before, or was malformed and lies
// durably with the dead letters. On any doubt the answer is 503, within two seconds of the end of the post's body, and
// sending again is safe. It is never 429, which Alertmanager does not retry.
//
// Answers are JSON: a [Tally], or {"error", "why", "do"}.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/salvor-io/salvor/events"
)

// The paths at which posts are taken.
const (
	AlertmanagerPath = "/v1/hooks/alertmanager"
	EventsPath       = "/v1/events"
	HeartbeatPath    = "/v1/hooks/heartbeat/" // with the cluster behind it
)

// Appender is the part of an [events.Log] that intake uses, with its promises.
type Appender interface {
	Append(ctx context.Context, evs ...events.Event) ([]events.Receipt, error)
}

// DeadLetters keeps what cannot become an event. DeadLetter returns nil once the letter is durable. It may be called again
// with the same letter, when a post is repeated.
//
// The subject is "intake.<endpoint>.<credential>", the reason a sentence, and data a JSON array of [Dead] of at most
// [events.MaxData] bytes, as the header says.
type DeadLetters interface {
	DeadLetter(ctx context.Context, subject, reason string, data []byte, header map[string][]string) error
}

// Meter is told of each post once it has been answered. It must not block.
type Meter interface {
	Posted(p Post)
}

// Post is one answered post.
type Post struct {
	Endpoint string // "alertmanager", "events" or "heartbeat"
	Status   int    // HTTP status
	Tally           // zero unless Status is 200
	Took     time.Duration
}

// Options are what intake needs. Log, Dead and Logger are required; a limit of 0 takes the default.
type Options struct {
	Log          Appender
	Dead         DeadLetters
	Logger       *slog.Logger
	Meter        Meter // may be nil
	Credentials  []Credential
	ClusterLabel string // the label that names an alert's cluster, by default "cluster"

	// Meaning says what alerts speak of, to hear heartbeats among them; nil when none is to be heard.
	Meaning func(a events.Alert) events.Meaning

	MaxBody      int64         // bytes of a post, by default 1 MiB
	MaxInFlight  int           // posts being read or recorded at a time, by default 128; more are answered 503
	ReadWithin   time.Duration // for a client to send its post, by default 10 s
	AnswerWithin time.Duration // for a post that was read to be recorded, by default 1.8 s
}

// Intake serves the endpoints. It is safe for concurrent use.
type Intake struct {
	opts  Options
	keys  keyring
	slots chan struct{} // holds one item for each post in flight
}

// New checks the options and builds an Intake.
func New(opts Options) (*Intake, error) {
	if opts.Log == nil || opts.Dead == nil || opts.Logger == nil {
		return nil, errors.New("build intake: log, dead letters or logger is missing")
	}
	if opts.MaxBody < 0 || opts.MaxInFlight < 0 || opts.ReadWithin < 0 || opts.AnswerWithin < 0 {
		return nil, errors.New("build intake: a limit is negative")
	}
	keys, err := newKeyring(opts.Credentials)
	if err != nil {
		return nil, fmt.Errorf("build intake: %w", err)
	}
	opts = opts.withDefaults()
	return &Intake{opts: opts, keys: keys, slots: make(chan struct{}, opts.MaxInFlight)}, nil
}

func (o Options) withDefaults() Options {
	if o.ClusterLabel == "" {
		o.ClusterLabel = "cluster"
	}
	if o.MaxBody == 0 {
		o.MaxBody = 1 << 20
	}
	if o.MaxInFlight == 0 {
		o.MaxInFlight = 128
	}
	if o.ReadWithin == 0 {
		o.ReadWithin = 10 * time.Second
	}
	if o.AnswerWithin == 0 {
		o.AnswerWithin = 1800 * time.Millisecond
	}
	return o
}

// Register adds the endpoints to mux.
func (in *Intake) Register(mux *http.ServeMux) {
	mux.Handle(AlertmanagerPath, in.serve(alertmanagerHook(in.opts.ClusterLabel, in.opts.Meaning)))
	mux.Handle(EventsPath, in.serve(cloudEvents()))
	mux.Handle(HeartbeatPath+"{cluster...}", in.serve(heartbeatHook()))
}

// Drain stops taking posts (each is answered 503) and waits until none is being recorded, or until ctx ends. It is called
// once, before the Log is closed.
func (in *Intake) Drain(ctx context.Context) error {
	for range cap(in.slots) {
		select {
		case in.slots <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("wait for posts in flight: %w", ctx.Err())
		}
	}
	return nil
}
