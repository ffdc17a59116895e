package jetstream

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salvor-io/salvor/events"
)

// benched is a log in a directory of its own that says nothing.
func benched(b *testing.B) (*Conn, *Log) {
	b.Helper()
	conn, err := Embed(b.Context(), EmbedOptions{StoreDir: b.TempDir()}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	log, err := Open(b.Context(), conn, Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { log.Close() })
	return conn, log
}

// kilobyte is an event of about 1 KiB.
func kilobyte(n int) events.Event {
	ev := sample(n)
	ev.ID = fmt.Sprintf("bench/%d", n)
	ev.Data = []byte(`"` + strings.Repeat("x", 1022) + `"`)
	return ev
}

// rawPublish is the floor: one durable publish of the same bytes.
func rawPublish(ctx context.Context, conn *Conn, ev events.Event) error {
	msg, err := encode(ev)
	if err != nil {
		return err
	}
	_, err = conn.JetStream().PublishMsg(ctx, msg)
	return err
}

// BenchmarkAppendAlone compares one Append with one raw durable publish, in turn.
func BenchmarkAppendAlone(b *testing.B) {
	conn, log := benched(b)
	var ours, raw []time.Duration
	n := 0
	for b.Loop() {
		begin := time.Now()
		if _, err := log.Append(b.Context(), kilobyte(2*n)); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		if err := rawPublish(b.Context(), conn, kilobyte(2*n+1)); err != nil {
			b.Fatal(err)
		}
		ours, raw = append(ours, middle.Sub(begin)), append(raw, time.Since(middle))
		n++
	}
	slices.Sort(ours)
	slices.Sort(raw)
	p50, floor := ours[len(ours)/2], raw[len(raw)/2]
	b.ReportMetric(float64(p50.Microseconds()), "append-p50-us")
	b.ReportMetric(float64(floor.Microseconds()), "raw-p50-us")
	b.ReportMetric(float64(p50)/float64(floor), "ratio")
}

// BenchmarkAppendTogether compares 64 concurrent appenders with 64 concurrent raw durable publishers, in turn.
func BenchmarkAppendTogether(b *testing.B) {
	const callers, each = 64, 10
	conn, log := benched(b)
	var ours, raw time.Duration
	next := 0
	round := func(publish func(events.Event) error) time.Duration {
		begin := time.Now()
		var wg sync.WaitGroup
		for range callers {
			first := next
			next += each
			wg.Go(func() {
				for n := first; n < first+each; n++ {
					if err := publish(kilobyte(n)); err != nil {
						b.Error(err)
					}
				}
			})
		}
		wg.Wait()
		return time.Since(begin)
	}
	rounds := 0
	for b.Loop() {
		ours += round(func(ev events.Event) error { _, err := log.Append(b.Context(), ev); return err })
		raw += round(func(ev events.Event) error { return rawPublish(b.Context(), conn, ev) })
		rounds++
	}
	count := float64(rounds * callers * each)
	b.ReportMetric(count/ours.Seconds(), "append/s")
	b.ReportMetric(count/raw.Seconds(), "raw/s")
	b.ReportMetric(raw.Seconds()/ours.Seconds(), "ratio")
}

// BenchmarkFollow folds a history of 20,000 events.
func BenchmarkFollow(b *testing.B) {
	const count = 20_000
	_, log := benched(b)
	for first := 0; first < count; first += maxGroup {
		var evs []events.Event
		for n := first; n < first+maxGroup; n++ {
			evs = append(evs, kilobyte(n))
		}
		if _, err := log.Append(b.Context(), evs...); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		ctx, cancel := context.WithCancel(b.Context())
		folded := 0
		if err := log.Follow(ctx, 0, func(events.Recorded) error { folded++; return nil }, cancel); err != nil || folded != count {
			b.Fatalf("%d events were folded: %v", folded, err)
		}
	}
	b.ReportMetric(float64(count*b.N)/b.Elapsed().Seconds(), "events/s")
}
