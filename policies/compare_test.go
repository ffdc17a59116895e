package policies

import "testing"

func TestCompare(t *testing.T) {
	deny, act := Decision{}, Decision{Verdict: Act, Would: Act}
	asks := func(a Asks) Decision { return Decision{Verdict: Ask, Would: Ask, Asks: &a} }
	of := func(votes int, groups ...string) []Need { return []Need{{Groups: groups, Votes: votes}} }
	sre := Asks{Needs: of(1, "sre"), Votes: 1, WithinS: 600, OnTimeout: "expire"}
	with := func(change func(*Asks)) Decision {
		a := sre
		change(&a)
		return asks(a)
	}
	held := Decision{Verdict: Deny, Would: Act}
	for _, c := range []struct {
		name    string
		was, is Decision
		want    Change
	}{
		{"act, act", act, act, Same},
		{"deny, act", deny, act, Looser},
		{"deny, ask", deny, asks(sre), Looser},
		{"ask, act", asks(sre), act, Looser},
		{"what would be done where the mode holds", deny, held, Looser},
		{"what would be done and is not held any more", held, act, Looser},
		{"another sentence", Decision{Verdict: Act, Would: Act, Reasons: []Reason{{"x", "a.rego:1"}}}, act, Same},
		{"fewer votes", with(func(a *Asks) { a.Votes = 2 }), asks(sre), Looser},
		{"fewer votes of a group", with(func(a *Asks) { a.Needs, a.Votes = of(2, "sre"), 2 }), with(func(a *Asks) { a.Votes = 2 }), Looser},
		{"a need is dropped", with(func(a *Asks) { a.Needs = append(of(1, "sre"), of(1, "dba")...) }), asks(sre), Looser},
		{"anyone instead of a group", asks(sre), with(func(a *Asks) { a.Needs = of(1) }), Looser},
		{"another group", asks(sre), with(func(a *Asks) { a.Needs = of(1, "dba") }), Looser},
		{"one more group that may", asks(sre), with(func(a *Asks) { a.Needs = of(1, "dba", "sre") }), Looser},
		{"a later deadline", asks(sre), with(func(a *Asks) { a.WithinS = 601 }), Looser},
		{"no deadline", asks(sre), with(func(a *Asks) { a.WithinS = 0 }), Looser},
		{"escalation", asks(sre), with(func(a *Asks) { a.OnTimeout, a.EscalateTo = "escalate", []string{"dba"} }), Looser},
		{"the same needs in other words", with(func(a *Asks) { a.Needs = of(1) }), with(func(a *Asks) { a.Needs = append(of(1), of(1)...) }), Same},
		{"looser and tighter", with(func(a *Asks) { a.Votes = 2 }), with(func(a *Asks) { a.WithinS = 1 }), Looser},
		{"asks nobody knows whom", asks(sre), Decision{Verdict: Ask, Would: Ask}, Looser},
	} {
		if got := Compare(c.was, c.is); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		back := map[Change]Change{Same: Same, Looser: Tighter}[c.want]
		if got := Compare(c.is, c.was); got != back && c.name != "looser and tighter" && c.name != "another group" {
			t.Errorf("%s, the other way: %s, want %s", c.name, got, back)
		}
	}
}
