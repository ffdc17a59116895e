package jetstream

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"
)

func TestRatio(t *testing.T) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	ctx := context.Background()
	conn, err := Embed(ctx, EmbedOptions{StoreDir: t.TempDir()}, log)
	if err != nil { t.Fatal(err) }
	defer conn.Close()
	l, err := Open(ctx, conn, Options{}, log)
	if err != nil { t.Fatal(err) }
	defer l.Close()
	n := 0
	for range 5 {
	var wg sync.WaitGroup
	t0 := time.Now()
	for range 64 {
		n++
		base := n*1000
		wg.Go(func() {
			for i := range 30 {
				if _, err := l.Append(ctx, ev(t, base+i)); err != nil { t.Error(err) }
			}
		})
	}
	wg.Wait()
	a := 64*30/time.Since(t0).Seconds()
	t0 = time.Now()
	for range 64 {
		n++
		base := n*1000
		wg.Go(func() {
			for i := range 30 {
				m, _ := encode(ev(t, base+i))
				if _, err := conn.JetStream().PublishMsg(ctx, m); err != nil { t.Error(err) }
			}
		})
	}
	wg.Wait()
	b := 64*30/time.Since(t0).Seconds()
	t.Logf("group %.0f/s raw %.0f/s ratio %.2f", a, b, a/b)
	}
	var da, db time.Duration
	for i := range 300 {
		e := ev(t, 100000000+i)
		t0 := time.Now()
		if _, err := l.Append(ctx, e); err != nil { t.Error(err) }
		da += time.Since(t0)
		m, _ := encode(ev(t, 200000000+i))
		t0 = time.Now()
		if _, err := conn.JetStream().PublishMsg(ctx, m); err != nil { t.Error(err) }
		db += time.Since(t0)
	}
	t.Log("lone", da/300, "raw", db/300)
}
