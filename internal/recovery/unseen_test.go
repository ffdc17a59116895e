package recovery

import (
	"slices"
	"testing"

	"github.com/salvor-io/salvor/policies"
)

// TestUnknownFactsAreThoseThatAuthorsProvideFor: tests of hidden facts hide those of policies.Uncertain.
func TestUnknownFactsAreThoseThatAuthorsProvideFor(t *testing.T) {
	all := policies.Uncertain()
	if !slices.IsSorted(all) {
		t.Error("they are not sorted")
	}
	for _, watch := range []string{"nodes", "leases", "pods"} {
		for _, fact := range toldBy(watch) {
			if !slices.Contains(all, fact) {
				t.Errorf("%s tells of %s, which nobody provides for", watch, fact)
			}
		}
	}
}
