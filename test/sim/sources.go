package sim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/salvor-io/salvor/events"
)

const (
	staleAfter  = 25 * time.Second // of a Lease that is not renewed
	blindAfter  = 5 * time.Second  // without an answer a watch says that it does not see
	observes    = 10 * time.Second // how often observers and probers say how things are
	relistAfter = 2 * time.Second  // of being reached again
)

// watched is what a replica's watches know of a node.
type watched struct {
	uid     string
	version int
	beatAt  time.Time // the renewal that was seen last
	seenAt  time.Time // when it was seen
	stale   bool
	known   bool // something was said of its Lease
}

// watcher is a replica's watches and probe of one cluster.
type watcher struct {
	replica   *replica
	cluster   *cluster
	life      int
	nodes     map[string]*watched
	sees      bool
	since     time.Time // since when
	said      bool      // what was last reported
	silent    time.Time // since when the cluster does not answer
	answers   time.Time // since when it does
	reported  time.Time
	probed    time.Time
	up        bool
	relistAll bool
	lists     bool // it publishes what a list brought
}

func newWatcher(p *replica, c *cluster) *watcher {
	return &watcher{replica: p, cluster: c, life: p.lives, nodes: map[string]*watched{}, answers: p.run.clock.Now(), relistAll: true}
}

// know takes over what the view knows, as a watch that begins does: only differences are published.
func (w *watcher) know() {
	now := w.replica.run.clock.Now()
	for name, n := range w.replica.life.Pipeline().Known(w.cluster.name) {
		version, _ := strconv.Atoi(n.ResourceVersion)
		w.nodes[name] = &watched{uid: n.UID, version: version, seenAt: now}
	}
	for name, l := range w.replica.life.Pipeline().KnownLeases(w.cluster.name) {
		if n := w.nodes[name]; n != nil {
			n.stale, n.known = l.State == events.LeaseStale, true
			n.beatAt = beatOf(l.ResourceVersion)
		}
	}
}

func beatOf(version string) time.Time {
	nanos, _ := strconv.ParseInt(version, 10, 64)
	return time.Unix(0, nanos).UTC()
}

// second lets a second pass: it looks whether it reaches the cluster, and says what has changed.
func (w *watcher) second(now time.Time) {
	if w.cluster.reached(w.replica.name) {
		if w.answers.IsZero() {
			w.answers = now
		}
		w.silent = time.Time{}
	} else {
		if w.silent.IsZero() {
			w.silent = now
		}
		w.answers = time.Time{}
	}
	switch {
	case w.sees && !w.silent.IsZero() && now.Sub(w.silent) >= blindAfter:
		w.sees, w.relistAll = false, true
	case !w.sees && !w.answers.IsZero() && now.Sub(w.answers) >= relistAfter:
		w.sees, w.since = true, now
		w.lists = true
		w.look(now)
		w.lists = false
	case w.sees && w.silent.IsZero():
		w.look(now)
	}
	if settled := w.sees && w.settled(now); settled != w.said || now.Sub(w.reported) >= observes {
		w.report(settled)
	}
	w.probe(now)
}

// look publishes the differences between what is and what was said. Now and then it misses one until it lists anew.
func (w *watcher) look(now time.Time) {
	r := w.replica.run
	all := w.relistAll || now.Unix()%30 == 0
	w.relistAll = false
	there := map[string]bool{}
	for _, m := range w.cluster.machines {
		if m.gone {
			continue
		}
		there[m.name] = true
		n := w.nodes[m.name]
		if n == nil || n.uid != m.uid {
			n = &watched{uid: m.uid, beatAt: m.beatAt, seenAt: now.Add(-time.Millisecond)}
			w.nodes[m.name] = n
		}
		if n.version != m.version && (all || r.chaos.IntN(20) > 0) {
			n.version = m.version
			w.sayNode(m, false)
		}
		w.lease(m, n, now)
	}
	if !all {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(w.nodes)) {
		if !there[name] {
			if m := w.cluster.byUID(w.nodes[name].uid); m != nil {
				w.sayNode(m, true)
			}
			delete(w.nodes, name)
		}
	}
}

func (c *cluster) byUID(uid string) *machine {
	for _, m := range c.machines {
		if m.uid == uid {
			return m
		}
	}
	return nil
}

// lease says when a Lease has not been seen to be renewed for long, by the watcher's own clock, and when it is again.
func (w *watcher) lease(m *machine, n *watched, now time.Time) {
	if !m.beatAt.Equal(n.beatAt) {
		n.beatAt, n.seenAt = m.beatAt, now
		if n.stale || !n.known {
			n.stale, n.known = false, true
			w.sayLease(m, events.LeaseFresh, 0)
		}
		return
	}
	if age := min(now.Sub(n.seenAt), now.Sub(w.since)); !n.stale && age > staleAfter {
		n.stale, n.known = true, true
		w.sayLease(m, events.LeaseStale, age)
	}
}

