package kube

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/salvor-io/salvor/events"
)

// pulse is what is known of one Lease.
type pulse struct {
	beat
	changed time.Time         // local time at which it was last seen to be renewed, or first seen
	state   events.LeaseState // empty until a renewal was seen or missed
	said    events.LeaseState // what was last published or known to the View
	lag     time.Time         // since when a renewal is known that the watch has not brought; zero when there is none
	retry   time.Time         // no direct read before
	lived   bool              // it was seen to be renewed, now or before this watch
}

// pulses are the Leases of a cluster. It publishes when one becomes fresh or stale.
type pulses struct {
	desk       desk
	view       View
	staleAfter time.Duration
	firstSeen  func(node, owner string) (time.Time, bool) // since when the node is there

	mu     sync.Mutex
	seen   map[string]*pulse            // by name of the node; nil until the first list
	doubts map[string]events.LeaseState // by UID, what the last review found unsaid
}

func newPulses(d desk, view View, staleAfter time.Duration, firstSeen func(node, owner string) (time.Time, bool)) *pulses {
	return &pulses{desk: d, view: view, staleAfter: staleAfter, firstSeen: firstSeen}
}

func (p *pulses) replace(all []beat, unread []string, _ string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, now := p.seen, time.Now()
	var known map[string]events.Lease
	if before == nil {
		known = p.view.KnownLeases(p.desk.cluster)
	}
	p.seen = make(map[string]*pulse, len(all))
	for _, b := range all {
		old, ok := before[b.node]
		if ok && old.uid == b.uid && !older(b.version, old.version) {
			p.seen[b.node] = old
			p.take(now, old, b)
			continue
		}
		p.seen[b.node] = &pulse{beat: b, changed: now} // new, or the store was restored
		if k, ok := known[b.node]; ok && k.UID == b.uid {
			p.recall(p.seen[b.node], k, now)
		}
	}
	for _, name := range unread {
		if old, ok := before[name]; ok {
			p.seen[name] = old
		}
	}
}

// recall takes in what the View knows of a Lease from before this watch. One that was stale and has been renewed while nobody
// looked is fresh: that is said before the watch is in step, so that nobody acts on the silence of a node that has returned.
func (p *pulses) recall(l *pulse, k events.Lease, now time.Time) {
	l.said, l.lived = k.State, k.State == events.LeaseFresh || k.WasFresh
	if k.State == events.LeaseStale && l.renewedSince(k.RenewTime, k.ResourceVersion) {
		l.state, l.said = events.LeaseFresh, events.LeaseFresh
		p.publish(l, now)
	}
}

func (p *pulses) put(b beat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old, ok := p.seen[b.node]
	switch {
	case p.seen == nil || ok && older(b.version, old.version):
	case ok && old.uid == b.uid:
		p.take(time.Now(), old, b)
	default: // a kubelet has just made it
		made := &pulse{beat: b, changed: time.Now(), state: events.LeaseFresh, lived: true}
		p.seen[b.node] = made
		p.say(made, time.Now())
	}
}

func (p *pulses) remove(b beat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if old, ok := p.seen[b.node]; ok && old.uid == b.uid && !older(b.version, old.version) {
		delete(p.seen, b.node)
	}
}

// take takes in a later state of a Lease. Only a renewal counts as a change.
func (p *pulses) take(now time.Time, into *pulse, b beat) {
	renewed := b.renewedSince(into.renewed, into.version)
	into.beat, into.lag = b, time.Time{}
	if renewed {
		into.changed, into.state, into.lived = now, events.LeaseFresh, true
		p.say(into, now)
	}
}

// say publishes the state of a Lease unless it was said. It waits for the node: a Lease without one says nothing.
func (p *pulses) say(l *pulse, now time.Time) {
	if _, ok := p.firstSeen(l.node, l.owner); !ok || l.state == "" || l.said == l.state {
		return
	}
	l.said = l.state
	p.publish(l, now)
}

func (p *pulses) publish(l *pulse, now time.Time) {
	id := "lease/" + l.uid + "/" + l.version + "/" + string(l.state)
	p.desk.publish("lease/"+l.uid, id, events.TypeLease, "node/"+l.node, now, events.Lease{
		Node: l.node, UID: l.uid, ResourceVersion: l.version, State: l.state,
		RenewTime: l.renewed.UTC(), Age: events.InSeconds(now.Sub(l.changed)), WasFresh: l.lived && l.state == events.LeaseStale,
	})
}

