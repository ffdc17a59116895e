package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// reconnectWait is the pause between two attempts to reconnect.
const reconnectWait = 100 * time.Millisecond

// Conn is a connection to one NATS with JetStream. It may be used by any number of goroutines, and the handles it gives
// stay valid until Close, whatever happens to the server: while the server is away their calls fail, then they work again.
type Conn struct {
	nc       *nats.Conn
	js       jetstream.JetStream
	replicas int
	server   *embedded // nil when the server runs elsewhere
}

// JetStream is the handle that streams are used through.
func (c *Conn) JetStream() jetstream.JetStream { return c.js }

// NATS is the connection that JetStream works over.
func (c *Conn) NATS() *nats.Conn { return c.nc }

// Embedded says whether the server runs inside this process, which then is the only writer of its streams.
func (c *Conn) Embedded() bool { return c.server != nil }

// Replicas is how many copies of each stream and durable consumer the server is asked to keep: 1 or 3.
func (c *Conn) Replicas() int { return c.replicas }

// Healthy says what keeps the connection from promising durability now, or nil. It answers from memory, at once.
func (c *Conn) Healthy() error {
	if err := c.trouble(); err != nil {
		return err
	}
	if !c.nc.IsConnected() {
		return fmt.Errorf("nats is not connected (%s)", c.nc.Status())
	}
	return nil
}

// trouble says what keeps an embedded server from taking writes, which is known not to pass by itself.
func (c *Conn) trouble() error {
	if c.server == nil {
		return nil
	}
	return c.server.healthy()
}

// Suspect tells that a write got no answer, so that an embedded server is examined now and not at the next turn. It does
// not wait.
func (c *Conn) Suspect() {
	if c.server != nil {
		c.server.suspect()
	}
}

// EnsureStream makes the stream be as configured: it creates it, or updates the one there is, whose placement, compression,
// republishing and metadata stay as its operator set them. It may be repeated, also by several replicas at once. Replicas is
// filled in when it is not set.
func (c *Conn) EnsureStream(ctx context.Context, cfg jetstream.StreamConfig) error {
	if cfg.Replicas == 0 {
		cfg.Replicas = c.replicas
	}
	err := c.updateStream(ctx, cfg)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		err = c.createStream(ctx, cfg)
	}
	if err != nil {
		return fmt.Errorf("create or update stream %s: %w", cfg.Name, err)
	}
	return nil
}

// createStream creates a stream, unless another replica was quicker. The server looks for room before it looks for the name, so
// that any refusal may mean that.
func (c *Conn) createStream(ctx context.Context, cfg jetstream.StreamConfig) error {
	_, err := c.js.CreateStream(ctx, cfg)
	if err != nil && c.updateStream(ctx, cfg) == nil {
		return nil
	}
	return err
}

func (c *Conn) updateStream(ctx context.Context, cfg jetstream.StreamConfig) error {
	stream, err := c.js.Stream(ctx, cfg.Name)
	if err != nil {
		return err
	}
	is := stream.CachedInfo().Config
	cfg.Placement, cfg.Compression, cfg.RePublish, cfg.Metadata = is.Placement, is.Compression, is.RePublish, is.Metadata
	_, err = c.js.UpdateStream(ctx, cfg)
	return err
}

// Close closes the connection and, when it is embedded, stops the server and lets go of its directory. Handles fail from
// then on. It takes no longer than stopping an embedded server may take, 10 seconds, and may be repeated.
func (c *Conn) Close() error {
	c.nc.Close()
	if c.server != nil {
		return c.server.close()
	}
	return nil
}

// open finishes a Conn over an established connection.
func open(nc *nats.Conn, replicas int, server *embedded) (*Conn, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("open jetstream: %w", err)
	}
	return &Conn{nc: nc, js: js, replicas: replicas, server: server}, nil
}

// commonOptions are what both kinds of connection need: reconnect for ever, keep nothing back to send it late, and tell.
func commonOptions(log *slog.Logger) []nats.Option {
	return []nats.Option{
		nats.Name("salvor"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait/2, reconnectWait),
		nats.ReconnectBufSize(-1),
		nats.Timeout(5 * time.Second),
		nats.PingInterval(5 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("nats disconnected", "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) { log.Info("nats reconnected", "server", nc.ConnectedServerName()) }),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrSlowConsumer) && sub != nil {
				log.Warn("nats subscription is slow", "subject", sub.Subject)
				return
			}
			log.Warn("nats reported an error", "error", err)
		}),
	}
}
