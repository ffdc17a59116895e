package sim

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"testing/fstest"
	"time"

	"github.com/salvor-io/salvor/internal/clock"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/judging"
	"github.com/salvor-io/salvor/internal/ledger/memory"
	"github.com/salvor-io/salvor/policies"
)

const (
	calm  = 14 * time.Minute // after it no disaster begins
	quiet = 38 * time.Minute // after it all must have ended
)

// Lab is what runs share: what judges is compiled once. It is safe for concurrent use.
type Lab struct {
	Trace func(line string) // told of each event and record, when it is not nil

	acting, asking house
}

// house is what judges by one configuration.
type house struct {
	cfg    *config.Config
	rules  fstest.MapFS // beside the shipped ones
	judges *judging.Judgement
}

// NewLab makes a lab with the shipped rules, runbooks and limits, for fleets of up to six clusters in which everything may be done, or, for
// some seeds, in which people are asked about everything.
func NewLab(ctx context.Context) (*Lab, error) {
	acting, err := newHouse(ctx, policies.ModeAct, nil)
	if err != nil {
		return nil, err
	}
	asking, err := newHouse(ctx, policies.ModeAsk, fstest.MapFS{"sim.rego": {Data: []byte(twoKinds)}})
	return &Lab{acting: acting, asking: asking}, err
}

func newHouse(ctx context.Context, mode policies.Mode, rules fstest.MapFS) (house, error) {
	text := "clusters:\n"
	for n := range 6 {
		text += fmt.Sprintf("  - {name: c%[1]d, region: r%[1]d, environment: sim, observe: {in_cluster: true}, act: {kubeconfig: sim}, modes: {node: %[2]s, zone: %[2]s, region: %[2]s}}\n", n, mode)
	}
	cfg, err := config.Parse("salvor.yaml", []byte(text))
	if err != nil {
		return house{}, err
	}
	h := house{cfg: cfg, rules: rules}
	h.judges, err = judging.New(ctx, cfg, h.given())
	return h, err
}

// given are the rules beside the shipped ones, nil where there are none.
func (h house) given() fs.FS {
	if h.rules == nil {
		return nil
	}
	return h.rules
}

// Written implements export.Rules.
func (h house) Written(context.Context) (fs.FS, error) { return h.given(), nil }

// Result is what the oracle says of a run.
type Result struct {
	Seed      uint64
	Wrong     []string // what must not have happened, each with its time
	Missed    []string // disasters that had to be found and were not
	FalseWide int      // zones and regions that were said to be lost and were not
	Seen      Matrix   // what each disaster was taken for
	Duties    Duties   // how many had to be found
	Events    int
	Effects   int
	Incidents int
	Lives     int
}

// run is one run.
type run struct {
	*Lab

	ctx       context.Context
	house     house
	seed      uint64
	bug       Bug
	judges    *judging.Judgement // with the bug
	rng       *rand.Rand         // of the truth
	chaos     *rand.Rand         // of all that lies between it and Salvor
	crowd     *crowd             // the people who are asked
	deadly    int                // of so many writes one kills, 0: none
	clock     *clock.Virtual
	start     time.Time
	clusters  []*cluster
	disasters []*disaster
	log       *journal
	store     *memory.Store
	replicas  []*replica
	outside   *outside
	oracle    *oracle
	recall    *recall
	lastOf    map[incident.ID]uint64
	falseWide int
}

// Complaints are what went wrong in a run, and what was missed.
func (r Result) Complaints() []string { return slices.Concat(r.Wrong, r.Missed) }

// Run runs a seed, with a bug planted or none.
func (l *Lab) Run(ctx context.Context, seed uint64, bug Bug) (Result, error) {
	_, result, err := l.run(ctx, seed, bug)
	return result, err
}

func (l *Lab) run(ctx context.Context, seed uint64, bug Bug) (*run, Result, error) {
	r := &run{Lab: l, ctx: ctx, seed: seed, bug: bug, rng: rand.New(rand.NewPCG(seed, 1)), chaos: rand.New(rand.NewPCG(seed, 2)),
		start: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC), lastOf: map[incident.ID]uint64{}}
	r.clock = clock.NewVirtual(r.start)
	r.oracle, r.recall = newOracle(r), newRecall(r)
	r.crowd = newCrowd(r)
	brakemen := newBrakemen(r.crowd)
	r.judges = bug.judges(r.house.judges)
	r.store = memory.New(memory.Options{Now: r.clock.Now})
	r.log = &journal{run: r, taken: map[string]time.Time{}}
	r.store.Follow(func(rec incident.Sequenced) {
		r.lastOf[rec.Incident] = rec.Seq
		r.trace("%s %s by %s at event %d: %s", rec.Incident.Name(), rec.Kind, rec.Writer, rec.ViewSeq, rec.Text)
		r.oracle.record(rec)
		r.recall.record(rec)
		r.crowd.record(rec)
		brakemen.record(rec)
		r.redeliver(rec)
	})
	if err := r.build(); err != nil {
		return nil, Result{}, err
	}
	r.script()
	for _, d := range r.disasters {
		r.trace("is to come: %s", d)
	}
	r.pass(r.start.Add(quiet))
	return r, r.result(), nil
}

