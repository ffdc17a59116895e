package kube

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
)

// heart is one Lease of node "a" and the pulses that keep it, in fake time.
type heart struct {
	*pulses
	rec     *recorder
	missing bool      // the node is not there
	node    time.Time // since when it is
	begun   time.Time
}

func newHeart(t *testing.T, rec *recorder) *heart {
	h := &heart{rec: rec, begun: time.Now()}
	h.pulses = newPulses(testDesk(t, rec), rec, 25*time.Second, func(_, owner string) (time.Time, bool) {
		return h.node, !h.missing && owner == "uid-a"
	})
	return h
}

// beatAt is version v of the Lease of node "a", renewed at some second.
func beatAt(v, second int) beat {
	return beat{node: "a", uid: "lease-a", owner: "uid-a", version: strconv.Itoa(v),
		renewed: time.Date(2031, 1, 1, 0, 0, second, 0, time.UTC)}
}

func (h *heart) told() []string {
	h.desk.out.flush()
	return h.rec.told()
}

// dueAfter lets time pass and says whether a direct read is wanted then.
func (h *heart) dueAfter(d time.Duration) bool {
	time.Sleep(d)
	return len(h.due(time.Now(), h.begun)) > 0
}

func (h *heart) says(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, h.told()); diff != "" {
		t.Error(diff)
	}
}

