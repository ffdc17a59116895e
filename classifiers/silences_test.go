package classifiers

import (
	"testing"
	"time"

	"github.com/salvor-io/salvor/events"
)

func TestSilenced(t *testing.T) {
	is := func(name, value string) events.Matcher { return events.Matcher{Name: name, Value: value} }
	like := func(name, value string) events.Matcher { return events.Matcher{Name: name, Value: value, Regex: true} }
	not := func(m events.Matcher) events.Matcher { m.Not = true; return m }
	cases := []struct {
		name     string
		matchers []events.Matcher
		want     bool
	}{
		{"the node", []events.Matcher{is("node", "w1")}, true},
		{"the node for one alert", []events.Matcher{is("alertname", "KubeNodeNotReady"), is("node", "w1")}, true},
		{"another node", []events.Matcher{is("node", "w2")}, false},
		{"the instance with its port", []events.Matcher{is("instance", "w1:9100")}, true},
		{"instances by pattern", []events.Matcher{like("instance", "w[0-9]+:.*")}, true},
		{"a pattern matches whole", []events.Matcher{like("node", "w")}, false},
		{"its zone", []events.Matcher{is("zone", "a")}, true},
		{"its zone in another cluster", []events.Matcher{is("zone", "a"), is("cluster", "other")}, false},
		{"all but another node", []events.Matcher{not(is("node", "w2"))}, false},
		{"the whole cluster is no node", []events.Matcher{is("cluster", "prod-eu")}, false},
		{"only an alert's name", []events.Matcher{is("alertname", "KubeNodeNotReady")}, false},
		{"a pattern that cannot be read", []events.Matcher{like("node", "w1(")}, false},
		{"nothing", nil, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			s.tell(events.TypeSilence, "silence/s", events.Silence{ID: "s", Matchers: c.matchers, StartsAt: began, EndsAt: began.Add(time.Hour)})
			if got := len(s.view.Silenced("prod-eu", "w1", "a", "")) == 1; got != c.want {
				t.Errorf("silenced %v, want %v", got, c.want)
			}
			s.pass(time.Hour)
			if len(s.view.Silenced("prod-eu", "w1", "a", "")) != 0 {
				t.Error("a silence that has ended is in force")
			}
		})
	}
}
