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
	startWithin    = 30 * time.Second // recovering a large store takes its time
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
	server  *server.Server // nil while it is being restarted
	trouble error          // what keeps the store from taking writes, nil when nothing does

	suspicion chan struct{} // holds at most one: look at the server now
	stop      chan struct{}
	watched   chan struct{} // closed when the watching goroutine ended
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
	if err := tryWrite(opts.StoreDir); err != nil {
		return nil, errors.Join(fmt.Errorf("store directory %s takes no writes, free space in it or name another: %w", opts.StoreDir, err), lock.Close())
	}
	if err := e.start(ctx); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	go e.watch()
	return e, nil
}

// start runs a server on the directory and waits until its streams are recovered.
func (e *embedded) start(ctx context.Context) error {
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
	srv.Start()
	within := startWithin
	if deadline, ok := ctx.Deadline(); ok {
		within = min(within, time.Until(deadline))
	}
	if !srv.ReadyForConnections(within) || !srv.JetStreamEnabled() {
		err := fmt.Errorf("start embedded nats in %s within %s: %s", e.opts.StoreDir, within, out.why())
		return errors.Join(err, shutdown(srv))
	}
	e.mu.Lock()
	e.server = srv
	e.mu.Unlock()
	return nil
}

// InProcessConn dials the server that runs now. It fails while there is none.
func (e *embedded) InProcessConn() (net.Conn, error) {
	e.mu.Lock()
	srv := e.server
	e.mu.Unlock()
	if srv == nil {
		return nil, errors.New("embedded nats is being restarted")
	}
	return srv.InProcessConn()
}

func (e *embedded) close() error {
	close(e.stop)
	<-e.watched
	err := e.halt()
	return errors.Join(err, e.lock.Close())
}

// halt stops the server that runs now, if any.
func (e *embedded) halt() error {
	e.mu.Lock()
	srv := e.server
	e.server = nil
	e.mu.Unlock()
	if srv == nil {
		return nil
	}
	return shutdown(srv)
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
