package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/policies/rego"
)

const (
	maxProblems = 16 << 10 // bytes of the problems that are recorded
	maxRaces    = 10       // times that others may be faster than one offer
)

// look deals with what the source holds, once.
func (r *Rollout) look(ctx context.Context) error {
	found, err := r.Source.Look(ctx)
	var unfit *UnfitError
	switch {
	case errors.As(err, &unfit):
		return r.deal(ctx, unfit.sum(), func(now *state) error {
			return r.turnDown(ctx, now, Offer{Digest: unfit.Digest, Source: unfit.Source, Replica: r.Replica}, err)
		})
	case err != nil:
		r.mu.Lock()
		r.waiting = err
		r.mu.Unlock()
		return err
	}
	return r.deal(ctx, found.Policy.Digest(), func(now *state) error { return r.offer(ctx, now, found) })
}

// deal does what is to be done about what a source holds, and again where somebody else was faster, unless the last thing that was done in
// this life has the same sum.
func (r *Rollout) deal(ctx context.Context, sum string, do func(now *state) error) error {
	r.mu.Lock()
	done := r.handled == sum
	r.mu.Unlock()
	if done {
		return nil
	}
	for range maxRaces {
		now, err := r.read(ctx)
		if err == nil {
			err = do(now)
		}
		if errors.Is(err, ledger.ErrLost) {
			continue
		}
		if err != nil {
			return err
		}
		r.mu.Lock()
		r.handled, r.waiting = sum, nil
		r.mu.Unlock()
		return r.follow(ctx)
	}
	return fmt.Errorf("offer what the source holds: others were faster %d times", maxRaces)
}

// offer brings a candidate into force, has it held, or refuses it. What this replica offered before is not offered again.
func (r *Rollout) offer(ctx context.Context, now *state, c Candidate) error {
	o := Offer{c.Policy.Revision(), c.Policy.Digest(), c.Source, c.Author, c.Signed, r.Replica}
	if now.offered[r.Replica] == o.Digest {
		r.isWell()
		return nil
	}
	rules, pack, err := r.prepare(ctx, c.Policy)
	if errors.Is(err, events.ErrUnavailable) || err != nil && ctx.Err() != nil {
		return err
	}
	if err != nil {
		return r.turnDown(ctx, now, o, err)
	}
	r.mu.Lock()
	r.compiled = rules
	r.mu.Unlock()
	err = r.place(ctx, now, o, rules, pack)
	if owes := (*OwedError)(nil); errors.As(err, &owes) {
		return r.turnDown(ctx, now, o, err)
	}
	if err != nil {
		return err
	}
	r.isWell()
	return nil
}

// Check says what is wrong with a policy that cannot be used at all: it does not compile, a test of its own fails, or it owes an answer to a
// question. Nothing comes of it.
func (r *Rollout) Check(ctx context.Context, p rego.Policy) error {
	_, _, err := r.prepare(ctx, p)
	return err
}

// prepare finds out whether a candidate can be used at all.
func (r *Rollout) prepare(ctx context.Context, p rego.Policy) (*rego.Rules, []byte, error) {
	rules, err := rego.Compile(p, rego.Options{Responders: r.Responders})
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(r.Tester.Test(ctx, p), try(ctx, rules.Trial(), r.reference)); err != nil {
		return nil, nil, err
	}
	pack, err := p.Pack()
	return rules, pack, err
}

// place writes down what becomes of a candidate that can be used.
func (r *Rollout) place(ctx context.Context, now *state, o Offer, rules *rego.Rules, pack []byte) error {
	if now.inForce.is(o.Revision) || now.held.is(o.Revision) {
		text := fmt.Sprintf("%s of %s holds policy %s, which is known already", o.Source, o.Replica, o.Revision)
		return r.append(ctx, now, entryOffered, r.Replica, text, detail{Offer: o})
	}
	kind, text, report, err := r.verdictOn(ctx, now, o, rules)
	if err != nil {
		return err
	}
	d := detail{Offer: o, Report: report}
	if err := r.keep(ctx, now, o.Revision, pack); err != nil {
		return err
	}
	if err := r.append(ctx, now, kind, r.Replica, text, d); err != nil {
		return err
	}
	r.Log.Info("policy offered", "revision", o.Revision, "source", o.Source, "author", o.Author, "outcome", kind, "why", text)
	return nil
}

