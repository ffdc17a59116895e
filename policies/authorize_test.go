package policies

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAuthorizeIsSaidByRulesAlone: what a person may do depends on neither the mode nor on what is known, and nobody is asked about it.
func TestAuthorizeIsSaidByRulesAlone(t *testing.T) {
	q := calm()
	q.About, q.Mode, q.Unknown, q.Pauses, q.Plan.Class = AboutAuthorize, ModeObserve, []string{"view.nodes"}, []Pause{pause(Pause{})}, Irreversible
	for name, c := range map[string]struct {
		said Said
		want Decision
	}{
		"nothing is said": {Said{Revision: "r"}, Decision{Verdict: Act, Would: Act, Revision: "r"}},
		"act":             {Said{Act: yes}, Decision{Verdict: Act, Would: Act}},
		"ask":             {Said{Ask: asked}, Decision{Verdict: Act, Would: Act}},
		"any deny":        {Said{Deny: no, Act: yes, Ask: asked}, Decision{Verdict: Deny, Would: Deny, Reasons: no}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.want.Reasons == nil {
				c.want.Reasons = []Reason{}
			}
			c.want.Held = []Reason{}
			if diff := cmp.Diff(c.want, Settle(c.said, q)); diff != "" {
				t.Error(diff)
			}
			if way := Explain(c.said, q); len(way) != 1 || way[0].Verdict != c.want.Verdict {
				t.Errorf("the way is %+v", way)
			}
		})
	}
}
