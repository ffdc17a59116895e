package password

import (
	"sync"
	"time"
)

// patience is how many tries go without a wait, and how long a wait gets at most. Behind a proxy many people have one address, so an address
// is given more of it than a name.
type patience struct {
	free    int
	longest time.Duration
}

var (
	ofName    = patience{5, time.Minute}
	ofAddress = patience{30, 5 * time.Second}
)

const (
	firstWait  = time.Second
	forgotten  = 15 * time.Minute // after the last try
	maxWatched = 4096             // names and addresses
)

// tries counts who tries how often: each name and each address by itself, whether there is such a name or not. A try counts before it is
// known to be wrong, so that many at once are many.
type tries struct {
	clock func() time.Time

	mu   sync.Mutex
	seen map[string]tried
}

type tried struct {
	times int
	next  time.Time // before that nothing is looked at
	last  time.Time
}

func newTries(clock func() time.Time) *tries { return &tries{clock: clock, seen: map[string]tried{}} }

func keysOf(name, from string) map[string]patience {
	return map[string]patience{"name " + name: ofName, "from " + from: ofAddress}
}

// may counts a try, and says whether it is looked at.
func (t *tries) may(name, from string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, keys := t.clock(), keysOf(name, from)
	t.clean(now)
	for key := range keys {
		if _, known := t.seen[key]; !known && len(t.seen) >= maxWatched || now.Before(t.seen[key].next) {
			return false
		}
	}
	for key, with := range keys {
		t.seen[key] = t.seen[key].again(now, with)
	}
	return true
}

// again is what is known after one more try.
func (one tried) again(now time.Time, with patience) tried {
	if now.Sub(one.last) >= forgotten {
		one = tried{}
	}
	one.times, one.last = one.times+1, now
	if over := one.times - with.free; over >= 0 {
		one.next = now.Add(min(with.longest, firstWait<<min(over, 10)))
	}
	return one
}

// forget is called when the password was right.
func (t *tries) forget(name, from string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key := range keysOf(name, from) {
		delete(t.seen, key)
	}
}

// clean forgets old tries, once there are many.
func (t *tries) clean(now time.Time) {
	if len(t.seen) < maxWatched-1 {
		return
	}
	for key, one := range t.seen {
		if now.Sub(one.last) >= forgotten {
			delete(t.seen, key)
		}
	}
}
