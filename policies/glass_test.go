package policies

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// unarmed is an engine without any policy.
type unarmed struct{}

func (unarmed) Ask(context.Context, Question) (Said, error) {
	return Said{}, fmt.Errorf("the bundle is gone: %w", ErrNone)
}

// TestBreakable: a plan may be let run without policy where that is all that holds it back.
func TestBreakable(t *testing.T) {
	for name, c := range map[string]struct {
		engine             Engine
		change             func(*Question)
		missing, breakable bool
	}{
		"no policy at all":      {unarmed{}, func(*Question) {}, true, true},
		"mode ask":              {unarmed{}, func(q *Question) { q.Mode = ModeAsk }, true, true},
		"the engine fails once": {broken{}, func(*Question) {}, false, false},
		"mode suggest":          {unarmed{}, func(q *Question) { q.Mode = ModeSuggest }, true, false},
		"paused":                {unarmed{}, func(q *Question) { q.Pauses = []Pause{{Owner: "bob", Until: q.Now.Add(time.Hour)}} }, true, false},
		"the zone is full":      {unarmed{}, func(q *Question) { q.InFlight.Zones["a"] = 1 }, true, false},
		"a person is at work": {unarmed{}, func(q *Question) {
			q.View.AtWork = []AtWork{{Who: "bob", What: "cordoned it", Target: "node/worker-1"}}
		}, true, false},
		"a person is asked about": {unarmed{}, func(q *Question) { q.About = AboutAuthorize; q.Mode = ModeObserve }, true, true},
	} {
		q := calm()
		c.change(&q)
		got, err := Judge{c.engine}.Decide(t.Context(), q)
		if err == nil || got.Verdict != Deny || got.Missing() != c.missing || got.Breakable() != c.breakable {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if d := Settle(Said{Deny: []Reason{{Text: "no", Rule: withoutPolicy}}}, calm()); d.Missing() {
		t.Error("a rule counts as the want of rules")
	}
}
