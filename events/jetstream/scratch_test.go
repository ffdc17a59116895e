package jetstream

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"strings"
	"testing"
	"time"
	"os"

	"github.com/salvor-io/salvor/events"
	"github.com/nats-io/nats.go"
)

func ev(t testing.TB, i int) events.Event {
	e, err := events.New(fmt.Sprintf("id-%d", i), events.TypeTick, "test", "c", fmt.Sprintf("node/n%d", i), time.Now(), map[string]string{"x": strings.Repeat("x", 800)})
	if err != nil { t.Fatal(err) }
	return e
}

func TestScratch(t *testing.T) {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx := context.Background()
	dir := t.TempDir()
	t0 := time.Now()
	conn, err := Embed(ctx, EmbedOptions{StoreDir: dir}, log)
	if err != nil { t.Fatal(err) }
	defer conn.Close()
	l, err := Open(ctx, conn, Options{}, log)
	if err != nil { t.Fatal(err) }
	defer l.Close()
	t.Log("open", time.Since(t0))
	n := 0
	for _, size := range []int{1, 2, 4, 8, 16, 32, 64, 128, 1000} {
		for _, mode := range []string{"single", "batch"} {
			t0 = time.Now()
			rounds := 10
			for range rounds {
				var msgs []*nats.Msg
				for range size { n++; m, err := encode(ev(t, n)); if err != nil { t.Fatal(err) }; msgs = append(msgs, m) }
				if mode == "single" {
					out := failed(size, nats.ErrDisconnected)
					l.appends.pub.singly(ctx, msgs, out)
					if firstError(out) != nil { t.Fatal(firstError(out)) }
				} else {
					out, err := l.appends.pub.batch(ctx, msgs)
					if err != nil || firstError(out) != nil { t.Fatal(err, firstError(out)) }
				}
			}
			t.Logf("%s %d: %s each round", mode, size, time.Since(t0)/time.Duration(rounds))
		}
	}
	var wg sync.WaitGroup
	t0 = time.Now()
	for w := range 64 {
		wg.Go(func() {
			for i := range 50 {
				if _, err := l.Append(ctx, ev(t, 1000000+w*1000+i)); err != nil { t.Error(err) }
			}
		})
	}
	wg.Wait()
	t.Logf("group: %.0f/s", 3200/time.Since(t0).Seconds())
	t0 = time.Now()
	for w := range 64 {
		wg.Go(func() {
			for i := range 20 {
				m, _ := encode(ev(t, 2000000+w*1000+i))
				if _, err := conn.JetStream().PublishMsg(ctx, m); err != nil { t.Error(err) }
			}
		})
	}
	wg.Wait()
	t.Logf("raw: %.0f/s", 1280/time.Since(t0).Seconds())
	t0 = time.Now()
	count := 0
	fctx, cancel := context.WithCancel(ctx)
	err = l.Follow(fctx, 0, func(events.Recorded) error { count++; return nil }, cancel)
	t.Log("follow", count, time.Since(t0), err)
}
