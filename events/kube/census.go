package kube

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/salvor-io/salvor/events"
)

// identity is which object a state is of, and which version of it.
type identity struct {
	key          string // by which the View knows it
	uid, version string
}

// state is the projection of one object of a kind that a census is taken of.
type state[P any] interface {
	identity() identity
	digest() uint64                        // names what is said of the object, whatever its version
	quiet() bool                           // there is nothing to say of it, unless the last that was said was something else
	at(now time.Time) P                    // as it is judged at a time
	next(now time.Time) time.Time          // when time alone changes that, or zero
	will(now time.Time, d uint64) bool     // says whether time alone makes it say d
	after(*rollout) (P, *rollout)          // after what is remembered of earlier states, and what is to be remembered now
	ended(missed bool) P                   // its end, seen or found in a list
	statement() (events.Type, string, any) // type, entity and payload of its event
}

// entry is what is held of one object: what was last published of it, or known to the View before.
type entry struct {
	uid     string
	version string // the newest that was seen
	digest  uint64
	past    *rollout
}

// awaiting is a state that time alone will change.
type awaiting[P any] struct {
	one  P
	next time.Time
}

// census is what was said of the objects of one kind. It publishes what changed. Of what there is nothing to say it holds
// nothing, of the rest no more than tells a change and an end.
type census[P state[P]] struct {
	desk  desk
	known func() map[string]P // what the View knows, by key
	bare  func(identity) P    // a state of which no more is known
	mu    sync.Mutex
	said  map[string]entry       // by key; nil until the first list
	open  map[string]awaiting[P] // by key
	seen  string                 // newest resource version that was seen
	doubt map[string]uint64      // by key, the differences the last review found
}

func newCensus[P state[P]](d desk, known func() map[string]P, bare func(identity) P) *census[P] {
	return &census[P]{desk: d, known: known, bare: bare, open: map[string]awaiting[P]{}}
}

func (c *census[P]) replace(all []P, unread []string, version string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, now := c.said, time.Now()
	known := sync.OnceValue(c.known)
	if before == nil {
		before = entries(known())
	}
	if older(version, c.seen) {
		c.desk.log.Warn("resource versions went back: was the cluster's store restored without a revision bump?", "from", c.seen, "to", version)
	}
	waited := c.open
	c.said, c.open, c.seen = map[string]entry{}, map[string]awaiting[P]{}, version
	for _, key := range unread {
		c.keep(key, before, waited)
	}
	slices.SortFunc(all, func(a, b P) int { return compareKeys(a, b) })
	c.endMissing(all, before, func(key string, old entry) { c.end(key, old, known, waited) })
	for _, p := range all {
		id := p.identity()
		old, ok := before[id.key]
		switch {
		case ok && old.uid != id.uid && older(version, old.version), ok && old.uid == id.uid && older(id.version, old.version):
			c.said[id.key] = old // the View is ahead of this list
		case ok && old.uid != id.uid:
			c.say(now, p, entry{}, false)
		default:
			c.say(now, p, old, ok)
		}
	}
}

// keep lets what was said of an object that cannot be read stand.
func (c *census[P]) keep(key string, before map[string]entry, waited map[string]awaiting[P]) {
	if old, ok := before[key]; ok {
		c.said[key] = old
	}
	if w, ok := waited[key]; ok {
		c.open[key] = w
	}
}

// endMissing ends what was said before of objects that are not among all, which are sorted, nor were unreadable, unless what was said
// is newer than the list.
func (c *census[P]) endMissing(all []P, before map[string]entry, end func(key string, old entry)) {
	for _, key := range slices.Sorted(maps.Keys(before)) {
		old := before[key]
		at, there := slices.BinarySearchFunc(all, key, func(p P, key string) int { return compare(p.identity().key, key) })
		_, unread := c.said[key]
		if unread || there && all[at].identity().uid == old.uid || older(c.seen, old.version) {
			continue
		}
		end(key, old)
	}
}

func (c *census[P]) put(p P) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := p.identity()
	old, ok := c.said[id.key]
	if c.said == nil || ok && older(id.version, old.version) {
		return
	}
	c.reached(id.version)
	if ok && old.uid != id.uid {
		c.end(id.key, old, c.known, c.open)
		delete(c.said, id.key)
		old, ok = entry{}, false
	}
	c.say(time.Now(), p, old, ok)
}

