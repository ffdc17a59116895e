package responderstest

import (
	"slices"
	"testing"

	"github.com/salvor-io/salvor/responders"
)

type access struct{ verb, group, resource string }

// compareGrants holds what was declared against what was done, both ways, and each credential to its part.
func compareGrants(t *testing.T, grants []responders.Grant, made map[Call]bool) {
	declared, written := map[access]bool{}, map[access]bool{}
	for _, grant := range grants {
		for _, verb := range grant.Verbs {
			declared[access{verb, grant.Group, grant.Resource}] = true
			if (Call{Verb: verb}).IsWrite() {
				written[access{"", grant.Group, grant.Resource}] = true
			}
		}
	}
	used := map[access]bool{}
	for call := range made {
		if call.Who == Switch {
			continue
		}
		a := access{call.Verb, call.Group, call.Resource}
		used[a] = true
		switch {
		case !declared[a]:
			t.Errorf("a call is not granted: %v", call)
		case call.Who == Reader && call.IsWrite():
			t.Errorf("the credentials that observe wrote: %v", call)
		case call.Who == Writer && !written[access{"", call.Group, call.Resource}]:
			t.Errorf("the credentials that act read what they never write: %v", call)
		}
	}
	for _, grant := range grants {
		for _, verb := range slices.Sorted(slices.Values(grant.Verbs)) {
			if !used[access{verb, grant.Group, grant.Resource}] {
				t.Errorf("a grant is never used: %s %s/%s", verb, grant.Group, grant.Resource)
			}
		}
	}
}
