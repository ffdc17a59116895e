package policies

import "testing"

// TestExplainIsTheWayOfSettle: its last answer is the decision, it says each reason of it once, and the stage that changed the answer
// says why.
func TestExplainIsTheWayOfSettle(t *testing.T) {
	held := calm()
	held.Pauses, held.Mode, held.Unknown = []Pause{pause(Pause{})}, ModeAsk, []string{"view.nodes"}
	harsh := calm()
	harsh.Plan.Class = Irreversible
	for _, q := range []Question{calm(), held, harsh} {
		for _, said := range []Said{{}, {Act: yes}, {Ask: asked, Act: yes}, {Ask: weak}, {Deny: no, Act: yes}} {
			want, way := Settle(said, q), Explain(said, q)
			last := way[len(way)-1]
			if last.Verdict != want.Verdict || (last.Asks == nil) != (want.Asks == nil) {
				t.Errorf("the way ends in %s of %v, the decision is %s of %v", last.Verdict, last.Asks, want.Verdict, want.Asks)
			}
			reasons, before := 0, Verdict(-1)
			for _, s := range way {
				reasons += len(s.Why)
				if s.Verdict != before && len(s.Why) == 0 {
					t.Errorf("%s makes it %s, and does not say why", s.Name, s.Verdict)
				}
				before = s.Verdict
			}
			if reasons != len(want.Reasons)+len(want.Held) {
				t.Errorf("%d reasons are told, the decision has %d", reasons, len(want.Reasons)+len(want.Held))
			}
		}
	}
}