func (c *census[P]) remove(p P) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := p.identity()
	if w, ok := c.open[id.key]; ok && w.one.identity().uid == id.uid {
		delete(c.open, id.key)
	}
	old, ok := c.said[id.key]
	if !ok || old.uid != id.uid || older(id.version, old.version) {
		return
	}
	c.reached(id.version)
	p, _ = p.at(time.Now()).after(old.past)
	c.publish(p.ended(false), true)
	delete(c.said, id.key)
}

func (c *census[P]) reached(version string) {
	if !older(version, c.seen) {
		c.seen = version
	}
}

// say publishes a state unless it says what was said before. What is over only until a grace has passed is not over.
func (c *census[P]) say(now time.Time, p P, old entry, ok bool) {
	p, past := p.at(now).after(old.past)
	id := p.identity()
	if next := p.next(now); !next.IsZero() {
		c.open[id.key] = awaiting[P]{p, next}
	} else {
		delete(c.open, id.key)
	}
	says := entry{uid: id.uid, version: id.version, digest: p.digest(), past: past}
	switch {
	case ok && (old.digest == says.digest || p.will(now, old.digest)):
		says.digest = old.digest
	case !ok && p.quiet():
		return
	default:
		c.publish(p, false)
		if p.quiet() {
			delete(c.said, id.key)
			return
		}
	}
	c.said[id.key] = says
}

// end publishes the end of an object whose last state was not seen.
func (c *census[P]) end(key string, old entry, known func() map[string]P, waited map[string]awaiting[P]) {
	last := c.bare(identity{key, old.uid, old.version})
	if k, ok := known()[key]; ok && k.identity().uid == old.uid {
		last = k
	} else if w, ok := waited[key]; ok && w.one.identity().uid == old.uid {
		last = w.one
	}
	c.publish(last.ended(true), true)
}

// publish says what an object is now. An object ends once, whoever saw it; everything else is (UID, version, what it says).
func (c *census[P]) publish(p P, gone bool) {
	typ, entity, payload := p.statement()
	id := p.identity()
	object := kindOf(entity) + "/" + id.uid
	name := object + "/" + id.version + "/" + digits(p.digest())
	if gone {
		name = object + "/gone"
	}
	c.desk.publish(object, name, typ, entity, time.Now(), payload)
}

// holds says whether something was said of an object that has not ended.
func (c *census[P]) holds(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.said[key]
	return ok
}

// judge judges anew what time alone has changed.
func (c *census[P]) judge(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, w := range c.open {
		if !now.Before(w.next) {
			old, ok := c.said[key]
			c.say(now, w.one, old, ok)
		}
	}
}

// review finds where the View differs from what was said, if it did so at the last review too: the View follows the log at a
// distance, and the watch follows the cluster at another. Of those objects, named in order, the census then believes what the View
// does, so that their next state is told, or their end.
func (c *census[P]) review() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.said == nil {
		return nil
	}
	known := entries(c.known())
	found, doubt := []string(nil), c.differences(known)
	for _, key := range slices.Sorted(maps.Keys(doubt)) {
		if was, ok := c.doubt[key]; !ok || was != doubt[key] {
			continue
		}
		found = append(found, key)
		delete(c.said, key)
		if k, ok := known[key]; ok {
			c.said[key] = k
		}
	}
	c.doubt = doubt
	return found
}

// differences are the keys of which the View knows something else than was said, each with what tells one difference from another.
func (c *census[P]) differences(known map[string]entry) map[string]uint64 {
	out := map[string]uint64{}
	for key, e := range c.said {
		k, ok := known[key]
		if !ok || (k.uid != e.uid || k.digest != e.digest) && !older(e.version, k.version) {
			out[key] = e.digest ^ k.digest<<1
		}
	}
	for key, k := range known {
		if _, ok := c.said[key]; !ok && !older(c.seen, k.version) {
			out[key] = k.digest
		}
	}
	return out
}

// absent takes in that a direct read did not find an object that the View knows.
func (c *census[P]) absent(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.said[key]; ok {
		c.end(key, old, c.known, c.open)
		delete(c.said, key)
		delete(c.open, key)
	}
}

// entries are what the View knows, as if it had been said.
func entries[P state[P]](known map[string]P) map[string]entry {
	out := make(map[string]entry, len(known))
	for key, p := range known {
		id := p.identity()
		out[key] = entry{uid: id.uid, version: id.version, digest: p.digest()}
	}
	return out
}
