package responders

import "path"

// Promise is what a step has to know of what was promised of some namespaces: that they are to be brought back, and before which others.
type Promise struct {
	Namespaces []string // patterns of their names, as path.Match has them
	Tier       int      // 1 comes back first
}

// Tier is in which turn a namespace comes back among others, and whether anything was promised of it at all. Of several promises the first turn counts.
func (e Env) Tier(namespace string) (tier int, promised bool) {
	for _, p := range e.Promises {
		for _, pattern := range p.Namespaces {
			if fits, err := path.Match(pattern, namespace); err == nil && fits && (!promised || p.Tier < tier) {
				tier, promised = p.Tier, true
			}
		}
	}
	return tier, promised
}
