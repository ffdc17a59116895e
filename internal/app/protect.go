package app

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/internal/protection/census"
)

// How often it is looked how the promises stand in a cluster, and how soon after something changed that they rest on. What was seen stands
// for a while when a later look reaches nothing: an API server that is away has taken no backup with it, and what is late gets older by itself.
const (
	censusEvery  = 5 * time.Minute
	censusSoon   = time.Minute
	censusStands = time.Hour
	judgedFor    = 15 * time.Second
)

// guarding knows how the promises stand. It looks at each cluster by itself, so that one that hangs holds up none.
type guarding struct {
	take     func(ctx context.Context, cluster string) *protection.Census
	promises protection.Promises
	changed  func() // told when something stands otherwise
	clock    func() time.Time
	logger   *slog.Logger
	log      events.Log
	wakes    map[string]chan struct{} // by cluster
	order    []string                 // of clusters

	mu      sync.Mutex
	seen    map[string]*protection.Census
	since   map[string]time.Time // when it first stood so, by what stands how
	reports []protection.Report  // as they were judged last
	judged  time.Time
	told    map[string]events.PromiseState // what was recorded last of each promise, by whichever replica
}

func newGuarding(cfg *config.Config, promises protection.Promises, take func(context.Context, string) *protection.Census, changed func(), log events.Log, logger *slog.Logger) *guarding {
	g := &guarding{take: take, promises: promises, changed: changed, clock: time.Now, logger: logger, log: log, told: map[string]events.PromiseState{}, wakes: map[string]chan struct{}{},
		seen: map[string]*protection.Census{}, since: map[string]time.Time{}}
	for _, c := range cfg.Clusters {
		g.order, g.wakes[c.Name] = append(g.order, c.Name), make(chan struct{}, 1)
	}
	return g
}

// censuses are how a cluster is looked at: with the credentials that observe, and its Prometheus if it has one.
func censuses(cfg *config.Config, c clusters) (func(ctx context.Context, cluster string) *protection.Census, error) {
	queries := map[string]string{}
	for _, q := range cfg.Queries {
		queries[q.Name] = q.Query
	}
	servers, err := prometheusOf(cfg)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, cluster string) *protection.Census {
		opt := census.Options{Cluster: cluster, Queries: queries, Now: time.Now()}
		if server := servers[cluster]; server != nil {
			opt.Metrics = server
		}
		return census.Take(ctx, c.observe[cluster], opt)
	}, nil
}

// Wake says that something changed in a cluster that promises rest on. It never blocks.
func (g *guarding) Wake(cluster string) {
	select {
	case g.wakes[cluster] <- struct{}{}:
	default:
	}
}

// heard is told of each event that was folded, and looks soon where one is about what promises rest on.
func (g *guarding) heard(ev events.Recorded) {
	if ev.Type == events.TypePromise {
		g.learn(ev)
		return
	}
	kind, _, _ := strings.Cut(ev.Entity, "/")
	switch strings.ToLower(kind) {
	case "backup.velero.io", "schedule.velero.io", "backupstoragelocation.velero.io", "volumesnapshot.snapshot.storage.k8s.io", "namespace":
		g.Wake(ev.Cluster)
	}
}

// Run looks at all clusters until ctx ends. Where nothing was promised nobody looks.
func (g *guarding) Run(ctx context.Context) error {
	var group sync.WaitGroup
	for _, cluster := range g.order {
		if g.promises.On(cluster) {
			group.Go(func() { g.follow(ctx, cluster) })
		}
	}
	group.Wait()
	return nil
}

func (g *guarding) follow(ctx context.Context, cluster string) {
	for {
		g.look(ctx, cluster)
		if !pause(ctx, censusSoon, nil) || !pause(ctx, censusEvery-censusSoon, g.wakes[cluster]) {
			return
		}
	}
}

// pause waits, or until it is woken. It says whether to go on.
func pause(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-wake:
	}
	return true
}

// look takes the census of one cluster and keeps it, unless it reached nothing and the last one still stands.
func (g *guarding) look(ctx context.Context, cluster string) {
	c := g.take(ctx, cluster)
	if ctx.Err() != nil {
		return
	}
	g.mu.Lock()
	before := g.seen[cluster]
	if before == nil || c.Reached() || g.clock().Sub(before.At) >= censusStands {
		g.seen[cluster] = c
	}
	g.reports, g.judged = nil, time.Time{}
	g.mu.Unlock()
	for _, u := range c.Unread {
		if before == nil || !strings.Contains(texts(before.Unread), u.Why) {
			g.logger.Warn("how promises stand is not all known", "cluster", cluster, "unseen", u.Why, "do", u.Do)
		}
	}
	g.changed()
	g.tell(ctx, cluster)
}

func texts(all []protection.Unread) string {
	var out strings.Builder
	for _, u := range all {
		out.WriteString(u.Why + "\n")
	}
	return out.String()
}

// Reports are how the promises stand now, of each cluster that was looked at, by what was seen last.
func (g *guarding) Reports() []protection.Report {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock()
	if g.reports != nil && now.Sub(g.judged) < judgedFor {
		return g.reports
	}
	g.reports, g.judged = []protection.Report{}, now
	for _, cluster := range g.order {
		if seen := g.seen[cluster]; seen != nil {
			today := *seen
			today.At = now
			g.reports = append(g.reports, protection.Judge(g.promises, &today))
		}
	}
	return g.reports
}

// Troubles are the promises that are not kept, or not known to be, with since when that is so as far as this replica has seen.
func (g *guarding) Troubles() []protection.Trouble {
	reports := g.Reports()
	g.mu.Lock()
	defer g.mu.Unlock()
	since := map[string]time.Time{}
	var out []protection.Trouble
	for _, r := range reports {
		for _, t := range r.Troubles() {
			key := strings.Join([]string{t.Cluster, t.Application, t.Namespace, t.State.String()}, "/")
			since[key] = g.judged
			if first, known := g.since[key]; known {
				since[key] = first
			}
			if t.Since.IsZero() {
				t.Since = since[key]
			}
			out = append(out, t)
		}
	}
	g.since = since
	return out
}
