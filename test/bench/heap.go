package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/kube"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/judging"
	"github.com/salvor-io/salvor/internal/ledger/memory"
	"github.com/salvor-io/salvor/internal/pipeline"
)

const (
	heapRounds   = 3
	heapPatience = 2 * time.Minute // until all is listed and folded
)

// measureHeap has a cluster of many pods watched by what Salvor watches with, and folded, and by the informers of client-go, one after the other.
func measureHeap(ctx context.Context, _ *bench) ([]row, error) {
	j, err := judges(ctx)
	if err != nil {
		return nil, err
	}
	var rounds []round
	for range heapRounds {
		ours, err := heldBy(ctx, func(ctx context.Context) (func() error, any, error) { return observe(ctx, j) })
		if err != nil {
			return nil, err
		}
		theirs, err := heldBy(ctx, inform)
		if err != nil {
			return nil, err
		}
		rounds = append(rounds, round{ours: []float64{ours}, peer: []float64{theirs}})
	}
	return []row{newRow("view_heap_ratio", "ratio", atMost(0.05), ratio(rounds), fmt.Sprintf("heap held by Salvor's watches of a cluster and the view folded from them (%.1f MiB), "+
		"by the stores of client-go's informers of nodes, leases and pods (%.0f MiB); %d nodes and %d pods, 1 in 100 of them in a crash loop, each object made anew for whoever lists it",
		median(pooled(rounds, ours)), median(pooled(rounds, peer)), fleetNodes, crowdPods))}, nil
}

// heldBy says how many MiB of the heap are held once something has begun, until it is stopped. Begin returns when it holds all it
// will hold.
func heldBy(ctx context.Context, begin func(context.Context) (stop func() error, held any, err error)) (mib float64, err error) {
	before := heap()
	stop, held, err := begin(ctx)
	if err != nil {
		return 0, err
	}
	defer closing(&err, stop)
	after := heap()
	for range 10 { // what the lists were read into is let go of soon after
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return 0, err
		}
		was := after
		if after = heap(); after > was-was/200 {
			break
		}
	}
	runtime.KeepAlive(held)
	return float64(after-before) / (1 << 20), nil
}

// heap is what is in use after a collection, in bytes.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what has a finalizer goes at the second
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// shelf is a log that keeps nothing: what is appended is folded.
type shelf struct {
	pipeline *pipeline.Pipeline

	mu  sync.Mutex
	seq uint64
}

// Append implements kube.Appender.
func (s *shelf) Append(ctx context.Context, evs ...events.Event) ([]events.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	receipts := make([]events.Receipt, len(evs))
	for i, ev := range evs {
		s.seq++
		receipts[i].Seq = s.seq
		if err := s.pipeline.Fold(ctx, events.Recorded{Event: ev, Seq: s.seq, At: time.Now()}); err != nil {
			return nil, err
		}
	}
	return receipts, nil
}

// observe begins Salvor's watches of the crowd, and waits until the view has all they say of it.
func observe(ctx context.Context, j *judging.Judgement) (stop func() error, held any, err error) {
	quiet := slog.New(slog.DiscardHandler)
	now := memory.New(memory.Options{Now: time.Now})
	s := &shelf{pipeline: j.Pipeline(now.Writer("bench"), func(incident.ID) {}, func(*incident.Incident) {}, quiet)}
	source, err := kube.New(kube.Options{Cluster: fleetCluster, Replica: "bench", Client: crowd(), Log: s, View: s.pipeline, Logger: quiet,
		StaleAfter: 3 * time.Minute}) // nobody renews a second time
	if err != nil {
		return nil, nil, err
	}
	running, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- source.Run(running) }()
	stop = func() error { cancel(); return <-ended }
	err = until(ctx, heapPatience, func() error { return s.whole() })
	if err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return stop, []any{s, source}, nil
}

// whole says what the view lacks of the crowd.
func (s *shelf) whole() (lacks error) {
	s.pipeline.Ask(func(v *classifiers.View) {
		c := v.Clusters[fleetCluster]
		if c == nil {
			lacks = errors.New("nothing is seen")
			return
		}
		fresh := 0
		for _, n := range c.Nodes {
			if n.Lease.WasFresh {
				fresh++
			}
		}
		if fresh != fleetNodes || len(c.Pods) != crowdPods/100 || !v.Sees(c, "nodes") || !v.Sees(c, "pods") {
			lacks = fmt.Errorf("%d nodes with a fresh Lease and %d pods in trouble are seen, want %d and %d; nodes and pods are watched: %t, %t",
				fresh, len(c.Pods), fleetNodes, crowdPods/100, v.Sees(c, "nodes"), v.Sees(c, "pods"))
		}
	})
	return lacks
}

// inform begins informers of the same, and waits until they have synced.
func inform(ctx context.Context) (stop func() error, held any, err error) {
	running, cancel := context.WithCancel(ctx)
	var client kubernetes.Interface = crowd()
	factory := informers.NewSharedInformerFactory(client, 0)
	all := []cache.SharedIndexInformer{factory.Core().V1().Nodes().Informer(), factory.Core().V1().Pods().Informer(), factory.Coordination().V1().Leases().Informer()}
	factory.Start(running.Done())
	stop = func() error { cancel(); factory.Shutdown(); return nil }
	err = until(ctx, heapPatience, func() error {
		for _, informer := range all {
			if !informer.HasSynced() {
				return errors.New("the informers have not synced")
			}
		}
		return nil
	})
	if err == nil && len(all[1].GetStore().ListKeys()) != crowdPods {
		err = errors.New("the informer holds another number of pods")
	}
	if err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return stop, []any{factory, all}, nil
}

// until asks ten times a second until nothing is lacking.
func until(ctx context.Context, patience time.Duration, lacks func() error) error {
	for late := time.Now().Add(patience); ; {
		err := lacks()
		if err == nil || time.Now().After(late) {
			return err
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}