func TestLeaseTransitions(t *testing.T) {
	list := func(h *heart, b beat) { h.replace([]beat{b}, nil, "1") }
	for name, play := range map[string]func(t *testing.T, h *heart){
		"first renewal, then many": func(t *testing.T, h *heart) {
			list(h, beatAt(1, 0))
			h.says(t)
			for i := range 10 {
				time.Sleep(10 * time.Second)
				h.put(beatAt(2+i, 10*i+10))
			}
			h.says(t, "a fresh")
		},
		"silence from the beginning": func(t *testing.T, h *heart) {
			list(h, beatAt(1, 0))
			if h.dueAfter(24 * time.Second) {
				t.Error("due too early")
			}
			if !h.dueAfter(time.Second) {
				t.Error("not due")
			}
			h.says(t)
			h.agreed(time.Now(), beatAt(1, 0), beatAt(1, 0))
			h.says(t, "a stale")
			if h.dueAfter(time.Hour) {
				t.Error("due although stale")
			}
			h.put(beatAt(2, 5)) // the kubelet's clock is of no interest
			h.says(t, "a stale", "a fresh")
		},
		"an edit is no renewal": func(t *testing.T, h *heart) {
			list(h, beatAt(1, 0))
			time.Sleep(20 * time.Second)
			h.put(beatAt(2, 0))
			if !h.dueAfter(5 * time.Second) {
				t.Error("not due")
			}
			h.agreed(time.Now(), beatAt(2, 0), beatAt(3, 0))
			h.says(t, "a stale")
		},
		"a clock set back renews": func(t *testing.T, h *heart) {
			list(h, beatAt(1, 50))
			time.Sleep(20 * time.Second)
			h.put(beatAt(2, 10))
			if h.dueAfter(10 * time.Second) {
				t.Error("due")
			}
			h.says(t, "a fresh")
		},
		"versions going backwards": func(t *testing.T, h *heart) {
			list(h, beatAt(5, 0))
			time.Sleep(20 * time.Second)
			h.put(beatAt(4, 10))
			if !h.dueAfter(5 * time.Second) {
				t.Error("an old version counted as a renewal")
			}
			h.says(t)
		},
		"sight begins anew": func(t *testing.T, h *heart) {
			list(h, beatAt(1, 0))
			time.Sleep(60 * time.Second)
			h.begun = time.Now()
			if h.dueAfter(24 * time.Second) {
				t.Error("judged by time during which nothing was seen")
			}
			if !h.dueAfter(time.Second) {
				t.Error("not due")
			}
		},
		"a list shows a renewal": func(t *testing.T, h *heart) {
			list(h, beatAt(1, 0))
			time.Sleep(60 * time.Second)
			list(h, beatAt(9, 50))
			if h.dueAfter(24 * time.Second) {
				t.Error("due")
			}
			h.says(t, "a fresh")
		},
		"the read knows better": func(t *testing.T, h *heart) {
			list(h, beatAt(1, 0))
			h.dueAfter(25 * time.Second)
			h.agreed(time.Now(), beatAt(1, 0), beatAt(2, 10))
			h.says(t, "a fresh")
			if h.lagging(time.Now().Add(8*time.Second), 8*time.Second) {
				t.Error("the watch was not given time")
			}
			if late := time.Now().Add(9 * time.Second); !h.lagging(late, 8*time.Second) || h.lagging(late, 8*time.Second) {
				t.Error("a watch that lags is to be told of once")
			}
		},
		"the watch catches up with the read": func(t *testing.T, h *heart) {
			list(h, beatAt(1, 0))
			h.dueAfter(25 * time.Second)
			h.agreed(time.Now(), beatAt(1, 0), beatAt(2, 10))
			h.put(beatAt(2, 10))
			if h.lagging(time.Now().Add(time.Minute), 8*time.Second) {
				t.Error("the watch does not lag")
			}
		},
		"the watch is faster than the read": func(t *testing.T, h *heart) {
			list(h, beatAt(1, 0))
			h.dueAfter(25 * time.Second)
			h.put(beatAt(2, 10))
			h.agreed(time.Now(), beatAt(1, 0), beatAt(1, 0))
			h.says(t, "a fresh")
		},
		"the read is behind": func(t *testing.T, h *heart) {
			list(h, beatAt(5, 20))
			h.dueAfter(25 * time.Second)
			h.agreed(time.Now(), beatAt(5, 20), beatAt(4, 10))
			h.says(t)
			if !h.dueAfter(0) {
				t.Error("an older state counted as a renewal")
			}
		},
		"the read fails": func(t *testing.T, h *heart) {
			list(h, beatAt(1, 0))
			h.dueAfter(25 * time.Second)
			h.unread(time.Now(), beatAt(1, 0))
			if h.dueAfter(time.Second) || !h.dueAfter(2*time.Second) {
				t.Error("read again at the wrong time")
			}
			h.says(t)
		},
		"the read finds none": func(t *testing.T, h *heart) {
			list(h, beatAt(1, 0))
			h.dueAfter(25 * time.Second)
			h.absent(beatAt(1, 0))
			if h.dueAfter(time.Minute) {
				t.Error("due although there is none")
			}
			h.says(t)
		},
		"the node is gone": func(t *testing.T, h *heart) {
			list(h, beatAt(1, 0))
			h.missing = true
			if h.dueAfter(time.Hour) {
				t.Error("the lease of a node that is not there is judged")
			}
			h.put(beatAt(2, 10))
			h.says(t)
		},
		"the node comes after its lease": func(t *testing.T, h *heart) {
			h.missing = true
			h.replace(nil, nil, "1")
			h.put(beatAt(1, 0))
			h.says(t)
			h.missing = false
			h.dueAfter(time.Second)
			h.says(t, "a fresh")
		},
		"the node is new and its lease is not": func(t *testing.T, h *heart) {
			list(h, beatAt(1, 0))
			time.Sleep(time.Hour)
			h.node = time.Now()
			if h.dueAfter(24*time.Second) || !h.dueAfter(time.Second) {
				t.Error("not judged by the time since the node is there")
			}
		},
		"the store was restored": func(t *testing.T, h *heart) {
			list(h, beatAt(100, 50))
			time.Sleep(20 * time.Second)
			list(h, beatAt(10, 20))
			if h.dueAfter(20 * time.Second) {
				t.Error("judged by what was before")
			}
			h.says(t)
			h.put(beatAt(11, 30))
			h.says(t, "a fresh")
		},
		"the lease of the node's predecessor": func(t *testing.T, h *heart) {
			b := beatAt(1, 0)
			b.owner = "uid-of-the-predecessor"
			list(h, b)
			if h.dueAfter(time.Hour) {
				t.Error("due")
			}
		},
		"deleted and made anew": func(t *testing.T, h *heart) {
			list(h, beatAt(1, 0))
			h.remove(beatAt(2, 0))
			if h.dueAfter(time.Hour) {
				t.Error("due although deleted")
			}
			anew := beatAt(3, 20)
			anew.uid = "lease-a-2"
			h.put(anew)
			h.says(t, "a fresh")
		},
		"unreadable is not deleted": func(t *testing.T, h *heart) {
			list(h, beatAt(1, 0))
			h.replace(nil, []string{"a"}, "2")
			if !h.dueAfter(25 * time.Second) {
				t.Error("not due")
			}
		},
		"never renewed at all": func(t *testing.T, h *heart) {
			none := beatAt(1, 0)
			none.renewed = time.Time{}
			list(h, none)
			if !h.dueAfter(25 * time.Second) {
				t.Error("not due")
			}
			h.agreed(time.Now(), none, none)
			h.says(t, "a stale")
			none.version = "2"
			h.put(none)
			h.says(t, "a stale", "a fresh")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { play(t, newHeart(t, newRecorder())) })
		})
	}
}

