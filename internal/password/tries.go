package password

import (
	"net/netip"
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
	maxWatched = 4096             // names and addresses, beside the names that there are
)

// tries counts who tries how often: each name and each address by itself, whether there is such a name or not. A try counts before it is
// known to be wrong, so that many at once are many. When there is no room, what was tried the longest ago is forgotten, and never a name that
// there is: whoever floods it keeps nobody out, and gets no more guesses of a name.
type tries struct {
	clock func() time.Time
	is    func(name string) bool // there is such a name

	mu   sync.Mutex
	seen map[watched]tried
}

// watched is a name or an address.
type watched struct{ what, is string }

type tried struct {
	times int
	next  time.Time // before that nothing is looked at
	last  time.Time
}

func newTries(clock func() time.Time, is func(name string) bool) *tries {
	return &tries{clock: clock, is: is, seen: map[watched]tried{}}
}

func nameKey(name string) watched { return watched{"name", name} }

// fromKey is an address, of IPv6 the network: whoever has one such network has all its addresses.
func fromKey(from string) watched {
	if ip, err := netip.ParseAddr(from); err == nil && ip.Is6() && !ip.Is4In6() {
		if network, err := ip.WithZone("").Prefix(64); err == nil {
			from = network.String()
		}
	}
	return watched{"from", from}
}

func keysOf(name, from string) map[watched]patience {
	return map[watched]patience{nameKey(name): ofName, fromKey(from): ofAddress}
}

// may counts a try, and says whether it is looked at.
func (t *tries) may(name, from string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, keys := t.clock(), keysOf(name, from)
	for key := range keys {
		if now.Before(t.seen[key].next) {
			return false
		}
	}
	for key, with := range keys {
		t.makeRoom(key, now)
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

// forget is called when the password was right. That the address had other tries stays known: one password that is right does not give it
// more guesses of others.
func (t *tries) forget(name, from string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.seen, nameKey(name))
	at := t.seen[fromKey(from)]
	at.times, at.next = max(0, at.times-1), time.Time{}
	t.seen[fromKey(from)] = at
}

// makeRoom forgets what is old, where there is no room for one more, or else what was tried the longest ago.
func (t *tries) makeRoom(key watched, now time.Time) {
	if _, known := t.seen[key]; known || len(t.seen) < maxWatched {
		return
	}
	var oldest watched
	for key, one := range t.seen {
		switch last := t.seen[oldest].last; {
		case now.Sub(one.last) >= forgotten:
			delete(t.seen, key)
		case key.what == "name" && t.is(key.is):
		case oldest.what == "" || one.last.Before(last):
			oldest = key
		}
	}
	if len(t.seen) >= maxWatched {
		delete(t.seen, oldest)
	}
}
