package app

import (
	"log/slog"
	"testing"

	"github.com/salvor-io/salvor/internal/config"
)

func TestStoreOpensInTheSmallestRoom(t *testing.T) {
	cfg := &config.Config{DataDir: t.TempDir(), NATS: config.NATS{Replicas: 1, MaxStore: config.MinStore}}
	s, err := openStore(t.Context(), cfg, "one", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}
