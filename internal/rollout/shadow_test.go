package rollout

import (
	"context"
	"fmt"
	"testing"

	"github.com/salvor-io/salvor/policies"
)

// drained runs the shadows until nothing waits for them.
func drained(t *testing.T, r *Rollout) {
	t.Helper()
	for len(r.shadow.queue) > 0 {
		one := <-r.shadow.queue
		for name, trial := range r.shadow.now() {
			r.shadow.compare(t.Context(), name, trial, one)
		}
	}
}

func TestShadowsAreAskedAndNotHeard(t *testing.T) {
	b, d, other := newBooks(), newDesk(t, asks), newDesk(t, denies)
	r := replica(t, "one", b, d.source())
	r.Shadow = other.source()
	for range 2 {
		_ = r.lookAside(t.Context())
	}
	d.write("own.rego", acts)
	looks(t, r)
	for n := range 60 {
		q := calm("node", policies.Reversible, "recover")
		q.Incident.ID = fmt.Sprint("incident-", n/2) // each is asked about twice, as what waits for a person is
		if _, err := (policies.Judge{Engine: r.Engine()}).Decide(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	drained(t, r)
	shadows := r.Status().Shadows
	if len(shadows) != 2 || shadows[0].Name != shadowHeld || shadows[0].Revision != r.Status().Held.Revision || shadows[1].Name != shadowConfigured {
		t.Fatalf("the shadows are %+v", shadows)
	}
	if shadows[0].Seen != (Sums{Looser: 60}) || shadows[1].Seen != (Sums{Tighter: 60}) || len(shadows[0].Last) != 30 {
		t.Errorf("seen are %+v and %+v, kept %d", shadows[0].Seen, shadows[1].Seen, len(shadows[0].Last))
	}
	if got := r.Counts(); got.Shadows != (Sums{Looser: 60, Tighter: 60}) {
		t.Errorf("counted are %+v", got)
	}
	d.write("own.rego", asks)
	looks(t, r)
	other.write("own.rego", broken)
	for range 2 {
		_ = r.lookAside(t.Context())
	}
	if shadows = r.Status().Shadows; len(shadows) != 1 || shadows[0].Problem == "" || shadows[0].Seen != (Sums{}) {
		t.Errorf("the shadows are %+v", shadows)
	}
}

// TestDifferencesThatAreKeptAreBounded: the newest stay, and one that is seen again is the newest.
func TestDifferencesThatAreKeptAreBounded(t *testing.T) {
	var s ShadowStatus
	for n := range shadowKept + 10 {
		s.keep(Difference{like: fmt.Sprint(n)})
	}
	if again := s.keep(Difference{like: "15"}); !again || len(s.Last) != shadowKept || s.Last[0].like != "10" || s.Last[shadowKept-1].like != "15" {
		t.Errorf("kept are %d, from %s to %s, again is %v", len(s.Last), s.Last[0].like, s.Last[len(s.Last)-1].like, again)
	}
}

// TestShadowsHoldNobodyUp: while they are busy, what is asked is not kept waiting, and what they miss is counted.
func TestShadowsHoldNobodyUp(t *testing.T) {
	b, d := newBooks(), newDesk(t, denies)
	r := replica(t, "one", b, d.source())
	d.write("own.rego", asks)
	looks(t, r)
	q := calm("node", policies.Reversible, "recover")
	for n := range shadowQueue + 10 {
		q.Incident.ID = fmt.Sprint(n)
		if _, err := r.Engine().Ask(context.Background(), q); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.Counts().Dropped; got != 10 {
		t.Errorf("%d were dropped, want 10", got)
	}
}
