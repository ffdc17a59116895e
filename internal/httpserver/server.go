package httpserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// The deadlines that every request has. A handler that streams moves its own with http.ResponseController.
const (
	headerWithin = 5 * time.Second
	readWithin   = 30 * time.Second
	writeWithin  = 60 * time.Second
	idleWithin   = 2 * time.Minute
	maxHeader    = 32 << 10
)

// Options are the parts of a server.
type Options struct {
	Address string      // host:port; port 0 takes a free one
	TLS     *tls.Config // nil: plain HTTP on the address; see LoadTLS
	Socket  string      // path of the Unix socket, made for its owner alone; "" means none

	Mounts      []Mount
	Checks      []Check                                         // for /readyz
	Notes       []Check                                         // told at /readyz, and no reason not to be ready
	ConnContext func(context.Context, net.Conn) context.Context // see http.Server; may be nil
	OnStop      func()                                          // ends requests that would not end by themselves; may be nil
	Log         *slog.Logger
	StopWithin  time.Duration // how long requests may take to end after Run's context ended; 0 means 10 s
}

// Mount is a handler at a pattern of http.ServeMux.
type Mount struct {
	Pattern string
	Handler http.Handler
}

// Server is a server whose listeners are open. Run has to be called to serve, or Close to let go of them.
type Server struct {
	opts      Options
	http      *http.Server
	listeners []net.Listener
}

// New opens the listeners. From then on clients can connect; they are answered once Run is called.
func New(opts Options) (*Server, error) {
	if opts.StopWithin == 0 {
		opts.StopWithin = 10 * time.Second
	}
	s := &Server{opts: opts}
	if err := s.listen(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.http = &http.Server{
		Handler: s.handler(), ConnContext: opts.ConnContext, ErrorLog: slog.NewLogLogger(opts.Log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: headerWithin, ReadTimeout: readWithin, WriteTimeout: writeWithin, IdleTimeout: idleWithin,
		MaxHeaderBytes: maxHeader,
	}
	if opts.OnStop != nil {
		s.http.RegisterOnShutdown(opts.OnStop)
	}
	return s, nil
}

// Address is the address that is listened on, with the port that was taken.
func (s *Server) Address() string { return s.listeners[0].Addr().String() }

// Run serves until ctx ends, then takes no new requests, calls Options.OnStop, and waits for the requests in flight as long
// as Options.StopWithin says before it cuts them off. It returns nil when all of them ended.
func (s *Server) Run(ctx context.Context) error {
	group, gctx := errgroup.WithContext(ctx)
	for _, l := range s.listeners {
		group.Go(func() error {
			if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve on %s: %w", l.Addr(), err)
			}
			return nil
		})
	}
	group.Go(func() error {
		<-gctx.Done()
		return s.shutdown()
	})
	return group.Wait()
}

func (s *Server) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.StopWithin)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("end requests within %s: %w", s.opts.StopWithin, err), s.http.Close())
	}
	return nil
}

// Close lets go of the listeners of a server that never ran.
func (s *Server) Close() error {
	var errs []error
	for _, l := range s.listeners {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}
