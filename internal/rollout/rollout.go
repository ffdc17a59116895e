package rollout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/internal/clock"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/rego"
)

const (
	followEvery = time.Second
	retryEvery  = 5 * time.Second
	beginWithin = 10 * time.Second       // how long a start waits for a first policy
	settleEvery = 100 * time.Millisecond // between two looks at a source during a start
)

// Trail is where it is written which policy is in force, with the promises of package ledger.
type Trail interface {
	AppendTrail(ctx context.Context, trail string, after uint64, e ledger.TrailEntry) (ledger.Placed, error)
	Trail(ctx context.Context, trail string) ([]ledger.Placed, error)
	TrailEnd(ctx context.Context, trail string) (uint64, error)
}

// Packs keeps packed policies by their revisions, with the promises of package ledger.
type Packs interface {
	StorePolicy(ctx context.Context, revision string, pack []byte) error
	Policy(ctx context.Context, revision string) ([]byte, error)
	Policies(ctx context.Context) ([]string, error)
	KeepPolicies(ctx context.Context, revisions ...string) error
}

// Tester runs the tests that came with a policy. Its error lists what failed, one problem a line. A policy without tests passes.
type Tester interface {
	Test(ctx context.Context, p rego.Policy) error
}

// Options are the parts of a Rollout. Shadow may be left out. For Check alone Tester, Environments, Clusters and Responders are enough.
type Options struct {
	Replica      string // stable over restarts
	Source       Source // where candidates come from
	Shadow       Source // a policy that is only asked beside the one in force; nil: none
	Trail        Trail
	Packs        Packs
	Recorded     Recorded
	Tester       Tester
	Environments []string // of the clusters that there are
	Clusters     []string // their names
	Responders   []string // names of all that there are: rules that look for others are refused
	Admins       []string // who may activate, by name, beside those who own the socket
	Changed      func()   // told that the status is another; it must not block
	Clock        func() time.Time
	Log          *slog.Logger
}

// Rollout brings policy into force for one replica. It is safe for concurrent use.
type Rollout struct {
	Options
	engine    *Engine
	shadow    *shadow
	reference []policies.Question

	following sync.Mutex // what the trail says is taken over in its order
	broken    unusable   // guarded by following

	mu       sync.Mutex
	state    *state
	handled  string      // sum of what the source held, and of why it cannot be used, when it was last dealt with
	compiled *rego.Rules // of the last candidate
	problem  *Refusal    // why what the source holds cannot be used, nil when it can
	waiting  error       // why it is not known yet what the source holds
	refusals uint64
}

// New makes a Rollout. Until Begin its engine refuses everything.
func New(opt Options) *Rollout {
	engine := newEngine(opt.Log, opt.Changed)
	return &Rollout{Options: opt, engine: engine, shadow: engine.shadow, reference: reference(fleet{opt.Environments, opt.Clusters, opt.Responders}),
		state: &state{offered: map[string]string{}, refusal: map[string]bool{}}}
}

// Engine answers by the policy in force.
func (r *Rollout) Engine() *Engine { return r.engine }

// Begin takes over the policy in force. Where the fleet has none, it waits some seconds for that of the source, so that what is asked first
// is answered by it. It never fails: without a policy nothing is decided, and Run goes on looking.
func (r *Rollout) Begin(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, beginWithin)
	defer cancel()
	for ctx.Err() == nil {
		if err := r.follow(ctx); err == nil && r.current().inForce != nil {
			return
		}
		if err := r.look(ctx); err == nil && r.engine.revision() != "" || r.unfit() {
			return
		}
		clock.Sleep(ctx, settleEvery)
	}
}

// Run follows the trail, and looks at the sources, until ctx ends.
func (r *Rollout) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.again(ctx, followEvery, "follow the policy in force", r.follow) })
	group.Go(func() error { return r.again(ctx, r.Source.Every(), "look for policy", r.look) })
	group.Go(func() error { return r.shadow.run(ctx) })
	group.Go(func() error { return r.engine.slow.run(ctx) })
	if r.Shadow != nil {
		group.Go(func() error { return r.again(ctx, r.Shadow.Every(), "look for the shadow policy", r.lookAside) })
	}
	return group.Wait()
}

// again does something each so often, and what fails sooner. What fails is said once, until it is another failure or none.
func (r *Rollout) again(ctx context.Context, every time.Duration, what string, do func(context.Context) error) error {
	said := ""
	for {
		err, wait := do(ctx), every
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil, errors.Is(err, errUnsettled):
			said = ""
		default:
			wait = min(every, retryEvery)
			if err.Error() != said {
				said = err.Error()
				r.Log.Warn("could not "+what+", will try again", "error", err)
			}
		}
		if !clock.Sleep(ctx, wait) {
			return nil
		}
	}
}

func (r *Rollout) current() *state {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

func (r *Rollout) unfit() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.problem != nil
}

// read reads the trail, and takes it over.
func (r *Rollout) read(ctx context.Context) (*state, error) {
	trail, err := r.Trail.Trail(ctx, TrailName)
	if err != nil {
		return nil, err
	}
	now, err := fold(trail)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	changed := now.seq > r.state.seq
	if changed {
		r.state = now
	}
	r.mu.Unlock()
	if changed {
		r.Changed()
	}
	return now, nil
}

// append writes an entry after those of a state.
func (r *Rollout) append(ctx context.Context, after *state, kind, who, text string, d detail) error {
	body, err := marshal(d)
	if err != nil {
		return err
	}
	entry := ledger.TrailEntry{Kind: kind, At: r.Clock().UTC(), Who: who, Text: text, Detail: body}
	if _, err := r.Trail.AppendTrail(ctx, TrailName, after.seq, entry); err != nil {
		return fmt.Errorf("record that policy is %s: %w", kind, err)
	}
	return nil
}
