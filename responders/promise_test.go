package responders

import "testing"

func TestTier(t *testing.T) {
	env := Env{Promises: []Promise{{[]string{"shop-*", "["}, 3}, {[]string{"shop-db"}, 2}, {[]string{"shop-db", "wiki"}, 5}}}
	for name, want := range map[string]int{"shop-web": 3, "shop-db": 2, "wiki": 5, "shop": 0, "": 0} {
		tier, promised := env.Tier(name)
		if tier != want || promised != (want > 0) {
			t.Errorf("%s: tier %d, promised %v; want %d", name, tier, promised, want)
		}
	}
}
