package classifiers

import (
	"cmp"
	"time"

	"github.com/salvor-io/salvor/events"
)

// promised is how often a dead man's switch is taken to come that does not say: the Watchdog is sent again each minute by the shipped
// route, and every five by a stock one.
const promised = events.Seconds(5 * 60)

// missing says that the switch was not heard for three times as long as it promises.
func (h HeartbeatView) missing(now time.Time) bool {
	return now.Sub(h.At) > 3*cmp.Or(h.Every, promised).Duration()
}

// Deaf says that the monitoring of a cluster has heartbeats and all of them are missing: its alerts say what was then, and not what is
// now.
func (c *Cluster) Deaf(now time.Time) bool {
	for _, h := range c.Heartbeats {
		if !h.missing(now) {
			return false
		}
	}
	return len(c.Heartbeats) > 0
}
