package app

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/salvor-io/salvor/events/jetstream"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/ledger"
)

// store is all that is kept: the connection, the log of events and the ledger of incidents.
type store struct {
	conn   *jetstream.Conn
	log    *jetstream.Log
	ledger *ledger.Ledger
}

// openStore opens the embedded store in the data directory, or the external one that is configured. Half of the room goes to
// events, an eighth each to incidents and to decisions, a sixteenth to the archive, and a 64th each at most to trails, policies, chat and switches, which
// reserve theirs: events never starve them.
func openStore(ctx context.Context, cfg *config.Config, replica string, log *slog.Logger) (*store, error) {
	conn, events, err := OpenLog(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	s := &store{conn: conn, log: events}
	opt := ledger.Options{Writer: replica, Replicas: cfg.NATS.Replicas, MaxBytes: int64(cfg.NATS.MaxStore) / 8, Logger: log.With("part", "ledger")}
	if s.ledger, err = ledger.Open(ctx, conn.JetStream(), opt); err != nil {
		return nil, s.closeAfter(fmt.Errorf("open the ledger: %w", err))
	}
	return s, nil
}

// OpenLog connects to the store and opens the log of events on it, as a replica does. The log is closed before the connection.
func OpenLog(ctx context.Context, cfg *config.Config, log *slog.Logger) (*jetstream.Conn, *jetstream.Log, error) {
	conn, err := connect(ctx, cfg, log)
	if err != nil {
		return nil, nil, err
	}
	room := int64(cfg.NATS.MaxStore)
	events, err := jetstream.Open(ctx, conn, jetstream.Options{MaxEventBytes: room / 2, MaxDeadBytes: room / 32}, log.With("part", "events"))
	if err != nil {
		_ = conn.Close()
		return nil, nil, fmt.Errorf("open the event log: %w", err)
	}
	return conn, events, nil
}

func connect(ctx context.Context, cfg *config.Config, log *slog.Logger) (*jetstream.Conn, error) {
	n := cfg.NATS
	if n.URL == "" {
		opt := jetstream.EmbedOptions{StoreDir: filepath.Join(cfg.DataDir, "nats"), MaxStore: int64(n.MaxStore)}
		conn, err := jetstream.Embed(ctx, opt, log.With("part", "nats"))
		if err != nil {
			return nil, fmt.Errorf("start the embedded store: %w", err)
		}
		return conn, nil
	}
	conn, err := jetstream.Dial(ctx, jetstream.DialOptions{URL: n.URL, CAFile: n.CAFile, CertFile: n.CertFile, KeyFile: n.KeyFile,
		CredsFile: n.CredsFile, NkeyFile: n.NkeyFile, TokenFile: n.TokenFile, Replicas: n.Replicas}, log.With("part", "nats"))
	if err != nil {
		return nil, fmt.Errorf("connect to the store: %w", err)
	}
	return conn, nil
}

func (s *store) closeAfter(err error) error {
	_ = s.close()
	return err
}

func (s *store) close() error {
	if err := s.log.Close(); err != nil {
		_ = s.conn.Close()
		return fmt.Errorf("close the event log: %w", err)
	}
	if err := s.conn.Close(); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}