// verdictOn says what is to become of a candidate, and why.
func (r *Rollout) verdictOn(ctx context.Context, now *state, o Offer, rules *rego.Rules) (kind, text string, report *Report, err error) {
	held := fmt.Sprintf("policy %s of %s is held until %s: ", o.Revision, o.Source, o.Awaits())
	if now.inForce == nil {
		stored, err := r.Packs.Policies(ctx)
		if err == nil && slices.ContainsFunc(stored, func(revision string) bool { return revision != o.Revision }) {
			return entryHeld, held + "nothing says what was in force before, and other policies are stored", nil, nil
		}
		return entryInForce, fmt.Sprintf("policy %s of %s is in force: it is the first", o.Revision, o.Source), nil, err
	}
	if report, err = r.against(ctx, now.inForce.Revision, rules); err != nil {
		return "", "", nil, err
	}
	if report.looser() {
		return entryHeld, held + report.String(), report, nil
	}
	return entryInForce, fmt.Sprintf("policy %s of %s is in force: nothing gets looser (%s)", o.Revision, o.Source, report), report, nil
}

// against judges a candidate by the policy in force. Where that one cannot be used here, it denies everything, as it does when it counts.
func (r *Rollout) against(ctx context.Context, inForce string, candidate *rego.Rules) (*Report, error) {
	was, err := r.rules(ctx, inForce)
	switch {
	case errors.Is(err, events.ErrUnavailable), err != nil && ctx.Err() != nil:
		return nil, err
	case err != nil:
		return r.judge(ctx, newEngine(r.Log, r.Changed), candidate)
	}
	return r.judge(ctx, was, candidate)
}

// keep stores a pack. Where there is no room, those that nobody needs any more make it.
func (r *Rollout) keep(ctx context.Context, now *state, revision string, pack []byte) error {
	err := r.Packs.StorePolicy(ctx, revision, pack)
	if err == nil || now.inForce == nil {
		return err
	}
	needed := []string{now.inForce.Revision, revision}
	if now.held != nil {
		needed = append(needed, now.held.Revision)
	}
	if tidied := r.Packs.KeepPolicies(ctx, needed...); tidied != nil {
		return errors.Join(err, tidied)
	}
	return r.Packs.StorePolicy(ctx, revision, pack)
}

// turnDown refuses what the source holds, with all that is wrong with it. What is in force stays.
func (r *Rollout) turnDown(ctx context.Context, now *state, o Offer, why error) error {
	found := &Refusal{Offer: o, At: r.Clock().UTC(), Problems: problemsOf(why)}
	if !now.refusal[o.Digest] {
		text := fmt.Sprintf("what %s of %s holds is refused: %s", o.Source, o.Replica, found.Problems[0])
		if err := r.append(ctx, now, entryRefused, r.Replica, text, detail{Offer: o, Problems: found.Problems}); err != nil {
			return err
		}
	}
	r.mu.Lock()
	r.problem = found
	r.refusals++
	r.mu.Unlock()
	r.Log.Error("policy refused, what is in force stays", "source", o.Source, "problems", why.Error())
	r.Changed()
	return nil
}

// isWell says that what the source holds can be used.
func (r *Rollout) isWell() {
	r.mu.Lock()
	was := r.problem
	r.problem = nil
	r.mu.Unlock()
	if was != nil {
		r.Log.Info("what the policy source holds can be used again", "source", was.Source)
		r.Changed()
	}
}

// problemsOf are the lines of an error, as many as are recorded.
func problemsOf(err error) []string {
	var all []string
	left := maxProblems
	for line := range strings.Lines(err.Error()) {
		if left -= len(line); left < 0 {
			return append(all, "and more: see salvor policy check")
		}
		all = append(all, strings.TrimSuffix(line, "\n"))
	}
	if len(all) == 0 {
		return []string{"it says nothing about what is wrong"}
	}
	return all
}

func marshal(d detail) (json.RawMessage, error) {
	body, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("render an entry of the trail: %w", err)
	}
	return body, nil
}