// due are the Leases that were not seen to be renewed for long enough, all of it since the watches see without a break and
// the node is there. What was not said yet, for want of the node, is said.
func (p *pulses) due(now, since time.Time) []beat {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []beat
	for _, name := range slices.Sorted(maps.Keys(p.seen)) {
		l := p.seen[name]
		p.say(l, now)
		node, ok := p.firstSeen(l.node, l.owner)
		if !ok || l.state == events.LeaseStale || now.Before(l.retry) {
			continue
		}
		if now.Sub(latest(l.changed, since, node)) >= p.staleAfter {
			out = append(out, l.beat)
		}
	}
	return out
}

// unsettled counts the Leases of which it is not known whether they are renewed since the watches see: neither a renewal was seen
// nor that there is none. Those that cannot be read do not count for ever. One that says that it was renewed a moment ago is taken at
// its word here: if its clock is wrong, the picture lacks that one node, and never for longer than a Lease may be silent.
func (p *pulses) unsettled(now, since time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(since) > 2*p.staleAfter {
		return 0
	}
	n := 0
	for _, l := range p.seen {
		stale := l.state == events.LeaseStale || l.state == "" && l.said == events.LeaseStale
		renewed := l.state == events.LeaseFresh && !l.changed.Before(since) || now.Sub(l.renewed).Abs() < p.staleAfter/2
		if _, there := p.firstSeen(l.node, l.owner); there && !stale && !renewed {
			n++
		}
	}
	return n
}

// agreed takes in what a direct read says of a Lease that is due.
func (p *pulses) agreed(now time.Time, due, read beat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.seen[due.node]
	switch {
	case !ok || l.uid != due.uid || l.version != due.version || older(read.version, due.version): // the watch was faster
	case read.uid != due.uid: // made anew, and the watch did not say so
		l.lag, l.retry = earliest(l.lag, now), now.Add(p.staleAfter/5)
	case read.renewed.Equal(due.renewed) && (!due.renewed.IsZero() || read.version == due.version):
		l.state = events.LeaseStale
		p.say(l, now)
	default:
		p.take(now, l, read)
		l.lag = now
	}
}

// absent takes in that a direct read found no such Lease.
func (p *pulses) absent(due beat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l, ok := p.seen[due.node]; ok && l.uid == due.uid && l.version == due.version {
		delete(p.seen, due.node)
	}
}

// unread takes in that a direct read failed, which says nothing about the Lease.
func (p *pulses) unread(now time.Time, due beat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l, ok := p.seen[due.node]; ok && l.uid == due.uid {
		l.retry = now.Add(p.staleAfter / 10)
	}
}

// lagging says whether the watch owes a renewal for longer than patience. It says so once for each.
func (p *pulses) lagging(now time.Time, patience time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	var lags bool
	for _, l := range p.seen {
		if !l.lag.IsZero() && now.Sub(l.lag) > patience {
			l.lag, lags = time.Time{}, true
		}
	}
	return lags
}

// review publishes what the View does not know although it was said, if it did not know it at the last review either.
func (p *pulses) review(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, found := p.view.KnownLeases(p.desk.cluster), map[string]events.LeaseState{}
	for name, l := range p.seen {
		k, ok := known[name]
		if _, there := p.firstSeen(l.node, l.owner); !there || l.state == "" || ok && !l.follows(k) {
			continue
		}
		found[l.uid] = l.state
		if p.doubts[l.uid] == l.state {
			p.publish(l, now)
		}
	}
	p.doubts = found
}

// follows says whether the state of a Lease comes after the one that is known: of one version stale comes after fresh.
func (l *pulse) follows(known events.Lease) bool {
	if known.UID == l.uid && known.State == l.state {
		return false
	}
	if l.state == events.LeaseFresh {
		return older(known.ResourceVersion, l.version)
	}
	return !older(l.version, known.ResourceVersion)
}

func latest(first time.Time, others ...time.Time) time.Time {
	for _, t := range others {
		if t.After(first) {
			first = t
		}
	}
	return first
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
