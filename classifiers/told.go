package classifiers

import (
	"fmt"
	"strings"
	"time"
)

// Told is one event of the evidence as people read it.
type Told struct {
	ID   string    `json:"id"`
	At   time.Time `json:"at"`   // view time
	Text string    `json:"text"` // of what and what it said: "node worker-7: its Lease is stale"
}

// Tell says what the first events of the evidence of a fault said, in their order, as far as the view still knows.
func Tell(v *View, f *Fault) []Told {
	cluster, known := v.Clusters[f.Cluster]
	if !known {
		return nil
	}
	t := teller{left: map[string]bool{}, told: map[string]Told{}}
	for _, id := range f.Evidence[:min(len(f.Evidence), maxEvidence)] {
		t.left[id] = true
	}
	t.nodes(cluster, f.Scope.Nodes)
	for _, look := range []func(*Cluster){t.signals, t.objects} {
		if len(t.left) > 0 {
			look(cluster)
		}
	}
	var out []Told
	for _, id := range f.Evidence {
		if one, ok := t.told[id]; ok {
			out = append(out, one)
			delete(t.told, id)
		}
	}
	return out
}

// teller looks for events among what they left in the view.
type teller struct {
	left map[string]bool // ids not found yet
	told map[string]Told
}

// hears notes what an event said, when it is looked for.
func (t teller) hears(id string, at time.Time, text func() string) {
	if t.left[id] {
		t.told[id] = Told{id, at, cut(text(), maxText)}
		delete(t.left, id)
	}
}

func (t teller) nodes(c *Cluster, names []string) {
	for _, name := range names {
		n, ok := c.Nodes[name]
		if !ok {
			continue
		}
		t.hears(n.Evidence, n.ToldAt, func() string { return fmt.Sprintf("node %s: Ready is %s", named(name), named(n.Ready.Status)) })
		t.hears(n.Lease.Evidence, n.Lease.At, func() string { return fmt.Sprintf("node %s: its Lease is %s", named(name), n.Lease.State) })
	}
}

func (t teller) signals(c *Cluster) {
	for _, a := range c.Alerts {
		t.hears(a.Evidence, a.At, func() string { return fmt.Sprintf("alert %s: %s", named(a.Name), a.Status()) })
	}
	for _, key := range sortedKeys(c.Probes) {
		p := c.Probes[key]
		t.hears(p.Evidence, p.At, p.said)
	}
	for _, d := range c.Detections {
		t.hears(d.Evidence, d.At, func() string { return fmt.Sprintf("detection %s: %s", named(d.Rule), named(d.Priority)) })
	}
}

func (p ProbeView) said() string {
	if p.Up {
		return fmt.Sprintf("probe of %s by %s: it answers", named(p.Target), named(p.By))
	}
	return strings.TrimSuffix(fmt.Sprintf("probe of %s by %s: %s", named(p.Target), named(p.By), p.Reason), ": ")
}

func (t teller) objects(c *Cluster) {
	for _, d := range c.Deleted { // the end of what the others would tell as it was
		t.hears(d.Evidence, d.At, func() string { return cut(objectKey(d.Kind, d.Namespace, d.Name), 2*maxNamed) + ": deleted" })
	}
	for key, p := range c.Pods {
		t.hears(p.Evidence, p.At, func() string { return fmt.Sprintf("pod %s: %s", cut(key, 2*maxNamed), named(p.Trouble)) })
	}
	for key, w := range c.Workloads {
		t.hears(w.Evidence, w.ToldAt, func() string { return fmt.Sprintf("%s: %d of %d ready", cut(key, 2*maxNamed), w.Ready, w.Desired) })
	}
	for key, o := range c.Objects {
		t.hears(o.Evidence, o.ToldAt, func() string { return cut(key, 2*maxNamed) + ": " + o.said() })
	}
}

// said is what the last event of an object told.
func (o *ObjectView) said() string {
	switch {
	case o.Gone:
		return "deleted"
	case o.Phase != "":
		return named(o.Phase)
	}
	return "changed"
}
