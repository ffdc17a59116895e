package ledger

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

// Budget is all that plans hold now, of all incidents.
type Budget struct {
	Holdings []Holding `json:"holdings"`

	seq uint64 // of its record, 0 when nothing was ever held
}

// Holding is what one incident holds.
type Holding struct {
	Incident incident.ID `json:"incident"`
	Cluster  string      `json:"cluster"`
	Targets  []string    `json:"targets"` // locked, as people read them: "node/worker-1"
	Entries  []Entry     `json:"entries"` // what counts against the limits
}

// Entry is one node that is being worked on.
type Entry struct {
	Cluster string `json:"cluster"`
	Zone    string `json:"zone"`
	Node    string `json:"node"`
}

// Of is what an incident holds, empty when it holds nothing.
func (b Budget) Of(id incident.ID) Holding {
	for _, h := range b.Holdings {
		if h.Incident == id {
			return h
		}
	}
	return Holding{Incident: id}
}

// Holds says whether an incident holds anything.
func (b Budget) Holds(id incident.ID) bool {
	return slices.ContainsFunc(b.Holdings, func(h Holding) bool { return h.Incident == id })
}

// Without is the budget of all other incidents.
func (b Budget) Without(id incident.ID) Budget {
	b.Holdings = slices.DeleteFunc(slices.Clone(b.Holdings), func(h Holding) bool { return h.Incident == id })
	return b
}

// WithoutEntries is the budget in which an incident counts against no limit any more. Its locks stay.
func (b Budget) WithoutEntries(id incident.ID) Budget {
	mine := b.Of(id)
	mine.Entries = nil
	return b.with(mine)
}

// with is the budget with what one incident holds replaced. A holding of nothing is left out.
func (b Budget) with(h Holding) Budget {
	b = b.Without(h.Incident)
	if len(h.Targets)+len(h.Entries) > 0 {
		b.Holdings = append(b.Holdings, h)
	}
	return b
}

// Holder is the incident that holds a target of a cluster, or "".
func (b Budget) Holder(cluster, target string) incident.ID {
	for _, h := range b.Holdings {
		if h.Cluster == cluster && slices.Contains(h.Targets, target) {
			return h.Incident
		}
	}
	return ""
}

// InFlight counts the nodes of a cluster that are held, as policy sees them, and names those of the targets that are locked.
// Ask it of Without(id), so that an incident does not count itself.
func (b Budget) InFlight(cluster string, targets []policies.Target) policies.InFlight {
	out := policies.InFlight{Zones: map[string]int{}, Targets: []string{}}
	seen := map[Entry]bool{}
	for _, h := range b.Holdings {
		for _, e := range h.Entries {
			if e.Cluster == cluster && !seen[e] {
				seen[e] = true
				out.Cluster++
				out.Zones[e.Zone]++
			}
		}
	}
	for _, t := range targets {
		if b.Holder(cluster, t.String()) != "" {
			out.Targets = append(out.Targets, t.String())
		}
	}
	return out
}

// budgetRecord is the budget as it is stored.
type budgetRecord struct {
	signature
	Budget
}

// Budget reads the budget as it is now.
func (l *Ledger) Budget(ctx context.Context) (Budget, error) {
	msg, err := l.last(ctx, budgetSubject)
	if err != nil {
		return Budget{}, err
	}
	var rec budgetRecord
	if msg != nil {
		if err := decode(msg, &rec); err != nil {
			return Budget{}, fmt.Errorf("read budget: %w", err)
		}
		rec.seq = msg.Seq
	}
	l.known.set(rec.Budget)
	return rec.Budget, nil
}

// KnownBudget is the budget as this process last read or wrote it, empty before that.
func (l *Ledger) KnownBudget() Budget { return l.known.get() }

// knownBudget is what a process knows of the budget. The zero value knows nothing.
type knownBudget struct {
	mu     sync.Mutex
	budget Budget
}

// set takes in what was read or written, unless something later is known.
func (k *knownBudget) set(b Budget) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if b.seq >= k.budget.seq {
		k.budget = b
	}
}

func (k *knownBudget) get() Budget {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.budget
}

// holdsFor says whether what the budget says of an incident is so still, as far as the incident is known: what a living one holds
// is only released with a record of it, and since then there is none but by this writer, who knows what he released.
func (b Budget) holdsFor(inc *incident.Incident, writer string) bool {
	for _, rec := range slices.Backward(inc.History) {
		if rec.Seq <= b.seq {
			break
		}
		if rec.Writer != writer {
			return false
		}
	}
	return true
}
