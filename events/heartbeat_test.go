package events

import (
	"testing"
	"time"
)

func TestHeartbeatsWithinTenSecondsAreOne(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	id := func(name string, later time.Duration) string {
		ev, err := NewHeartbeat("s", "prod", at.Add(later), Heartbeat{Name: name})
		if err != nil || ev.Validate() != nil || ev.Entity != "heartbeat/"+name || !ev.Time.Equal(at.Add(later)) {
			t.Fatalf("got %+v, %v", ev, err)
		}
		return ev.ID
	}
	first := id("Watchdog", 0)
	if first != "heartbeat/prod/Watchdog/170000000" {
		t.Errorf("id is %q", first)
	}
	if id("Watchdog", 9999*time.Millisecond) != first {
		t.Error("a copy within ten seconds is another event")
	}
	if id("Watchdog", 10*time.Second) == first || id("default", 0) == first {
		t.Error("a later heartbeat or that of another switch is the same event")
	}
}
