package policies

import (
	"fmt"
	"slices"
	"strings"
)

// Combine turns what the authors' rules said into one verdict. The table, strictest first:
//
//	any deny                 -> deny, with every reason
//	else any ask             -> ask, the strictest merge of all asks
//	else any act             -> act
//	else any ask "otherwise" -> ask, the strictest merge of those
//	else                     -> ask one person: nobody spoke
//
// By asks "otherwise" the shipped rules say who is asked about everything, and an act of the user's own still acts.
func Combine(s Said) Decision {
	d := Decision{Revision: s.Revision, Reasons: []Reason{}, Held: []Reason{}}
	asks, otherwise := s.asks()
	switch {
	case len(s.Deny) > 0:
		d.Verdict, d.Reasons = Deny, slices.Clone(s.Deny)
	case len(asks) > 0:
		return d.asking(asks)
	case len(s.Act) > 0:
		d.Verdict, d.Reasons = Act, slices.Clone(s.Act)
	case len(otherwise) > 0:
		return d.asking(otherwise)
	default:
		d.Verdict, d.Asks = Ask, anyone()
		d.Reasons = append(d.Reasons, Reason{Text: "no rule speaks about this, so a person is asked", Rule: "combine"})
	}
	return d
}

// asks are the asks that count in any case, and those that count where no rule speaks otherwise.
func (s Said) asks() (always, otherwise []AskRule) {
	for _, ask := range s.Ask {
		if ask.Otherwise {
			otherwise = append(otherwise, ask)
		} else {
			always = append(always, ask)
		}
	}
	return always, otherwise
}

// asking is the decision that asks what all of some asks ask.
func (d Decision) asking(asks []AskRule) Decision {
	d.Verdict, d.Asks = Ask, mergeAsks(asks)
	for _, ask := range asks {
		d.Reasons = append(d.Reasons, ask.Reason)
	}
	return d
}

// whom are the people to ask where the rules did not ask: those that they name for that, or else anyone who may approve.
func (s Said) whom() *Asks {
	if _, otherwise := s.asks(); len(otherwise) > 0 {
		return mergeAsks(otherwise)
	}
	return anyone()
}

func anyone() *Asks {
	return &Asks{Needs: []Need{{Groups: []string{}, Votes: 1, EscalateTo: []string{}}}, Votes: 1, OnTimeout: "expire", EscalateTo: []string{}}
}

// mergeAsks merges so that meeting the result meets each ask: for each set of groups the most votes, the shortest time, and
// expiry wins over escalation only when nobody asked to escalate.
func mergeAsks(asks []AskRule) *Asks {
	out := &Asks{OnTimeout: "expire", EscalateTo: []string{}}
	for _, ask := range asks {
		out.need(ask)
		if ask.WithinS > 0 && (out.WithinS == 0 || ask.WithinS < out.WithinS) {
			out.WithinS = ask.WithinS
		}
		if ask.OnTimeout == "escalate" {
			out.OnTimeout = "escalate"
		}
		out.EscalateTo = append(out.EscalateTo, ask.EscalateTo...)
	}
	out.EscalateTo = sorted(out.EscalateTo)
	slices.SortFunc(out.Needs, func(a, b Need) int { return slices.Compare(a.Groups, b.Groups) })
	return out
}

func (a *Asks) need(ask AskRule) {
	groups, others := sorted(ask.Groups), sorted(ask.EscalateTo)
	votes := max(ask.Votes, 1)
	a.Votes = max(a.Votes, votes)
	for i := range a.Needs {
		if need := &a.Needs[i]; slices.Equal(need.Groups, groups) {
			need.Votes = max(need.Votes, votes)
			need.EscalateTo = sorted(append(need.EscalateTo, others...))
			return
		}
	}
	a.Needs = append(a.Needs, Need{Groups: groups, Votes: votes, EscalateTo: others})
}

func sorted(names []string) []string {
	out := append([]string{}, names...)
	slices.Sort(out)
	return slices.Compact(out)
}

// tightened is a decision on its way through what can only tighten it, with whom to ask where the rules did not ask.
type tightened struct {
	Decision
	whom *Asks
}

// askAtLeast asks at least so many people, and says why, also to those who are asked anyway.
func (d tightened) askAtLeast(votes int, why Reason) tightened {
	if d.Verdict == Deny {
		return d
	}
	asks := *d.whom
	if d.Verdict == Ask && d.Asks != nil {
		asks = *d.Asks
	}
	asks.Votes = max(asks.Votes, votes)
	d.Verdict, d.Asks = Ask, &asks
	d.Reasons = append(slices.Clone(d.Reasons), why)
	return d
}

// byClass holds that destructive plans ask one person and irreversible ones two.
func (d tightened) byClass(class Class) tightened {
	switch {
	case class == Destructive && !d.asks(1):
		return d.askAtLeast(1, Reason{"the plan is destructive: one person is asked", "class"})
	case class >= Irreversible && !d.asks(2):
		return d.askAtLeast(2, Reason{"the plan is irreversible: two people are asked", "class"})
	}
	return d
}

// asks says whether so many people are asked already.
func (d Decision) asks(votes int) bool {
	return d.Verdict == Ask && d.Asks != nil && d.Asks.Votes >= votes
}

// bySource holds that two people are asked about a zone or a region that one source alone says is lost: it may be the source that is
// broken. What was done about it is taken back whoever said so.
func (d tightened) bySource(q Question) tightened {
	f := q.Fault
	if q.undoing() || !f.Single || f.Kind != "zone" && f.Kind != "region" {
		return d
	}
	return d.askAtLeast(2, Reason{fmt.Sprintf("one source alone says that %s is lost: two people are asked", f.Anchor), "single source"})
}

// byUnknown holds that nothing acts by itself on facts that are not known.
func (d tightened) byUnknown(q Question) tightened {
	if len(q.Unknown) == 0 {
		return d
	}
	const most = 3
	facts := strings.Join(q.Unknown[:min(most, len(q.Unknown))], ", ")
	if more := len(q.Unknown) - most; more > 0 {
		facts += fmt.Sprintf(" and %d more", more)
	}
	if len(q.View.Blind) > 0 {
		return d.askAtLeast(1, Reason{fmt.Sprintf("what tells of %s does not see now; not known: %s", strings.Join(q.View.Blind, ", "), facts), "unknown"})
	}
	return d.askAtLeast(1, Reason{"not known: " + facts, "unknown"})
}

// byMode holds the mode: observe and suggest never act, ask never acts alone.
func (d tightened) byMode(mode Mode) tightened {
	switch mode {
	case ModeAct:
		return d
	case ModeAsk:
		if d.Verdict == Act {
			d.Verdict, d.Asks = Ask, d.whom
			d.Held = append(slices.Clone(d.Held), Reason{"the mode is ask: a person is asked first", "mode"})
		}
		return d
	}
	return d.hold(Reason{fmt.Sprintf("the mode is %s: nothing is done", mode), "mode"})
}

// hold denies for a reason that lies outside the authors' rules.
func (d tightened) hold(why Reason) tightened {
	d.Verdict, d.Asks = Deny, nil
	d.Held = append(slices.Clone(d.Held), why)
	return d
}
