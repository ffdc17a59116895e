package ledger

import (
	"context"
	"fmt"
	"slices"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

// maxLocks bounds the targets that one intent can lock anew: an atomic batch takes a thousand messages.
const maxLocks = 900

// Claim is what an intent takes. What the incident holds already costs nothing and is not asked for again.
type Claim struct {
	Targets []policies.Target // to be locked
	Entries []Entry           // to be counted
	// Admit says why the entries may not be taken, or nil. It is given what all other incidents hold, is called only when
	// there are entries to take, and more than once when the budget changes meanwhile. Nil admits everything.
	Admit func(others Budget) error
}

// lock says who holds a target.
type lock struct {
	signature
	Target   string      `json:"target"`
	Incident incident.ID `json:"incident,omitempty"` // empty when nobody does
}

// AppendIntent appends an Intent as Append does, in one atomic batch with the locks of its targets and the budget. Either all
// of it is stored or nothing. It returns a *TargetHeldError when another incident holds a target, and ErrOverBudget with the
// reason when Admit does not admit the entries.
func (l *Ledger) AppendIntent(ctx context.Context, inc *incident.Incident, rec incident.Record, claim Claim) (uint64, error) {
	seq, err := l.appendWith(ctx, inc, rec, func(ctx context.Context, now Budget) (change, error) {
		return l.take(ctx, inc, claim, now)
	})
	if err != nil {
		return 0, fmt.Errorf("append %s to incident %s: %w", rec.Kind, inc.ID, err)
	}
	return seq, nil
}

// take finds what has to be written for the claim.
func (l *Ledger) take(ctx context.Context, inc *incident.Incident, claim Claim, now Budget) (change, error) {
	cluster := inc.Key.Cluster
	mine := now.Of(inc.ID)
	mine.Cluster = cluster
	targets, err := freeTargets(now, inc, claim.Targets)
	if err != nil {
		return change{}, err
	}
	entries := slices.DeleteFunc(slices.Clone(claim.Entries), func(e Entry) bool { return slices.Contains(mine.Entries, e) })
	if len(entries) > 0 && claim.Admit != nil {
		if err := claim.Admit(now.Without(inc.ID)); err != nil {
			return change{}, fmt.Errorf("%w: %w", ErrOverBudget, err)
		}
	}
	if len(targets)+len(entries) == 0 {
		return change{}, nil
	}
	locks, err := l.lockWrites(ctx, cluster, targets, inc.ID)
	if err != nil {
		return change{}, err
	}
	mine.Targets = slices.Concat(mine.Targets, targets)
	mine.Entries = slices.Concat(mine.Entries, entries)
	next := now.with(mine)
	return change{&next, locks}, nil
}

// freeTargets are the targets that the incident does not hold yet, each once.
func freeTargets(now Budget, inc *incident.Incident, wanted []policies.Target) ([]string, error) {
	var free []string
	for _, t := range wanted {
		target := t.String()
		switch by := now.Holder(inc.Key.Cluster, target); {
		case by == inc.ID || slices.Contains(free, target):
		case by != "":
			return nil, &TargetHeldError{target, by}
		default:
			free = append(free, target)
		}
	}
	if len(free) > maxLocks {
		return nil, fmt.Errorf("lock %d targets: one step takes at most %d", len(free), maxLocks)
	}
	return free, nil
}

// lockWrites gives each target the holder named, "" being none. The locks are read from any copy: an old one has an old
// sequence, which the write then refuses.
func (l *Ledger) lockWrites(ctx context.Context, cluster string, targets []string, holder incident.ID) ([]write, error) {
	was, err := l.locks(ctx, cluster, targets)
	if err != nil {
		return nil, err
	}
	var writes []write
	for _, target := range targets {
		subject := lockSubject(cluster, target)
		if by := was[subject].Incident; by != "" && by != holder && holder != "" {
			return nil, &TargetHeldError{target, by}
		}
		data, err := document(lock{l.sign(), target, holder})
		if err != nil {
			return nil, err
		}
		writes = append(writes, write{subject, was[subject].seq, data})
	}
	return writes, nil
}

// lockAt is a lock with its sequence.
type lockAt struct {
	lock
	seq uint64
}

// locks reads the locks of the targets, by subject.
func (l *Ledger) locks(ctx context.Context, cluster string, targets []string) (map[string]lockAt, error) {
	var subjects []string
	for _, target := range targets {
		subjects = append(subjects, lockSubject(cluster, target))
	}
	out := map[string]lockAt{}
	if len(subjects) == 0 {
		return out, nil
	}
	found, err := l.direct(ctx, IncidentsStream, query{MultiLast: subjects})
	if err != nil {
		return nil, fmt.Errorf("read locks: %w", err)
	}
	for _, msg := range found {
		at := lockAt{seq: msg.Seq}
		if err := decode(&msg, &at.lock); err != nil {
			return nil, err
		}
		out[msg.Subject] = at
	}
	return out, nil
}
