package policies

import "slices"

// Change says how a decision differs from another about the same question.
type Change int

// The changes. What is looser in anything is Looser, whatever else is tighter.
const (
	Same Change = iota
	Tighter
	Looser
)

var changeNames = [...]string{"same", "tighter", "looser"}

func (c Change) String() string { return nameOf(changeNames[:], int(c)) }

// MarshalText writes the change as people read it.
func (c Change) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (c *Change) UnmarshalText(text []byte) error {
	return parseName(changeNames[:], "change", text, (*int)(c))
}

// Compare says how one decision differs from what was decided of the same question before. Looser is a higher verdict, now or but for
// what is unknown, the mode and the brakes; and of two that ask: fewer votes, somebody who need not be asked any more, more time to
// answer, and more people who are asked when nobody does. Sentences make no difference.
func Compare(was, is Decision) Change {
	switch {
	case looser(was, is):
		return Looser
	case looser(is, was):
		return Tighter
	}
	return Same
}

func looser(was, is Decision) bool {
	if is.Verdict > was.Verdict || is.Would > was.Would {
		return true
	}
	return is.Verdict == Ask && was.Verdict == Ask && was.Asks != nil && (is.Asks == nil || was.Asks.losesIn(*is.Asks))
}

// losesIn says whether consent is easier to be had by others.
func (a Asks) losesIn(is Asks) bool {
	if is.Votes < a.Votes || a.WithinS > 0 && (is.WithinS == 0 || is.WithinS > a.WithinS) {
		return true
	}
	if slices.ContainsFunc(a.Needs, func(n Need) bool { return !is.meets(n) }) {
		return true
	}
	return is.OnTimeout == "escalate" && (a.OnTimeout != "escalate" || !containsAll(a.EscalateTo, is.EscalateTo))
}

// meets says whether whoever consents to a has consented to a need, too.
func (a Asks) meets(n Need) bool {
	if len(n.Groups) == 0 {
		return a.Votes >= n.Votes
	}
	return slices.ContainsFunc(a.Needs, func(own Need) bool {
		return len(own.Groups) > 0 && own.Votes >= n.Votes && containsAll(n.Groups, own.Groups) && containsAll(n.EscalateTo, own.EscalateTo)
	})
}

func containsAll(all, some []string) bool {
	return !slices.ContainsFunc(some, func(one string) bool { return !slices.Contains(all, one) })
}
