package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/protection"
)

// Bounds of what is told of one promise.
const (
	mostMissing    = 3
	longestMissing = 200 // bytes
)

// promiseOf is what a standing is to judgements; nothing where it is not known. What is late by less than twice is told of by an alert, and is no fault.
func promiseOf(s protection.Standing, troubles []protection.Trouble) (events.Promise, bool) {
	p := events.Promise{Application: s.Application, Namespace: s.Namespace, State: events.PromiseKept}
	for _, t := range troubles {
		if t.Application != s.Application || t.Namespace != s.Namespace {
			continue
		}
		switch {
		case t.State == protection.Unprotected:
			p.State = events.PromiseUnprotected
		case t.State == protection.Late && t.Twice:
			p.State = events.PromiseOverdue
		case t.State == protection.Unknown:
			return p, false
		}
		if p.State != events.PromiseKept {
			p.Missing = briefly(t.Missing)
		}
	}
	return p, true
}

func briefly(all []string) []string {
	var out []string
	for _, text := range all[:min(mostMissing, len(all))] {
		out = append(out, strings.ToValidUTF8(text[:min(longestMissing, len(text))], ""))
	}
	return out
}

// learn notes what was recorded of a promise, by whichever replica: one that has died does not say any more that it is kept again.
func (g *guarding) learn(ev events.Recorded) {
	var p events.Promise
	if ev.Decode(&p) != nil {
		return // it is told of where it is folded
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told[toldKey(ev.Cluster, p)] = p.State
}

func toldKey(cluster string, p events.Promise) string {
	return cluster + "/" + p.Application + "/" + p.Namespace
}

// tell records how the promises of a cluster stand after a look: what is broken at each look, what is kept when that was not said last. What cannot
// be recorded is said at the next look.
func (g *guarding) tell(ctx context.Context, cluster string) {
	for _, r := range g.Reports() {
		if r.Cluster != cluster {
			continue
		}
		troubles := r.Troubles()
		for _, s := range r.Of(true) {
			p, known := promiseOf(s, troubles)
			if !known || ctx.Err() != nil {
				continue
			}
			if err := g.record(ctx, cluster, p); err != nil && ctx.Err() == nil {
				g.logger.Warn("how a promise stands is not recorded, trying again at the next look", "cluster", cluster, "application", p.Application, "namespace", p.Namespace, "error", err)
			}
		}
	}
}

// record appends how a promise stands. Replicas that see the same about the same time make one event of it.
func (g *guarding) record(ctx context.Context, cluster string, p events.Promise) error {
	entity := "promise/" + p.Application + "/" + p.Namespace
	key := toldKey(cluster, p)
	g.mu.Lock()
	before := g.told[key]
	g.mu.Unlock()
	if p.State == events.PromiseKept && before == p.State {
		return nil
	}
	now := g.clock()
	of := entity
	if before == p.State {
		of = events.Again(entity)
	}
	id := fmt.Sprintf("%s/%s/%s/%d/%s", entity, p.State, cluster, now.Unix()/int64(censusEvery/time.Second), digest(p.Missing))
	ev, err := events.New(id, events.TypePromise, "/salvor/protection", cluster, of, now, p)
	if err != nil {
		return err
	}
	if _, err := g.log.Append(ctx, ev); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told[key] = p.State
	return nil
}

func digest(texts []string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\n")))
	return hex.EncodeToString(sum[:6])
}
