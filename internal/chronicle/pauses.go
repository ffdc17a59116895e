package chronicle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/policies"
)

// PausesTrail is the trail of the pauses.
const PausesTrail = "pauses"

const sayWithin = time.Second // a person waits for it, while the pause holds already

// The kinds of entry in the trail of the pauses. One that ends by its time has none.
const (
	KindPause  = "pause"
	KindResume = "resume"
)

// Switches are the pauses themselves, with the promises of package ledger.
type Switches interface {
	Pauses(ctx context.Context) ([]policies.Pause, error)
	SetPause(ctx context.Context, p policies.Pause) error
	EndPause(ctx context.Context, scope policies.Pause) error
}

// Pauses sets and ends pauses, and records both. It is safe for concurrent use.
type Pauses struct {
	Switches
	trails Trails
	log    *slog.Logger

	odd []policies.Pause // what the last look found in one place alone; only Run looks

	mu     sync.Mutex
	enders map[policies.Pause]string // who ended the pause of a scope, where that is not recorded yet
}

// NewPauses makes pauses that are recorded.
func NewPauses(of Switches, trails Trails, log *slog.Logger) *Pauses {
	return &Pauses{Switches: of, trails: trails, log: log, enders: map[policies.Pause]string{}}
}

// SetPause throws a switch in the name of its owner, and then records that. The error is that of the switch: a pause holds also where
// it cannot be recorded, which is made up for by Run of any replica.
func (p *Pauses) SetPause(ctx context.Context, pause policies.Pause) error {
	if err := p.Switches.SetPause(ctx, pause); err != nil {
		return err
	}
	p.say(ctx, pause, p.set(pause))
	return nil
}

// EndPause ends the pause of a scope in the name of its owner, and then records that, as SetPause does.
func (p *Pauses) EndPause(ctx context.Context, scope policies.Pause) error {
	if err := p.Switches.EndPause(ctx, scope); err != nil {
		return err
	}
	p.mu.Lock()
	p.enders[place(scope)] = scope.Owner
	p.mu.Unlock()
	p.say(ctx, scope, p.ended(scope))
	return nil
}

// due is the entry that is to be appended, given the pauses that the trail knows; nil where there is none.
type due func(known []policies.Pause) *ledger.TrailEntry

func (p *Pauses) set(pause policies.Pause) due {
	return func(known []policies.Pause) *ledger.TrailEntry {
		if slices.ContainsFunc(known, func(k policies.Pause) bool { return same(k, pause) }) {
			return nil
		}
		return entry(KindPause, pause.Owner, pause, fmt.Sprintf("%s paused %s until %s: %s", pause.Owner, pause.Scope(), pause.Until.UTC().Format(time.RFC3339), pause.Reason))
	}
}

func (p *Pauses) ended(scope policies.Pause) due {
	return func(known []policies.Pause) *ledger.TrailEntry {
		at := slices.IndexFunc(known, func(k policies.Pause) bool { return place(k) == place(scope) })
		p.mu.Lock()
		who := p.enders[place(scope)]
		p.mu.Unlock()
		if at < 0 && who == "" {
			return nil
		}
		if who == "" {
			who = "somebody"
		}
		return entry(KindResume, who, place(scope), fmt.Sprintf("%s ended the pause of %s", who, scope.Scope()))
	}
}

func entry(kind, who string, pause policies.Pause, text string) *ledger.TrailEntry {
	detail, _ := json.Marshal(pause) // texts and times, which have been checked
	return &ledger.TrailEntry{Kind: kind, At: time.Now().UTC(), Who: who, Text: text, Detail: detail}
}

// say records within a second, or says why not.
func (p *Pauses) say(ctx context.Context, scope policies.Pause, of due) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sayWithin)
	defer cancel()
	if err := p.append(ctx, scope, of); err != nil {
		p.log.Warn("a pause that was set or ended is not recorded yet", "scope", scope.Scope(), "person", scope.Owner, "error", err)
	}
}

// append records what is due, and forgets who ended the pause of a scope once that is recorded.
func (p *Pauses) append(ctx context.Context, scope policies.Pause, of due) error {
	for range attempts {
		entries, err := p.trails.Trail(ctx, PausesTrail)
		if err != nil {
			return err
		}
		e := of(held(entries))
		if e == nil {
			return nil
		}
		_, err = p.trails.AppendTrail(ctx, PausesTrail, endOf(entries), *e)
		if errors.Is(err, ledger.ErrLost) {
			continue
		}
		if err == nil {
			p.mu.Lock()
			delete(p.enders, place(scope))
			p.mu.Unlock()
		}
		return err
	}
	return ledger.ErrLost
}

// held are the pauses that a trail leads to, also those whose time is over.
func held(entries []ledger.Placed) []policies.Pause {
	var out []policies.Pause
	for _, e := range entries {
		var pause policies.Pause
		if json.Unmarshal(e.Detail, &pause) != nil {
			continue
		}
		out = slices.DeleteFunc(out, func(k policies.Pause) bool { return place(k) == place(pause) })
		if e.Kind == KindPause {
			out = append(out, pause)
		}
	}
	return out
}

// place is the scope of a pause and nothing else.
func place(p policies.Pause) policies.Pause {
	return policies.Pause{Cluster: p.Cluster, Kind: p.Kind, Target: p.Target}
}

func same(a, b policies.Pause) bool {
	return place(a) == place(b) && a.Owner == b.Owner && a.Reason == b.Reason && a.Since.Equal(b.Since) && a.Until.Equal(b.Until)
}