// build makes the fleet, the replicas and who posts to them.
func (r *run) build() error {
	for n := range 1 + r.rng.IntN(6)*r.rng.IntN(2)*r.rng.IntN(2) {
		nodes := 4 + r.rng.IntN(26)
		if r.rng.IntN(40) == 0 {
			nodes = 100 + r.rng.IntN(400)
		}
		c := newCluster(r.rng, n, nodes, 1+r.rng.IntN(4), r.start)
		c.heardSince = r.start
		r.clusters = append(r.clusters, c)
	}
	for n := range 1 + r.chaos.IntN(3)/2 {
		p := &replica{run: r, name: replicaName(n), lag: 5*time.Millisecond + r.chance(400*time.Millisecond)}
		r.replicas = append(r.replicas, p)
		catalog, err := r.hands(p.name)
		if err != nil {
			return err
		}
		if p.books, err = judging.LoadBooks(r.house.cfg, nil, catalog); err != nil {
			return err
		}
	}
	var err error
	r.outside, err = newOutside(r)
	return err
}

// script says what is to happen.
func (r *run) script() {
	for _, c := range r.clusters {
		r.plan(c)
	}
	if r.chaos.IntN(2) == 0 {
		r.deadly = 30 + r.chaos.IntN(120)
	}
	for _, p := range r.replicas {
		p.boot()
		for range r.chaos.IntN(4) {
			r.clock.At(r.start.Add(r.chance(quiet-15*time.Minute)), p.die)
		}
		for range r.chaos.IntN(3) {
			at := r.start.Add(r.chance(calm))
			r.clock.At(at, func() { p.stuck = at.Add(3*time.Second + r.chance(40*time.Second)) })
		}
	}
	if r.chaos.IntN(3) == 0 {
		at := r.start.Add(r.chance(calm))
		r.clock.At(at, func() { r.log.down = true })
		r.clock.At(at.Add(r.chance(40*time.Second)), func() { r.log.down = false })
	}
	for range r.chaos.IntN(3) {
		r.clock.At(r.start.Add(r.chance(calm)), r.pause)
	}
}

// pause has a person pause something for a while.
func (r *run) pause() {
	now := r.clock.Now()
	p := policies.Pause{Owner: "person", Reason: "sim", Since: now, Until: now.Add(time.Minute + r.chance(4*time.Minute))}
	c := r.clusters[r.chaos.IntN(len(r.clusters))]
	switch r.chaos.IntN(4) {
	case 0:
		p.Cluster = c.name
	case 1:
		p.Kind = "node"
	case 2:
		p.Cluster, p.Target = c.name, "node/"+c.machines[r.chaos.IntN(len(c.machines))].name
	}
	if err := r.store.SetPause(p); err != nil {
		r.oracle.fails("pause: %v", err)
	}
	r.oracle.paused = append(slices.DeleteFunc(r.oracle.paused, func(was policies.Pause) bool { return was.Scope() == p.Scope() }), p)
}

// pass lets time pass until a time.
func (r *run) pass(until time.Time) {
	var second func()
	second = func() {
		now := r.clock.Now()
		r.second(now)
		if now.Before(until) {
			r.clock.At(now.Add(time.Second), second)
		}
	}
	r.clock.At(r.start.Add(time.Second), second)
	for {
		timer, set := r.store.NextTimer()
		next, due := r.clock.Next()
		switch {
		case due && (!set || !next.After(timer)) && !next.After(until):
			r.clock.AdvanceTo(next)
			continue
		case !set || timer.After(until):
			r.clock.AdvanceTo(until)
			return
		}
		r.clock.AdvanceTo(timer)
		for _, t := range r.store.Due(timer) {
			r.look(t.Incident)
		}
	}
}

// second lets a second pass for everybody.
func (r *run) second(now time.Time) {
	for _, c := range r.clusters {
		c.second(now)
	}
	for _, p := range r.replicas {
		for _, w := range p.watchers {
			w.second(now)
		}
	}
	r.outside.second(now)
	r.recall.second(now)
	if slices.ContainsFunc(r.replicas, func(p *replica) bool { return p.life != nil }) { // whose clocks they are
		r.log.offer(r.tick(now))
	}
}

func (r *run) cluster(name string) *cluster {
	for _, c := range r.clusters {
		if c.name == name {
			return c
		}
	}
	return nil
}

// trace tells a line of what happens.
func (r *run) trace(format string, args ...any) {
	if r.Trace != nil {
		r.Trace(r.clock.Now().Format("15:04:05.000 ") + fmt.Sprintf(format, args...))
	}
}

// chance is a random time up to d.
func (r *run) chance(d time.Duration) time.Duration { return time.Duration(r.chaos.Int64N(int64(d))) }

// later has something happen within a time.
func (r *run) later(within time.Duration, f func()) {
	r.clock.At(r.clock.Now().Add(r.chance(within)), f)
}

// mishap says that a replica dies here.
func (r *run) mishap() bool {
	return r.deadly > 0 && r.rough() && r.chaos.IntN(r.deadly) == 0
}

// rough says that processes may still come to harm: after it there is time for all to end.
func (r *run) rough() bool { return r.clock.Now().Before(r.start.Add(quiet - 15*time.Minute)) }
