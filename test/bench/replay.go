package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/judging"
	"github.com/salvor-io/salvor/internal/ledger/memory"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/internal/replay"
)

const (
	replayAlerts = 100_000
	replayPerSec = 100  // alerts of a second; behind each second comes a tick
	replayOf     = 5000 // of so many fingerprints
	replayRounds = 5
)

// measureReplay reads events of a file and folds them into a pipeline that judges at each tick, on one processor.
func measureReplay(ctx context.Context, b *bench) ([]row, error) {
	dir, err := b.scratch()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "events.txtar")
	if err := writeReplay(file); err != nil {
		return nil, err
	}
	j, err := judges(ctx)
	if err != nil {
		return nil, err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var speeds []float64
	ticks := replayAlerts / replayPerSec
	for range replayRounds {
		runtime.GC()
		took, err := replayFile(ctx, j, file, replayAlerts+ticks)
		if err != nil {
			return nil, err
		}
		speeds = append(speeds, float64(replayAlerts+ticks)/took.Seconds())
	}
	return []row{newRow("replay_events_per_s", "1/s", atLeast(50_000), spread(speeds, 0.5), fmt.Sprintf("p50 of reading, decoding and folding %d alerts, a quarter of them about nodes, of which %d are known at a time, "+
		"and %d ticks, at each of which all is judged, on one processor; none is left out; no peer", replayAlerts, replayOf, ticks))}, nil
}

// replayFile says how long it takes until so many events of the file are folded, and wants no more and no fewer.
func replayFile(ctx context.Context, j *judging.Judgement, path string, want int) (took time.Duration, err error) {
	in, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("open the events: %w", err)
	}
	defer closing(&err, in.Close)
	store := memory.New(memory.Options{Now: time.Now})
	p := j.Pipeline(store.Writer("bench"), func(incident.ID) {}, func(*incident.Incident) {}, slog.New(slog.DiscardHandler))
	p.Start(ctx)
	began := time.Now()
	n, err := foldFile(ctx, p, in)
	took = time.Since(began)
	if err != nil {
		return 0, err
	}
	known := 0
	p.Ask(func(v *classifiers.View) { known = len(v.Clusters[fleetCluster].Alerts) })
	if n != want || known != replayOf {
		return 0, fmt.Errorf("%d events were folded and %d alerts are known, want %d and %d", n, known, want, replayOf)
	}
	return took, nil
}

func foldFile(ctx context.Context, p *pipeline.Pipeline, in io.Reader) (n int, err error) {
	f, err := replay.Read(in)
	if err != nil {
		return 0, err
	}
	for {
		ev, err := f.Event()
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		}
		if err := p.Fold(ctx, ev); err != nil {
			return n, err
		}
		n++
	}
}

// writeReplay writes alerts that fire and are resolved in turn, and ticks.
func writeReplay(path string) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the events: %w", err)
	}
	defer closing(&err, file.Close)
	out, now, seq := replay.NewWriter(file, ""), time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC), uint64(0)
	put := func(ev events.Event, err error) error {
		seq++
		out.Event(events.Recorded{Event: ev, Seq: seq, At: now})
		return err
	}
	for i := range replayAlerts {
		if err := put(replayAlert(i, now)); err != nil {
			return fmt.Errorf("write the events: %w", err)
		}
		if (i+1)%replayPerSec > 0 {
			continue
		}
		now = now.Add(time.Second)
		second := now.Unix()
		if err := put(events.New("tick/"+strconv.FormatInt(second, 10), events.TypeTick, "/salvor/clock", events.Fleet, "tick/clock", now, events.Tick{Second: second})); err != nil {
			return fmt.Errorf("write the events: %w", err)
		}
	}
	return out.Flush()
}

// replayAlert is the ith: alerts of many nodes and pods fire one after the other, then are resolved one after the other, again and again.
func replayAlert(i int, at time.Time) (events.Event, error) {
	n, turn := i%replayOf, i/replayOf
	fingerprint, name := fmt.Sprintf("%016x", n+1), stormNames[n%len(stormNames)]
	a := events.Alert{Fingerprint: fingerprint, Status: "firing", Name: name, StartsAt: at, Receiver: "salvor",
		Labels: events.NewLabelSet(map[string]string{"alertname": name, "cluster": fleetCluster, "container": "kube-state-metrics", "endpoint": "http", "instance": "10.1.2.3:8080",
			"job": "kube-state-metrics", "namespace": "shop", "node": fleetNode(n), "pod": "web-5d4f8c7b9d-" + strconv.Itoa(n), "prometheus": "monitoring/k8s", "severity": "warning"}),
		Annotations: events.NewLabelSet(map[string]string{"description": fleetNode(n) + " has been so for more than 15 minutes.", "summary": "It is not well.",
			"runbook_url": "https://runbooks.prometheus-operator.dev/runbooks/kubernetes/" + name}),
		GeneratorURL: "http://prometheus.monitoring:9090/graph?g0.expr=up&g0.tab=1"}
	if turn%2 == 1 {
		a.Status, a.EndsAt = "resolved", at
	}
	return events.New(fmt.Sprintf("alert/%s/%d", fingerprint, turn), events.TypeAlert, "/intake/alertmanager", fleetCluster, entityOf(fingerprint), at, a)
}
