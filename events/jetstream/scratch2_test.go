package jetstream

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

func TestBatchCost(t *testing.T) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	ctx := context.Background()
	conn, err := Embed(ctx, EmbedOptions{StoreDir: t.TempDir()}, log)
	if err != nil { t.Fatal(err) }
	defer conn.Close()
	l, err := Open(ctx, conn, Options{}, log)
	if err != nil { t.Fatal(err) }
	defer l.Close()
	n := 0
	for _, size := range []int{64} {
	t0 := time.Now()
	for range 400 {
		var msgs []*nats.Msg
		for range size { n++; m, _ := encode(ev(t, n)); msgs = append(msgs, m) }
		if _, err := l.appends.pub.batch(ctx, msgs); err != nil { t.Fatal(err) }
	}
	t.Log(size, time.Since(t0)/400)
	}
}
