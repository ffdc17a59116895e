package incident

import (
	"slices"

	"github.com/salvor-io/salvor/policies"
)

// Lacks is what ballots leave open of what was asked. Nothing is open when People is 0.
type Lacks struct {
	Needs  []policies.Need // with the votes that are missing
	People int             // so many more people have to approve, at least
}

// Lacking is what the ballots that approve leave open of an ask. Each person counts once, and for one need: who is on call and an owner
// can be either, whichever is needed. People whom nothing asks do not count.
func Lacking(asks policies.Asks, ballots []Ballot) Lacks {
	s := seating{needs: asks.Needs}
	for _, b := range ballots {
		if b.Says == Approve && asked(asks, b) && !slices.ContainsFunc(s.people, b.samePerson) {
			s.people = append(s.people, b)
		}
	}
	var out Lacks
	for n, need := range asks.Needs {
		left := need
		for range need.Votes {
			s.at = append(s.at, n)
			s.by = append(s.by, nobody)
			if s.fill(len(s.at)-1, make([]bool, len(s.people))) {
				left.Votes--
			}
		}
		if left.Votes > 0 {
			out.Needs = append(out.Needs, left)
			out.People += left.Votes
		}
	}
	out.People = max(out.People, asks.Votes-len(s.people))
	return out
}

// asked says whether who cast a ballot is one of those that are asked.
func asked(asks policies.Asks, b Ballot) bool { return slices.ContainsFunc(asks.Needs, b.speaksFor) }

// seating gives each vote that is asked for a person of its own: a matching, found by augmenting paths. What was once seated stays
// seated, though not always by the same person.
type seating struct {
	needs  []policies.Need
	people []Ballot
	at     []int // the need of each seat
	by     []int // who sits there, by their place among people, or nobody
}

const nobody = -1

// fill seats somebody, where those who sit already may change their seats. Tried are the people who were looked at.
func (s *seating) fill(seat int, tried []bool) bool {
	for p, b := range s.people {
		if tried[p] || !b.speaksFor(s.needs[s.at[seat]]) {
			continue
		}
		tried[p] = true
		if now := slices.Index(s.by, p); now < 0 || s.fill(now, tried) {
			s.by[seat] = p
			return true
		}
	}
	return false
}
