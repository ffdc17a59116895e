package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

// maxTargets bounds the targets that one incident can hold, so that the budget stays one record.
const maxTargets = 900

// Claim is what a decision to act, and an intent, take. What the incident holds already costs nothing and is not asked for again.
type Claim struct {
	Targets []policies.Target // to be locked
	Entries []Entry           // to be counted
	// Admit says why the entries may not be taken, or nil. It is given what all other incidents hold, is called only when
	// there are entries to take, and more than once when the budget changes meanwhile. Nil admits everything.
	Admit func(others Budget) error
}

// AppendIntent takes what the claim names and then appends an Intent as Append does; beside both it stores what policy was asked and
// what it said, which the record names as its Gate. It returns a *TargetHeldError when another incident holds a target, and
// ErrOverBudget with the reason when Admit does not admit the entries; no record is written then.
//
// After an events.ErrUnavailable the intent may be there without the document: only after nil may anything be done under it. Whoever
// loads the incident sees it, and takes it over with a document of his own.
//
// These are two plain writes and no atomic batch: a server stages the batch of a stream with one copy in a store of its own, which costs
// 5 to 10 ms, where a plain write costs one fsync.
//
// There is no intent without its claim. A claim without its intent, after a loss or a death between the two, is held by the
// incident all the same: whoever makes its next move needs it, and its end releases it.
func (l *Ledger) AppendIntent(ctx context.Context, inc *incident.Incident, rec incident.Record, claim Claim, doc any) (seq uint64, err error) {
	d, err := DecisionOf(inc.ID, doc)
	if err == nil {
		err = admits(inc, l.fill(rec, inc.ID, inc.Head))
	}
	if err == nil {
		rec.Gate = &d.Asked
		err = l.keeping(ctx, inc, d, func() (err error) {
			if err = l.claim(ctx, inc, claim); err == nil {
				seq, err = l.AppendClaimed(ctx, inc, rec)
			}
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("append %s to incident %s: %w", rec.Kind, inc.ID, err)
	}
	return seq, nil
}

// AppendClaimed appends a record that has its claim as Append does, and gives that up when somebody else was first and ended the
// work.
func (l *Ledger) AppendClaimed(ctx context.Context, inc *incident.Incident, rec incident.Record) (uint64, error) {
	seq, err := l.Append(ctx, inc, rec)
	if errors.Is(err, ErrLost) {
		return 0, errors.Join(err, l.release(ctx, inc.ID))
	}
	return seq, err
}

// claim takes what the incident does not hold yet, by a compare-and-set of the budget.
func (l *Ledger) claim(ctx context.Context, inc *incident.Incident, claim Claim) error {
	still := func(b Budget) bool { return b.holdsFor(inc, l.opt.Writer) }
	return l.changeBudget(ctx, still, func(now Budget, read bool) (*Budget, error) {
		if !read {
			return now.take(inc, claim)
		}
		return now.Claimed(inc, claim, func(holder incident.ID) bool {
			other, err := l.load(ctx, holder)
			return err == nil && !other.Live()
		})
	})
}

// Claimed is the budget with what the claim names taken for an incident, nil when that holds all of it. It returns a
// *TargetHeldError when another incident holds a target, and ErrOverBudget with the reason when Admit does not admit the entries.
//
// Before it returns an error it asks of the other holders which have ended, and tries again without what those hold: who claims
// for an incident that another replica has just closed, and dies, leaves that behind. A holder that cannot be looked at has not
// ended: it keeps what it holds.
func (b Budget) Claimed(inc *incident.Incident, claim Claim, ended func(incident.ID) bool) (*Budget, error) {
	next, err := b.take(inc, claim)
	if err == nil {
		return next, nil
	}
	clean := b.withoutEnded(inc.ID, ended)
	if len(clean.Holdings) == len(b.Holdings) {
		return nil, err
	}
	if next, err = clean.take(inc, claim); err == nil && next == nil {
		next = &clean
	}
	return next, err
}

// take is the budget with the claim taken, nil when there is nothing to take.
func (b Budget) take(inc *incident.Incident, claim Claim) (*Budget, error) {
	mine := b.Of(inc.ID)
	mine.Cluster = inc.Key.Cluster
	targets, err := b.free(inc, claim.Targets)
	if err != nil {
		return nil, err
	}
	entries := slices.DeleteFunc(slices.Clone(claim.Entries), func(e Entry) bool { return slices.Contains(mine.Entries, e) })
	if len(entries) > 0 && claim.Admit != nil {
		if err := claim.Admit(b.Without(inc.ID)); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrOverBudget, err)
		}
	}
	if len(targets)+len(entries) == 0 {
		return nil, nil
	}
	mine.Targets = slices.Concat(mine.Targets, targets)
	mine.Entries = slices.Concat(mine.Entries, entries)
	if len(mine.Targets) > maxTargets {
		return nil, fmt.Errorf("lock %d targets: one incident holds at most %d", len(mine.Targets), maxTargets)
	}
	next := b.with(mine)
	return &next, nil
}

// free are the targets that the incident does not hold yet, each once.
func (b Budget) free(inc *incident.Incident, wanted []policies.Target) ([]string, error) {
	var free []string
	for _, t := range wanted {
		target := t.String()
		switch by := b.Holder(inc.Key.Cluster, target); {
		case by == inc.ID || slices.Contains(free, target):
		case by != "":
			return nil, &TargetHeldError{target, by}
		default:
			free = append(free, target)
		}
	}
	return free, nil
}

// withoutEnded is the budget without what other incidents hold that have ended.
func (b Budget) withoutEnded(but incident.ID, ended func(incident.ID) bool) Budget {
	clean := b
	for _, h := range b.Without(but).Holdings {
		if ended(h.Incident) {
			clean = clean.Without(h.Incident)
		}
	}
	return clean
}

// GivenUp is said of what a claim had taken whose record was never written.
const GivenUp = "what was claimed for a plan that did not start is given up"

// release gives up what a claim without its record may have left to an incident that is not worked on: its share of the budget,
// and its locks when it has ended. While it is worked on, its claims are those of whoever moves it. What a living incident gives
// up is part of a record, so that who is about to record what he claimed for is refused.
func (l *Ledger) release(ctx context.Context, id incident.ID) error {
	inc, err := l.load(ctx, id)
	if err != nil || inc.Working() {
		return err
	}
	if !inc.Live() {
		return l.changeBudget(ctx, func(Budget) bool { return false }, func(now Budget, _ bool) (*Budget, error) {
			if !now.Holds(id) {
				return nil, nil
			}
			next := now.Without(id)
			return &next, nil
		})
	}
	now, err := l.Budget(ctx)
	if err != nil || len(now.Of(id).Entries) == 0 {
		return err
	}
	_, err = l.AppendReleasing(ctx, inc, incident.Record{Kind: incident.Noted, At: time.Now().UTC(), Text: GivenUp})
	if errors.Is(err, ErrLost) {
		return nil // whoever moved it sees what it holds
	}
	return err
}
