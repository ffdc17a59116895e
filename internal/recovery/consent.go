package recovery

import (
	"reflect"
	"slices"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

// maxRounds is how often people are asked about one fault before a person goes on: once, and twice more because it got worse.
const maxRounds = 3

// worseThanAsked is what of a plan that people are to be asked about goes beyond the one that they were asked about last.
func worseThanAsked(inc *incident.Incident, c candidate) []string {
	if before := inc.AskedAbout(); before != nil && c.plan != nil && c.answer.Verdict == policies.Ask {
		return incident.Worse(c.plan, before)
	}
	return nil
}

// refused says that what people refused, or a part of it, is not to be asked about again. Where a person has refused, nothing else is done
// without asking people either, whatever policy says by now.
func refused(inc *incident.Incident, c candidate, now time.Time) bool {
	if c.plan == nil || c.agreed || c.broken || len(inc.Refused) == 0 {
		return false
	}
	switch c.answer.Verdict {
	case policies.Act:
		return !inc.Approves(c.plan, now) && slices.ContainsFunc(inc.Refused, func(r incident.Refusal) bool { return r.By != "" })
	case policies.Ask:
		return inc.Refuses(c.plan) || inc.State == incident.HandedOver && inc.Rounds >= maxRounds
	}
	return inc.State == incident.HandedOver
}

// asked says that people are asked just that already: the plan is not worse, and nobody else is to be asked.
func asked(inc *incident.Incident, c candidate) bool {
	a := inc.Asking()
	return a != nil && c.answer.Verdict == policies.Ask && !c.agreed && len(c.worse) == 0 && reflect.DeepEqual(*c.answer.Asks, a.Asks)
}

// tooOften says that people would be asked once too often about what gets worse and worse.
func tooOften(inc *incident.Incident, c candidate) bool {
	return len(c.worse) > 0 && inc.Rounds >= maxRounds && inc.State != incident.HandedOver
}

// unanswered says that a step waits for people whom policy asks by now, and nobody can answer that in mid-plan, for longer than they would
// have had.
func (e *Engine) unanswered(inc *incident.Incident, by *obstacle) bool {
	if by.asked == nil || by.asked.Decision.Asks == nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.held[inc.ID]
	return now.rule == by.rule && e.Clock.Now().Sub(now.since) >= incident.Within(*by.asked.Decision.Asks)
}

func nobodyAnswers(by *obstacle) string {
	return "policy asks others by now, who cannot be asked in mid-plan: " + by.why
}