func (w *watcher) sayNode(m *machine, gone bool) {
	status := "True"
	if m.unknown {
		status = "Unknown"
	}
	version := m.version
	if gone {
		version++
	}
	n := events.Node{Name: m.name, UID: m.uid, ResourceVersion: strconv.Itoa(version), Gone: gone, Created: w.replica.run.start, Zone: m.zone,
		Region: w.cluster.region, Ready: events.Condition{Status: status}, Unschedulable: m.person || m.cordoned != ""}
	if m.cordoned != "" {
		n.Annotations = map[string]string{"salvor.io/cordoned": m.cordoned}
	}
	w.say(fmt.Sprintf("node/%s/%s/%d/%v", w.cluster.name, m.uid, version, gone), events.TypeNode, "node/"+m.name, n)
}

func (w *watcher) sayLease(m *machine, state events.LeaseState, age time.Duration) {
	version := strconv.FormatInt(m.beatAt.UnixNano(), 10)
	w.say(fmt.Sprintf("lease/%s/%s/%s/%s", w.cluster.name, m.uid, version, state), events.TypeLease, "node/"+m.name,
		events.Lease{Node: m.name, UID: "lease-" + m.uid, ResourceVersion: version, State: state, Age: events.InSeconds(age), WasFresh: true})
}

// settled says that of each Lease it is known whether it is renewed since the watch sees.
func (w *watcher) settled(now time.Time) bool {
	if now.Sub(w.since) > 2*staleAfter {
		return true
	}
	for _, n := range w.nodes {
		if !n.stale && n.seenAt.Before(w.since) && now.Sub(n.beatAt) >= staleAfter/2 {
			return false
		}
	}
	return true
}

// report says whether the watches see.
func (w *watcher) report(sees bool) {
	for _, ev := range w.reports(sees) {
		w.replica.run.publish(w, ev)
	}
}

// reports are the events that say so.
func (w *watcher) reports(sees bool) (evs []events.Event) {
	r := w.replica.run
	entity := func(watch string) string { return "observer/" + w.replica.name + "/" + watch }
	if !w.reported.IsZero() && w.said == sees {
		entity = func(watch string) string { return events.Again("observer/" + w.replica.name + "/" + watch) }
	}
	w.reported, w.said = r.clock.Now(), sees
	for _, watch := range []string{"nodes", "leases"} {
		evs = append(evs, r.event(fmt.Sprintf("observer/%s/%s/%s/%d", w.cluster.name, w.replica.name, watch, w.reported.UnixNano()), events.TypeObserver, w.cluster.name,
			entity(watch), events.Observer{Replica: w.replica.name, Watch: watch, Seeing: sees, Synced: sees}))
	}
	if w.cluster == r.clusters[0] {
		evs = append(evs, r.event(fmt.Sprintf("observer/silences/%s/%d", w.replica.name, w.reported.UnixNano()), events.TypeObserver, events.Fleet,
			entity("silences"), events.Observer{Replica: w.replica.name, Watch: "silences", Seeing: true, Synced: true}))
	}
	return evs
}

// probe tries the API server.
func (w *watcher) probe(now time.Time) {
	up := w.cluster.reached(w.replica.name)
	if up == w.up && now.Sub(w.probed) < observes {
		return
	}
	entity := "probe/" + w.replica.name + "/apiserver"
	if up == w.up && !w.probed.IsZero() {
		entity = events.Again(entity)
	}
	w.up, w.probed = up, now
	w.say(fmt.Sprintf("probe/%s/%s/%d", w.cluster.name, w.replica.name, now.UnixNano()), events.TypeProbe, entity,
		events.Probe{By: w.replica.name, Target: "apiserver", Up: up})
}

func (w *watcher) say(id string, typ events.Type, entity string, payload any) {
	r := w.replica.run
	r.publish(w, r.event(id, typ, w.cluster.name, entity, payload))
}

// publish records an event a moment later, each on its own way, so that they come in another order; none when the replica has died
// by then. A store that is down is tried again.
func (r *run) publish(w *watcher, ev events.Event) {
	delay := r.chance(400 * time.Millisecond)
	if w.lists {
		delay = 0 // what a list brought is recorded before the watch says that it is in step
	} else if ev.Type != events.TypeObserver && r.chaos.IntN(8) == 0 {
		delay = r.chance(3 * time.Second)
	}
	var try func()
	try = func() {
		if w.replica.life == nil || w.replica.lives != w.life {
			return
		}
		if _, err := r.log.Append(r.ctx, ev); err != nil {
			r.clock.At(r.clock.Now().Add(time.Second), try)
		}
	}
	r.clock.At(r.clock.Now().Add(delay), try)
}

func (r *run) event(id string, typ events.Type, cluster, entity string, payload any) events.Event {
	at := r.clock.Now().Add(time.Duration(r.chaos.Int64N(int64(20*time.Minute))) - 10*time.Minute) // clocks of others are wrong
	ev, err := events.New(id, typ, "/sim", cluster, entity, at, payload)
	if err != nil {
		panic(err)
	}
	return ev
}
