package point

import (
	"fmt"
	"time"
)

// Loss says what is lost by going back from a moment to a recovery point: "all writes after 02:00 UTC: 62 min". What was written while the
// backup was made may be in it; nobody can say, so it counts as lost.
func Loss(at, now time.Time) string {
	return "all writes after " + clock(at, now) + ": " + span(now.Sub(at))
}

// clock is a moment as people who look at another one say it: with the day where that is another.
func clock(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	switch {
	case t.YearDay() == now.YearDay() && t.Year() == now.Year():
		return t.Format("15:04 UTC")
	case t.Year() == now.Year():
		return t.Format("2 Jan 15:04 UTC")
	}
	return t.Format("2 Jan 2006 15:04 UTC")
}

// span is how long something is, as people say it: never shorter than it is.
func span(d time.Duration) string {
	up := func(unit time.Duration) int64 { return int64((max(d, 0) + unit - 1) / unit) }
	switch {
	case d <= 2*time.Minute:
		return fmt.Sprintf("%d s", up(time.Second))
	case d <= 3*time.Hour:
		return fmt.Sprintf("%d min", up(time.Minute))
	case d <= 48*time.Hour:
		return fmt.Sprintf("%d h", up(time.Hour))
	}
	return fmt.Sprintf("%d days", up(24*time.Hour))
}