// TestLeaseAfterRestart has a process start where another has told the log of the Lease.
func TestLeaseAfterRestart(t *testing.T) {
	for name, c := range map[string]struct {
		known   events.LeaseState
		renewed bool
		want    []string
	}{
		"fresh and renewed": {events.LeaseFresh, true, nil},
		"fresh and silent":  {events.LeaseFresh, false, []string{"a stale"}},
		"stale and renewed": {events.LeaseStale, true, []string{"a fresh"}},
		"stale and silent":  {events.LeaseStale, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rec := newRecorder()
				rec.leases["a"] = events.Lease{Node: "a", UID: "lease-a", ResourceVersion: "1", State: c.known, RenewTime: beatAt(1, 0).renewed.UTC()}
				h := newHeart(t, rec)
				h.replace([]beat{beatAt(1, 0)}, nil, "1")
				if c.renewed {
					h.put(beatAt(2, 10))
				} else if h.dueAfter(25 * time.Second) {
					h.agreed(time.Now(), beatAt(1, 0), beatAt(1, 0))
				}
				h.says(t, c.want...)
			})
		})
	}
}

// TestLeaseRenewedWhileNobodyLooked: a node that was silent when the last process died and is back when the next one starts is
// told to be back before the list is done, also when the node itself has not been listed yet.
func TestLeaseRenewedWhileNobodyLooked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := newRecorder()
		rec.leases["a"] = events.Lease{Node: "a", UID: "lease-a", ResourceVersion: "1", State: events.LeaseStale, RenewTime: beatAt(1, 0).renewed.UTC()}
		h := newHeart(t, rec)
		h.firstSeen = func(string, string) (time.Time, bool) { return time.Time{}, false }
		h.replace([]beat{beatAt(2, 10)}, nil, "1")
		h.says(t, "a fresh")
	})
}

// TestLeaseReview has the log say of a Lease what this process does not.
func TestLeaseReview(t *testing.T) {
	lease := func(v string, s events.LeaseState) events.Lease {
		return events.Lease{Node: "a", UID: "lease-a", ResourceVersion: v, State: s}
	}
	for name, c := range map[string]struct {
		known events.Lease
		stale bool
		want  []string
	}{
		"agrees": {lease("2", events.LeaseFresh), false, nil},
		"another replica died after saying stale": {lease("2", events.LeaseStale), false, []string{"a fresh"}},
		"stale of the same renewal":               {lease("3", events.LeaseStale), false, nil},
		"stale of a later renewal":                {lease("9", events.LeaseStale), false, nil},
		"fresh of the same renewal":               {lease("3", events.LeaseFresh), true, []string{"a stale"}},
		"fresh of a later renewal":                {lease("9", events.LeaseFresh), true, nil},
		"another lease":                           {events.Lease{Node: "a", UID: "old", ResourceVersion: "1", State: events.LeaseFresh}, false, []string{"a fresh"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rec := newRecorder()
				h := newHeart(t, rec)
				h.replace([]beat{beatAt(1, 0)}, nil, "1")
				h.put(beatAt(3, 10))
				if c.stale {
					h.dueAfter(25 * time.Second)
					h.agreed(time.Now(), beatAt(3, 10), beatAt(3, 10))
				}
				h.told()
				rec.all, rec.ids = nil, map[string]bool{}
				rec.leases["a"] = c.known
				h.review(time.Now())
				h.says(t)
				h.review(time.Now())
				h.says(t, c.want...)
			})
		})
	}
}

// TestLeaseEvent pins what readers of the log rely on.
func TestLeaseEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHeart(t, newRecorder())
		h.replace([]beat{beatAt(7, 3)}, nil, "9")
		h.dueAfter(25 * time.Second)
		h.agreed(time.Now(), beatAt(7, 3), beatAt(7, 3))
		h.told()
		ev := h.rec.all[0]
		want := events.Lease{Node: "a", UID: "lease-a", ResourceVersion: "7", State: events.LeaseStale, RenewTime: beatAt(7, 3).renewed, Age: 25}
		if diff := cmp.Diff(want, decode[events.Lease](ev)); diff != "" || ev.ID != "lease/lease-a/7/stale" || ev.Entity != "node/a" || ev.Cluster != "c" {
			t.Errorf("event %s of %s in %s: %s", ev.ID, ev.Entity, ev.Cluster, diff)
		}
	})
}
