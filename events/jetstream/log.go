package jetstream

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The streams.
const (
	EventsStream = "SALVOR_EVENTS"
	DeadStream   = "SALVOR_DEAD"

	eventPrefix = "salvor.event"
	deadPrefix  = "salvor.dead"
)

const (
	perSubject   = 8
	keepFor      = 30 * 24 * time.Hour
	dedupWindow  = 15 * time.Minute
	openWithin   = 15 * time.Second
	appendWithin = 2 * time.Second
)

// The bounds of the streams when none are given.
const (
	DefaultMaxEventBytes = 1 << 30
	DefaultMaxDeadBytes  = 64 << 20
	DefaultConcurrency   = 16
)

// Options bound a Log. A zero field is its default.
type Options struct {
	MaxEventBytes int64 // bytes of SALVOR_EVENTS; when they are used up, new events are refused
	MaxDeadBytes  int64 // bytes of SALVOR_DEAD; when they are used up, the oldest go
	Concurrency   int   // events that one Subscribe handles at once
}

func (o Options) withDefaults() Options {
	if o.MaxEventBytes == 0 {
		o.MaxEventBytes = DefaultMaxEventBytes
	}
	if o.MaxDeadBytes == 0 {
		o.MaxDeadBytes = DefaultMaxDeadBytes
	}
	if o.Concurrency == 0 {
		o.Concurrency = DefaultConcurrency
	}
	return o
}

// Log is the durable [events.Log]. Any number of Logs, in any number of processes, may be open on the same external
// NATS; they are one log.
type Log struct {
	conn *Conn
	opts Options
	log  *slog.Logger

	ackWait time.Duration // an event whose subscriber died is given to another after it
	appends *committer
	failure atomic.Pointer[failure] // of the last commit, nil when it went well
	dead    atomic.Uint64
	closing sync.Once
	closed  chan struct{}
}

// failure is why a commit did not go well, and when.
type failure struct {
	err error
	at  time.Time
}

// Open makes the streams be as configured and opens the Log on them. The Conn stays the caller's, to be closed after the
// Log.
func Open(ctx context.Context, conn *Conn, opts Options, log *slog.Logger) (*Log, error) {
	opts = opts.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, openWithin)
	defer cancel()
	for _, cfg := range []jetstream.StreamConfig{eventsConfig(opts), deadConfig(opts)} {
		if err := conn.EnsureStream(ctx, cfg); err != nil {
			return nil, fmt.Errorf("open event log: %w", err)
		}
	}
	pub, err := newPublisher(conn)
	if err != nil {
		return nil, fmt.Errorf("open event log: %w", err)
	}
	l := &Log{conn: conn, opts: opts, log: log, ackWait: ackWait, closed: make(chan struct{})}
	l.appends = newCommitter(pub, l.committed)
	return l, nil
}

// eventsConfig keeps the last events of each subject. With DiscardNew and not DiscardNewPerSubject the limit per subject
// drops that subject's oldest, and only MaxBytes refuses.
func eventsConfig(opts Options) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               EventsStream,
		Description:        "what was seen",
		Subjects:           []string{eventPrefix + ".>"},
		Storage:            jetstream.FileStorage,
		MaxMsgsPerSubject:  perSubject,
		MaxAge:             keepFor,
		MaxBytes:           opts.MaxEventBytes,
		Discard:            jetstream.DiscardNew,
		Duplicates:         dedupWindow,
		AllowAtomicPublish: true,
		AllowDirect:        true,
	}
}

func deadConfig(opts Options) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        DeadStream,
		Description: "what could not be handled, with the reason",
		Subjects:    []string{deadPrefix + ".>"},
		Storage:     jetstream.FileStorage,
		MaxAge:      keepFor,
		MaxBytes:    opts.MaxDeadBytes,
		Discard:     jetstream.DiscardOld,
		Duplicates:  dedupWindow,
		AllowDirect: true,
	}
}

// Healthy says what keeps the Log from promising durability now, or nil. It answers from memory, at once: what the
// connection knows, and how the last commit went if that was within the last ten seconds.
func (l *Log) Healthy() error {
	if err := l.conn.Healthy(); err != nil {
		return err
	}
	const memory = 10 * time.Second
	if f := l.failure.Load(); f != nil && time.Since(f.at) < memory {
		return fmt.Errorf("event log took no events %s ago: %w", time.Since(f.at).Round(time.Second), f.err)
	}
	return nil
}

// DeadLettered counts what this Log sent to SALVOR_DEAD since it was opened.
func (l *Log) DeadLettered() uint64 { return l.dead.Load() }

// Close ends the Log: appends fail with [events.ErrClosed], calls of Follow and Subscribe return it after their handlers
// in flight. It returns when no append is under way.
func (l *Log) Close() error {
	l.closing.Do(func() { close(l.closed) })
	l.appends.close()
	return nil
}

// committed takes note of how a commit went.
func (l *Log) committed(err error) {
	if err == nil {
		l.failure.Store(nil)
		return
	}
	l.failure.Store(&failure{err: err, at: time.Now()})
	l.conn.Suspect()
}
