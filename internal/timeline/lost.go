package timeline

import (
	"fmt"
	"slices"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
)

// Lost says what going back to a recovery point came to, as the end of a sentence: "; lost: all writes after 02:00 UTC (1h02m)". It is empty
// where nothing was brought back, or nothing of it is known to be there.
func Lost(inc *incident.Incident) string {
	at, began := wentBack(inc)
	if at.IsZero() || inc.Outcome != responders.OutcomeVerified && inc.Outcome != responders.OutcomePartly {
		return ""
	}
	form := "15:04 UTC"
	if at.YearDay() != began.YearDay() || at.Year() != began.Year() {
		form = "2006-01-02 15:04 UTC"
	}
	return fmt.Sprintf("; lost: all writes after %s (%s)", at.Format(form), Lasting(began.Sub(at)))
}

// wentBack is the moment to which the last plan that ran leads back, and when the fault began that it is about. Both are zero where it leads back to
// none, or to one after that.
func wentBack(inc *incident.Incident) (at, began time.Time) {
	for _, rec := range slices.Backward(inc.History) {
		if d := rec.Decided; d != nil && d.Phase == incident.PhaseRecover && d.Starts() && d.Plan != nil {
			if point := d.Plan.Point(); point != nil {
				at = point.At.UTC()
			}
			break
		}
	}
	if first := inc.Fault.Since; !at.IsZero() && at.Before(first) {
		return at, first.UTC()
	}
	return time.Time{}, time.Time{}
}
