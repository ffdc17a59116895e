package kube

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestSight plays evidence, by seconds, with a patience of 8 s, and asks at the end whether and since when there is sight.
func TestSight(t *testing.T) {
	origin := time.Unix(0, 0)
	at := func(s float64) time.Time { return origin.Add(time.Duration(s * float64(time.Second))) }
	type step struct {
		at float64
		do func(*sight, time.Time)
	}
	list := func(s *sight, now time.Time) { s.saw(now); s.tookOver(now) }
	open := (*sight).started
	closed := func(s *sight, _ time.Time) { s.ended() }
	fails := func(s *sight, now time.Time) { s.failed(now, errors.New("the server says no")) }
	event := (*sight).streamed
	read := (*sight).asked
	for name, c := range map[string]struct {
		steps []step
		ask   float64
		since float64 // of sight; ignored when blind
		blind string  // part of the reason; empty when seeing
	}{
		"nothing yet":                 {nil, 1, 0, "nothing was listed"},
		"first list fails":            {[]step{{1, fails}}, 2, 0, "the server says no"},
		"listed, watching":            {[]step{{1, list}, {1, open}, {5, event}}, 6, 1, ""},
		"silence":                     {[]step{{1, list}, {1, open}, {5, event}}, 14, 0, "not heard of for 9s"},
		"silence, but reads answer":   {[]step{{1, list}, {1, open}, {8, read}, {15, read}, {22, read}}, 24, 1, ""},
		"reads without a stream":      {[]step{{1, list}, {2, fails}, {8, read}}, 10, 0, "not heard of"},
		"sight anew after silence":    {[]step{{1, list}, {1, open}, {60, event}}, 61, 60, ""},
		"a short break":               {[]step{{1, list}, {1, open}, {30, closed}, {30, event}, {32, open}, {33, event}}, 34, 30, ""},
		"a short break, quiet stream": {[]step{{1, list}, {1, open}, {2, closed}, {2, fails}, {3, open}, {7, read}, {13, read}}, 15, 1, ""},
		"a clean end, opened again":   {[]step{{1, list}, {1, open}, {3, closed}, {3, open}, {9, read}}, 12, 1, ""},
		"opens and breaks, again and again": {[]step{{1, list}, {1, open}, {2, fails}, {2, closed}, {3, list}, {3, open}, {4, fails}, {5, list}, {5, open},
			{6, fails}, {7, list}, {7, open}, {8, fails}, {9, list}, {9, open}, {10, fails}}, 11, 0, "failing for 9s: the server says no"},
		"recovered from that": {[]step{{1, list}, {1, open}, {2, fails}, {10, list}, {10, open}, {12, event}}, 13, 12, ""},
	} {
		s := &sight{patience: 8 * time.Second}
		for _, st := range c.steps {
			st.do(s, at(st.at))
		}
		reason := s.blind(at(c.ask))
		since, ok := s.steady(at(c.ask))
		switch {
		case c.blind != "":
			if ok || !strings.Contains(reason, c.blind) {
				t.Errorf("%s: steady %v, blind since %q, want %q", name, ok, reason, c.blind)
			}
		case !ok || reason != "" || !since.Equal(at(c.since)):
			t.Errorf("%s: steady %v since %s, blind since %q, want sight since %vs", name, ok, since.Sub(origin), reason, c.since)
		}
	}
}
