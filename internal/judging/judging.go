// Package judging makes what judges, classifiers, the meaning of alerts, policy and limits, of a configuration. It reaches nothing outside:
// what it makes judges a running fleet and a recorded one alike.
package judging

import (
	"context"
	"io/fs"
	"log/slog"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events/alertmanager"
	"github.com/salvor-io/salvor/internal/clock"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/pipeline"
	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/internal/recovery"
	"github.com/salvor-io/salvor/policies"
)

// Judgement is what judges by one configuration. It is not changed once it is used.
type Judgement struct {
	Table       *alertmanager.Table // what alerts speak of
	Classifiers []classifiers.Classifier
	Decider     policies.Decider
	Clusters    map[string]recovery.Cluster
	Terms       incident.Terms
	Promises    protection.Promises
	Limits      policies.Limits
	StormSpan   time.Duration
	Keep        time.Duration // how long an incident that has ended is still known
}

// New makes it, with rules that stay as they are. Rules, where there are any, stand for those of the directory that the configuration
// names. The error says what is wrong with the tables or the rules.
func New(ctx context.Context, cfg *config.Config, rules fs.FS) (*Judgement, error) {
	engine, err := loadPolicies(ctx, cfg, rules)
	if err != nil {
		return nil, err
	}
	return By(cfg, engine)
}

// By makes it, with policy as an engine speaks it. The error says what is wrong with the tables.
func By(cfg *config.Config, engine policies.Engine) (*Judgement, error) {
	table, err := alertmanager.NewTable(cfg.Alerts)
	if err != nil {
		return nil, err
	}
	l := cfg.Limits
	return &Judgement{
		Table: table, Classifiers: classifiersOf(cfg), Decider: policies.Judge{Engine: engine}, Clusters: facts(cfg), Promises: Promises(cfg),
		Terms:     incident.Terms{Retry: cfg.Times.Retry, Healthy: cfg.Times.Healthy, Attempts: l.Attempts, Flaps: l.Flaps},
		Limits:    policies.Limits{NodesPerZone: l.NodesPerZone, FleetShare: l.FleetShare, StormNodes: l.Storm.Nodes, StormShare: l.Storm.Share, Attempts: l.Attempts},
		StormSpan: l.Storm.Within, Keep: cfg.Times.ArchiveAfter,
	}, nil
}

// Pipeline makes a pipeline that judges by it.
func (j *Judgement) Pipeline(ledger pipeline.Ledger, kick func(incident.ID), opened func(*incident.Incident), log *slog.Logger) *pipeline.Pipeline {
	return pipeline.New(pipeline.Options{Classifiers: j.Classifiers, Alerts: j.Table.Meaning, Ledger: ledger, Kick: kick, Opened: opened, Keep: j.Keep, Log: log})
}

// World is what an engine reaches outside itself.
type World struct {
	Replica string // unique to this life of this process
	Alone   bool   // no other process can share the ledger
	Ledger  recovery.Ledger
	Sights  recovery.Sights
	Others  recovery.Others
	Books   *Books
	Clock   clock.Clock

	Progress func(id incident.ID, step int, text string) // see recovery.Options; nil is allowed
}

// Engine makes an engine that judges by it.
func (j *Judgement) Engine(w World, log *slog.Logger) *recovery.Engine {
	return recovery.New(recovery.Options{
		Replica: w.Replica, Alone: w.Alone, Ledger: w.Ledger, Sights: w.Sights, Others: w.Others, Planner: wary{w.Books, w.Sights.Look}, Catalog: w.Books.Catalog,
		Decider: j.Decider, Clusters: j.Clusters, Promises: j.Promises, Terms: j.Terms, Limits: j.Limits, StormSpan: j.StormSpan, Clock: w.Clock, Log: log, Progress: w.Progress,
	})
}

// facts is what the recovery engine knows of the configured clusters. A cluster without credentials to act is never above
// suggest, whatever its modes say.
func facts(cfg *config.Config) map[string]recovery.Cluster {
	out := map[string]recovery.Cluster{}
	for _, c := range cfg.Clusters {
		modes := map[classifiers.Kind]policies.Mode{}
		for _, kind := range classifiers.Kinds() {
			modes[kind] = c.Mode(kind)
			if c.Act == nil {
				modes[kind] = min(modes[kind], policies.ModeSuggest)
			}
		}
		out[c.Name] = recovery.Cluster{Name: c.Name, Environment: c.Environment, Region: c.Region, Modes: modes}
	}
	return out
}

// Promises are those that a configuration makes, in its order.
func Promises(cfg *config.Config) protection.Promises {
	var out protection.Promises
	for _, p := range cfg.Protection {
		out = append(out, protection.Promise(p))
	}
	return out
}
