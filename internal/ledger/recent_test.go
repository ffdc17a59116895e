package ledger

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRecentDecisionsComeNewestFirst(t *testing.T) {
	l := newLedger(t)
	inc := open(t, l, "w1")
	recent := func(since time.Time, most int) (all []string) {
		t.Helper()
		if err := l.RecentDecisions(t.Context(), since, func(doc json.RawMessage) bool {
			all = append(all, strings.TrimRight(string(doc), "x\""))
			return len(all) < most
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got := recent(time.Time{}, 10); len(got) != 0 {
		t.Errorf("at first there are %v", got)
	}
	var want []string
	for n := range 2*recentAtOnce + 10 {
		doc := fmt.Sprintf("%d%s", n, strings.Repeat("x", 200*(n%100))) // more than one answer holds
		if _, err := l.Decide(t.Context(), inc, doc, nil); err != nil {
			t.Fatal(err)
		}
		want = append(want, fmt.Sprintf("\"%d", n))
	}
	slices.Reverse(want)
	if got := recent(time.Time{}, 1000); !slices.Equal(got, want) {
		t.Errorf("there are %d, want %d: %v", len(got), len(want), got)
	}
	if got := recent(time.Time{}, 3); !slices.Equal(got, want[:3]) {
		t.Errorf("the first are %v", got)
	}
	if got := recent(time.Now().Add(time.Minute), 10); len(got) != 0 {
		t.Errorf("since a time to come there are %v", got)
	}
}
