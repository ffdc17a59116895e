package console

import (
	"fmt"
	"time"
)

// deadline is a time that is shown with how much is left.
type deadline struct {
	At     string // "03:21 UTC"
	Exact  string // for programs
	Millis int64
	Left   string // "6 min left"
}

func deadlineOf(at, now time.Time) *deadline {
	return &deadline{At: clockOf(at, now), Exact: at.UTC().Format(time.RFC3339), Millis: at.UnixMilli(), Left: leftOf(at.Sub(now))}
}

// clockOf is a time of day, with the day where that is another.
func clockOf(at, now time.Time) string {
	at, now = at.UTC(), now.UTC()
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return at.Format("15:04 UTC")
	}
	return at.Format("2 Jan 15:04 UTC")
}

// leftOf says how much time is left, as the script goes on saying it.
func leftOf(left time.Duration) string {
	left = left.Truncate(time.Second)
	switch {
	case left <= 0:
		return "time is over"
	case left < 10*time.Minute:
		return fmt.Sprintf("%d:%02d left", left/time.Minute, left%time.Minute/time.Second)
	case left < 2*time.Hour:
		return fmt.Sprintf("%d min left", left/time.Minute)
	}
	return fmt.Sprintf("%d h left", left/time.Hour)
}

// tookOf is how long something took, "" when that is not known.
func tookOf(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
