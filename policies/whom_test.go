package policies

import "testing"

func TestWhom(t *testing.T) {
	for want, a := range map[string]Asks{
		"1 person":                      {Votes: 1, Needs: []Need{{Votes: 1}}},
		"2 people":                      {Votes: 2, Needs: []Need{{Votes: 2}}},
		"1 of oncall":                   {Votes: 1, Needs: []Need{{Groups: []string{"oncall"}, Votes: 1}}},
		"2 of dba or sre":               {Votes: 2, Needs: []Need{{Groups: []string{"dba", "sre"}, Votes: 2}}},
		"1 of dba + 1 of sre":           {Votes: 1, Needs: []Need{{Groups: []string{"dba"}, Votes: 1}, {Groups: []string{"sre"}, Votes: 1}}},
		"2 people, 1 of oncall":         {Votes: 2, Needs: []Need{{Groups: []string{"oncall"}, Votes: 1}}},
		"3 people, 1 of dba + 1 of sre": {Votes: 3, Needs: []Need{{Votes: 3}, {Groups: []string{"dba"}, Votes: 1}, {Groups: []string{"sre"}, Votes: 1}}},
	} {
		if got := a.Whom(); got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}
