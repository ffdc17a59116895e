package rollout

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/policies/rego"
)

// errWaits says that the fleet has had no policy yet.
var errWaits = errors.New("no policy is in force yet")

// unusable is a revision that this version cannot use, and why.
type unusable struct {
	revision string
	why      error
}

// follow takes over what the trail says now. Where the trail is there and cannot be read, it is not known what is in force.
func (r *Rollout) follow(ctx context.Context) error {
	r.following.Lock()
	defer r.following.Unlock()
	end, err := r.Trail.TrailEnd(ctx, TrailName)
	if err == nil && end != r.current().seq {
		_, err = r.read(ctx)
	}
	if err != nil {
		if !errors.Is(err, events.ErrUnavailable) && ctx.Err() == nil {
			r.refuse(err)
		}
		return err
	}
	now := r.current()
	return errors.Join(r.adopt(ctx, now), r.shadowHeld(ctx, now))
}

// adopt makes the engine decide by the revision in force. Where that is not to be had it decides by nothing; only while the store does not
// answer does it go on as before, since nothing can be recorded then either.
func (r *Rollout) adopt(ctx context.Context, now *state) error {
	switch {
	case now.inForce == nil:
		r.refuse(r.nothingYet())
		return nil
	case r.engine.revision() == now.inForce.Revision:
		return nil
	case r.broken.revision == now.inForce.Revision:
		return r.broken.why
	}
	rules, err := r.rules(ctx, now.inForce.Revision)
	if errors.Is(err, events.ErrUnavailable) || err != nil && ctx.Err() != nil {
		return err
	}
	if err != nil {
		why := fmt.Errorf("policy %s is in force and cannot be used here: %w", now.inForce.Revision, err)
		if r.refuse(why); !errors.Is(err, ledger.ErrNotFound) {
			r.broken = unusable{now.inForce.Revision, why}
		}
		return why
	}
	r.engine.use(rules, r.Clock())
	r.Log.Info("policy in force", "revision", rules.Revision(), "source", now.inForce.Source, "author", now.inForce.Author, "by", now.inForce.By)
	r.Changed()
	return nil
}

// refuse has the engine decide nothing, and says so once. That a start still waits for its first policy is not worth saying.
func (r *Rollout) refuse(why error) {
	before := r.engine.Well()
	r.engine.refuse(why)
	if errors.Is(why, errWaits) {
		return
	}
	if now := r.engine.Well(); before == nil || before.Error() != now.Error() {
		r.Log.Error("no policy can be used, so nothing is decided; alerts are taken in", "error", why)
		r.Changed()
	}
}

// nothingYet is why a fleet has no policy in force.
func (r *Rollout) nothingYet() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.problem != nil:
		return fmt.Errorf("no policy is in force yet, and that of %s is refused: %s", r.problem.Source, r.problem.Problems[0])
	case r.waiting != nil:
		return fmt.Errorf("%w: %w", errWaits, r.waiting)
	}
	return errWaits
}

// rules are the compiled rules of a revision: those of the candidate that was compiled last, or those of the store.
func (r *Rollout) rules(ctx context.Context, revision string) (*rego.Rules, error) {
	r.mu.Lock()
	known := r.compiled
	r.mu.Unlock()
	if known != nil && known.Revision() == revision {
		return known, nil
	}
	policy, err := r.stored(ctx, revision)
	if err != nil {
		return nil, err
	}
	return rego.Compile(policy, rego.Options{Taken: true})
}

// stored is the policy of a revision as the store has it.
func (r *Rollout) stored(ctx context.Context, revision string) (rego.Policy, error) {
	pack, err := r.Packs.Policy(ctx, revision)
	if err != nil {
		return rego.Policy{}, err
	}
	policy, err := rego.Unpack(ctx, pack)
	if err == nil && policy.Revision() != revision {
		err = fmt.Errorf("what is stored as policy %s is policy %s", revision, policy.Revision())
	}
	return policy, err
}

// Written are the files of the policy in force that people wrote; nil when it is the shipped one alone, or there is none.
func (r *Rollout) Written(ctx context.Context) (fs.FS, error) {
	now := r.current().inForce
	if now == nil {
		return nil, nil
	}
	policy, err := r.stored(ctx, now.Revision)
	if err != nil {
		return nil, err
	}
	if sources := policy.Sources(); len(sources) > 1 {
		return sources[len(sources)-1].Files, nil
	}
	return nil, nil
}

// shadowHeld has the held policy asked beside the one in force.
func (r *Rollout) shadowHeld(ctx context.Context, now *state) error {
	switch {
	case now.held == nil:
		r.shadow.drop(shadowHeld)
		return nil
	case r.shadow.tries(shadowHeld) == now.held.Revision:
		return nil
	}
	rules, err := r.rules(ctx, now.held.Revision)
	if errors.Is(err, events.ErrUnavailable) || err != nil && ctx.Err() != nil {
		return err
	}
	r.shadow.try(shadowHeld, now.held.Revision, rules, err)
	return err
}

// lookAside has what the shadow's source holds asked beside the one in force.
func (r *Rollout) lookAside(ctx context.Context) error {
	found, err := r.Shadow.Look(ctx)
	var unfit *UnfitError
	switch {
	case errors.As(err, &unfit):
		r.shadow.try(shadowConfigured, "", nil, err)
		return err
	case err != nil:
		return err
	case r.shadow.tries(shadowConfigured) == found.Policy.Revision():
		return nil
	}
	rules, err := rego.Compile(found.Policy, rego.Options{})
	r.shadow.try(shadowConfigured, found.Policy.Revision(), rules, err)
	return err
}
