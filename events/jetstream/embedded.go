package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	startWithin    = time.Minute // recovering a large store takes its time
	shutdownWithin = 10 * time.Second
	maxMemory      = 64 << 20 // memory streams of the embedded server; Salvor has none
)

// DefaultMaxStore is the most bytes that the streams of an embedded server take together when no other bound is given.
const DefaultMaxStore = 4 << 30

// EmbedOptions says where and how large the store of an embedded server is.
type EmbedOptions struct {
	StoreDir string // directory of the streams; made when missing, used by one process at a time
	MaxStore int64  // most bytes of all streams together; 0 is DefaultMaxStore
}

// Embed starts a NATS server inside this process, reachable by no other, that fsyncs each write before it acknowledges it,
// and connects to it. It fails when another process uses the directory.
func Embed(ctx context.Context, opts EmbedOptions, log *slog.Logger) (*Conn, error) {
	e, err := startEmbedded(ctx, opts, log)
	if err != nil {
		return nil, err
	}
	nc, err := nats.Connect("", append(commonOptions(log), nats.InProcessServer(e))...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connect to embedded nats: %w", err), e.close())
	}
	conn, err := open(nc, 1, e)
	if err != nil {
		nc.Close()
		return nil, errors.Join(err, e.close())
	}
	return conn, nil
}

// embedded is a NATS server in this process and the goroutine that watches over it. Connections dial it through
// InProcessConn, which always leads to the server that runs now.
type embedded struct {
	opts EmbedOptions
	log  *slog.Logger
	lock *os.File

	mu      sync.Mutex
	server  *server.Server // nil between two
	trouble error          // what keeps the store from taking writes, nil when nothing does

	suspicion chan struct{} // holds at most one: look at the server now
	stop      chan struct{}
	watched   chan struct{} // closed when the watching goroutine ended
	close     func() error  // stops everything, once
}

func startEmbedded(ctx context.Context, opts EmbedOptions, log *slog.Logger) (*embedded, error) {
	if opts.StoreDir == "" {
		return nil, errors.New("embedded nats has no store directory")
	}
	if opts.MaxStore == 0 {
		opts.MaxStore = DefaultMaxStore
	}
	lock, err := lockDir(opts.StoreDir)
	if err != nil {
		return nil, err
	}
	e := &embedded{
		opts: opts, log: log, lock: lock,
		suspicion: make(chan struct{}, 1), stop: make(chan struct{}), watched: make(chan struct{}),
	}
	e.close = sync.OnceValue(e.shut)
	if err := tryWrite(opts.StoreDir); err != nil {
		return nil, errors.Join(fmt.Errorf("store directory %s takes no writes, free space in it or name another: %w", opts.StoreDir, err), lock.Close())
	}
	if err := e.start(timeLeft(ctx, startWithin)); err != nil {
		return nil, errors.Join(err, e.halt(), lock.Close())
	}
	go e.watch()
	return e, nil
}

// start runs a server on the directory and waits until its streams are recovered. A server that did not start stays
// there to be halted.
func (e *embedded) start(within time.Duration) error {
	out := &serverLog{log: e.log.With("part", "nats-server")}
	srv, err := server.NewServer(&server.Options{
		ServerName:             "salvor-embedded",
		DontListen:             true,
		JetStream:              true,
		StoreDir:               e.opts.StoreDir,
		SyncAlways:             true,
		JetStreamMaxStore:      e.opts.MaxStore,
		JetStreamMaxMemory:     maxMemory,
		DisableJetStreamBanner: true,
		NoSigs:                 true,
	})
	if err != nil {
		return fmt.Errorf("configure embedded nats: %w", err)
	}
	srv.SetLoggerV2(out, false, false, false)
	e.mu.Lock()
	e.server = srv
	e.mu.Unlock()
	started := make(chan struct{})
	go func() {
		defer close(started)
		srv.Start()
	}()
	select {
	case <-started:
	case <-time.After(within):
		return fmt.Errorf("start embedded nats in %s: it took longer than %s", e.opts.StoreDir, within)
	}
	if why := out.fatal.Load(); why != nil {
		return fmt.Errorf("start embedded nats in %s: %s", e.opts.StoreDir, *why)
	}
	return nil
}

// current is the server that runs now, nil when there is none.
func (e *embedded) current() *server.Server {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.server
}

// InProcessConn dials the server that runs now. It fails while there is none.
func (e *embedded) InProcessConn() (net.Conn, error) {
	if srv := e.current(); srv != nil {
		return srv.InProcessConn()
	}
	return nil, errors.New("embedded nats is being restarted")
}

// shut ends everything. A server that does not stop keeps the directory until the process ends.
func (e *embedded) shut() error {
	close(e.stop)
	<-e.watched
	if err := e.halt(); err != nil {
		return err
	}
	return e.lock.Close()
}

// halt stops the server that runs now, if any. After an error it still runs, and halt may be repeated.
func (e *embedded) halt() error {
	srv := e.current()
	if srv == nil {
		return nil
	}
	if err := shutdown(srv); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.server = nil
	return nil
}

// shutdown stops a server and waits until it let go of its files.
func shutdown(srv *server.Server) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.Shutdown()
		srv.WaitForShutdown()
	}()
	select {
	case <-done:
		return nil
	case <-time.After(shutdownWithin):
		return fmt.Errorf("embedded nats did not stop within %s", shutdownWithin)
	}
}
