package incident

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/policies"
)

func yes(person string, groups ...string) Ballot {
	return Ballot{Person: person, Groups: groups, Says: Approve}
}

func TestLacking(t *testing.T) {
	need := func(votes int, groups ...string) policies.Need { return policies.Need{Groups: groups, Votes: votes} }
	asks := func(votes int, needs ...policies.Need) policies.Asks {
		return policies.Asks{Votes: votes, Needs: needs}
	}
	twoKinds := asks(1, need(1, "oncall"), need(1, "owners"))
	for name, c := range map[string]struct {
		asks    policies.Asks
		ballots []Ballot
		want    Lacks
	}{
		"nobody has said anything":        {asks(1, need(1)), nil, Lacks{[]policies.Need{need(1)}, 1}},
		"anyone":                          {asks(1, need(1)), []Ballot{yes("ada")}, Lacks{}},
		"a stranger":                      {asks(1, need(1, "oncall")), []Ballot{yes("ada", "dev")}, Lacks{[]policies.Need{need(1, "oncall")}, 1}},
		"a rejection approves of nothing": {asks(1, need(1)), []Ballot{{Person: "ada", Says: Reject}}, Lacks{[]policies.Need{need(1)}, 1}},
		"one of two":                      {asks(2, need(2, "oncall")), []Ballot{yes("ada", "oncall")}, Lacks{[]policies.Need{need(1, "oncall")}, 1}},
		"the same person twice":           {asks(2, need(2, "oncall")), []Ballot{yes("ada", "oncall"), yes("ada", "oncall")}, Lacks{[]policies.Need{need(1, "oncall")}, 1}},
		"who has changed their name":      {asks(2, need(2)), []Ballot{{Person: "ann", Subject: "s", Says: Approve}, {Person: "anna", Subject: "s", Says: Approve}}, Lacks{[]policies.Need{need(1)}, 1}},
		"two without a subject":           {asks(2, need(2)), []Ballot{yes("ann"), yes("anna")}, Lacks{}},
		"two are asked, one need is met":  {asks(2, need(1, "oncall")), []Ballot{yes("ada", "oncall")}, Lacks{nil, 1}},
		"a stranger is no second person":  {asks(2, need(1, "oncall")), []Ballot{yes("ada", "oncall"), yes("bob", "dev")}, Lacks{nil, 1}},
		"one person is not both":          {twoKinds, []Ballot{yes("ada", "oncall", "owners")}, Lacks{[]policies.Need{need(1, "owners")}, 1}},
		"who is both makes room":          {twoKinds, []Ballot{yes("ada", "oncall", "owners"), yes("bob", "oncall")}, Lacks{}},
		"in whatever order":               {twoKinds, []Ballot{yes("bob", "oncall"), yes("ada", "oncall", "owners")}, Lacks{}},
		"two on call make no owner":       {twoKinds, []Ballot{yes("ada", "oncall"), yes("bob", "oncall")}, Lacks{[]policies.Need{need(1, "owners")}, 1}},
		"room is made along a chain":      {asks(1, need(1, "a"), need(1, "b"), need(1, "c")), []Ballot{yes("x", "a", "b"), yes("y", "b", "c"), yes("z", "a")}, Lacks{}},
		"who stands in does so for one need": {widened(policies.Asks{Votes: 2, Needs: []policies.Need{{Groups: []string{"sre"}, Votes: 1, EscalateTo: []string{"leads"}}, need(1, "dba")}}, []policies.Need{{Groups: []string{"sre"}, EscalateTo: []string{"leads"}}}),
			[]Ballot{yes("x", "leads"), yes("y", "leads")}, Lacks{[]policies.Need{need(1, "dba")}, 1}},
		"either of two groups": {asks(1, need(1, "a", "b")), []Ballot{yes("x", "b")}, Lacks{}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Lacking(c.asks, c.ballots)); diff != "" {
				t.Errorf("lacking (-want +got):\n%s", diff)
			}
		})
	}
}
