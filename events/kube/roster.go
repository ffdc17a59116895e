package kube

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/salvor-io/salvor/events"
)

// roster is what was last seen of the nodes of a cluster. It publishes what changed.
type roster struct {
	desk desk
	view View

	mu     sync.Mutex
	seen   map[string]sighted // by name; nil until the first list
	at     string             // newest resource version that was seen
	doubts map[string]bool    // ids of the differences the last review found
}

func newRoster(d desk, view View) *roster { return &roster{desk: d, view: view} }

// firstSeen says since when the node to which a Lease belongs has been seen, or false when there is no such node.
func (r *roster) firstSeen(name, owner string) (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.seen[name]
	return n.first, ok && (owner == "" || owner == n.UID)
}

func (r *roster) replace(all []sighted, unread []string, version string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, first := r.seen, time.Now()
	if before == nil {
		before, first = r.known(), time.Time{}
	}
	after := make(map[string]sighted, len(all))
	for _, n := range all {
		n.first = first
		if old, ok := before[n.Name]; ok && old.UID == n.UID {
			n.first = old.first
		}
		after[n.Name] = n
	}
	for _, name := range unread {
		if old, ok := before[name]; ok {
			after[name] = old
		}
	}
	if older(version, r.at) {
		r.desk.log.Warn("resource versions went back: was the cluster's store restored without a revision bump?", "from", r.at, "to", version)
	}
	r.seen, r.at = after, version
	for _, n := range differences(before, after, version) {
		r.publish(n)
	}
}

// known is what the View knows, in the form of what is seen.
func (r *roster) known() map[string]sighted {
	out := map[string]sighted{}
	for name, n := range r.view.Known(r.desk.cluster) {
		out[name] = see(n)
	}
	return out
}

// differences lists what must be said to somebody who knows before, so that they know after, which was seen at version.
// What they know is let be when it is newer than that.
func differences(before, after map[string]sighted, version string) []sighted {
	var out []sighted
	for _, name := range slices.Sorted(maps.Keys(before)) {
		old := before[name]
		if now, ok := after[name]; (!ok || now.UID != old.UID) && !older(version, old.ResourceVersion) {
			old.Gone = true
			out = append(out, old)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		old, ok := before[name]
		now := after[name]
		same := ok && old.UID == now.UID && old.digest == now.digest
		ahead := ok && older(now.ResourceVersion, old.ResourceVersion)
		if !same && !ahead {
			out = append(out, now)
		}
	}
	return out
}

func (r *roster) put(n sighted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old, ok := r.seen[n.Name]
	if r.seen == nil || ok && older(n.ResourceVersion, old.ResourceVersion) {
		return
	}
	r.reached(n.ResourceVersion)
	n.first = old.first
	if ok && old.UID != n.UID {
		r.gone(old)
	}
	if !ok || old.UID != n.UID {
		n.first = time.Now()
	}
	r.seen[n.Name] = n
	if !ok || old.UID != n.UID || old.digest != n.digest {
		r.publish(n)
	}
}

func (r *roster) remove(n sighted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old, ok := r.seen[n.Name]
	if !ok || old.UID != n.UID || older(n.ResourceVersion, old.ResourceVersion) {
		return
	}
	r.reached(n.ResourceVersion)
	delete(r.seen, n.Name)
	r.gone(n)
}

func (r *roster) reached(version string) {
	if !older(version, r.at) {
		r.at = version
	}
}

func (r *roster) gone(n sighted) {
	n.Gone = true
	r.publish(n)
}

// publish says what a node is now. A node ends once, whoever saw it; everything else is (UID, version, what it says).
func (r *roster) publish(n sighted) {
	r.desk.publish("node/"+n.UID, nodeEventID(n), events.TypeNode, "node/"+n.Name, time.Now(), n.Node)
}

func nodeEventID(n sighted) string {
	if n.Gone {
		return "node/" + n.UID + "/gone"
	}
	return "node/" + n.UID + "/" + n.ResourceVersion + "/" + n.digest
}

// review publishes where the View differs from what is seen, if it did so at the last review too: the View follows the
// log at a distance, and the watch follows the cluster at another.
func (r *roster) review() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		return
	}
	found := map[string]bool{}
	for _, n := range differences(r.known(), r.seen, r.at) {
		id := nodeEventID(n)
		found[id] = true
		if r.doubts[id] {
			r.publish(n)
		}
	}
	r.doubts = found
}
