package classifiers

import (
	"testing"
	"time"

	"github.com/salvor-io/salvor/events"
)

// TestDeafMonitoring: alerts whose dead man's switch is silent are no signal; one switch that is heard is enough.
func TestDeafMonitoring(t *testing.T) {
	s := newStory(t)
	s.fleet(10, "a", "b", "c")
	s.beat("Watchdog", 0)
	s.beat("other", 30)
	s.pass(10 * time.Minute)
	s.beat("other", 30)
	s.lose("b", 10)
	for n := range 10 {
		s.nodeDown("b" + string(rune('0'+n)))
	}
	zone := func() Finding { return (Zone{Within: time.Minute}).Classify(s.view)[0] }
	if zone().SingleSourced() || s.cluster().Deaf(s.view.Now) {
		t.Error("alerts are not heard although one switch is")
	}
	s.pass(30 * time.Minute)
	if !zone().SingleSourced() || !s.cluster().Deaf(s.view.Now) {
		t.Error("alerts of a monitoring that fell silent are a signal")
	}
	s.beat("Watchdog", 0)
	if zone().SingleSourced() {
		t.Error("alerts are not heard again")
	}
}

func (s *story) beat(name string, every events.Seconds) {
	s.tell(events.TypeHeartbeat, "heartbeat/"+name, events.Heartbeat{Name: name, Every: every})
}
