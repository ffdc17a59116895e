package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
)

// What a disaster can be taken for.
var kinds = []string{"nothing", "node", "storm", "zone", "region"}

// Matrix counts what disasters, by what they were, were taken for.
type Matrix map[string]map[string]int

// Add adds another.
func (m Matrix) Add(other Matrix) {
	for was, row := range other {
		for seen, n := range row {
			m.count(was, seen, n)
		}
	}
}

func (m Matrix) count(was, seen string, n int) {
	if m[was] == nil {
		m[was] = map[string]int{}
	}
	m[was][seen] += n
}

// String is the matrix as a table in Markdown.
func (m Matrix) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| was | %s |\n|%s\n", strings.Join(kinds, " | "), strings.Repeat(" --- |", len(kinds)+1))
	for _, was := range []string{"node", "neighbours", "replaced", "person", "zone", "region", "storm", "partition", "witness"} {
		if m[was] == nil {
			continue
		}
		fmt.Fprintf(&b, "| %s |", was)
		for _, seen := range kinds {
			fmt.Fprintf(&b, " %d |", m[was][seen])
		}
		b.WriteString("\n")
	}
	return b.String()
}

// Duty counts the disasters that had to be found, since they could be seen for long enough, and those of them that were not.
type Duty struct{ Had, Missed int }

// Duties are by what the disasters were.
type Duties map[string]Duty

// Add adds others.
func (d Duties) Add(other Duties) {
	for was, duty := range other {
		d.add(was, duty)
	}
}

func (d Duties) add(was string, duty Duty) {
	d[was] = Duty{d[was].Had + duty.Had, d[was].Missed + duty.Missed}
}

// recall judges what had to be found.
type recall struct {
	run   *run
	able  map[string]time.Time // since when Salvor is able to see a cluster
	lasts map[*disaster]time.Duration
	free  map[*disaster]time.Time // when an incident of its zone last held what was lost in it
	spans []*span
	lives map[incident.ID]*span // the last of each incident
}

// span is how long an incident lived, and was about one loss: it begins anew where what was gone is lost again.
type span struct {
	cluster, kind, anchor string
	from, to              time.Time // to is zero while it lives
}

func newRecall(r *run) *recall {
	return &recall{run: r, able: map[string]time.Time{}, lasts: map[*disaster]time.Duration{}, free: map[*disaster]time.Time{}, lives: map[incident.ID]*span{}}
}

func (c *recall) record(rec incident.Sequenced) {
	now, lives := c.run.clock.Now(), c.lives[rec.Incident]
	switch {
	case rec.Kind == incident.Opened:
		kind := rec.Key.Kind
		if kind == "node" && rec.Fault.Anchor.Kind == "cluster" {
			kind = "storm"
		}
		c.begins(rec.Incident, span{rec.Key.Cluster, kind, rec.Fault.Anchor.Name, now, time.Time{}})
	case rec.Kind == incident.Recurred && lives != nil:
		lives.to = now
		c.begins(rec.Incident, span{lives.cluster, lives.kind, lives.anchor, now, time.Time{}})
	case rec.Kind == incident.Closed && lives != nil:
		lives.to = now
	}
}

func (c *recall) begins(id incident.ID, s span) { c.spans, c.lives[id] = append(c.spans, &s), &s }

// second notes of each disaster for how long Salvor was able to see it, without a break.
func (c *recall) second(now time.Time) {
	for _, d := range c.run.disasters {
		since := c.capable(d, now)
		if since.IsZero() || now.Before(d.from) || now.After(d.to) {
			continue
		}
		if c.covered(d) {
			c.free[d] = now
		}
		since = latest(latest(since, d.from), c.free[d])
		c.lasts[d] = max(c.lasts[d], now.Sub(since))
	}
}

// covered says that an incident of the zone in which the disaster is still lives from before it: that holds what is lost there until it is
// closed.
func (c *recall) covered(d *disaster) bool {
	return slices.ContainsFunc(c.spans, func(s *span) bool {
		return s.kind == "zone" && s.cluster == d.cluster.name && s.anchor == d.zone && d.kind != "zone" && s.from.Before(d.from) && s.to.IsZero()
	})
}

// capable says since when Salvor can see what the disaster is about: a replica lives that keeps up and reaches the cluster, or, where
// nobody reaches it, is told so.
func (c *recall) capable(d *disaster, now time.Time) time.Time {
	key := d.cluster.name
	able := false
	for _, p := range c.run.replicas {
		up := p.life != nil && now.Sub(p.began) > 5*time.Second && now.After(p.stuck)
		able = able || up && (d.kind == "region" || d.cluster.reached(p.name))
	}
	if !able || c.run.log.down {
		delete(c.able, key)
		return time.Time{}
	}
	if _, ok := c.able[key]; !ok {
		c.able[key] = now
	}
	return c.able[key]
}

// enough is how long a disaster has to be observable: until its Leases are seen to be stale, and twice the confirmation window.
const enough = 25*time.Second + 10*time.Second + 5*time.Second + 2*15*time.Second + 20*time.Second

// judge says what was missed, what each disaster was taken for, and how many had to be found.
func (c *recall) judge(seen Matrix, duties Duties) (missed []string) {
	for _, d := range c.run.disasters {
		found, want := c.found(d), c.wants(d)
		seen.count(d.kind, found, 1)
		if c.lasts[d] < enough || want == "" {
			continue
		}
		duty := Duty{Had: 1}
		if !strings.Contains(want, found) {
			duty.Missed = 1
			missed = append(missed, fmt.Sprintf("%s was taken for %s, want %s; it could be seen for %s", d, found, want, c.lasts[d].Round(time.Second)))
		}
		duties.add(d.kind, duty)
	}
	return missed
}

// wants is what a disaster may be taken for, "" for anything.
func (c *recall) wants(d *disaster) string {
	switch d.kind {
	case "node", "neighbours", "person", "replaced":
		return "node storm zone"
	case "zone":
		if len(d.machines) < 2 {
			return "node storm"
		}
		return "zone"
	case "storm":
		if len(d.machines) < 3 || len(d.machines)*5 < len(d.cluster.machines) {
			return ""
		}
		return "storm zone"
	case "region":
		return "region"
	}
	return ""
}

// found is the widest that an incident said of the cluster of a disaster while it lasted.
func (c *recall) found(d *disaster) string {
	best := 0
	for _, s := range c.spans {
		if s.cluster != d.cluster.name || s.from.After(d.to.Add(20*time.Second)) || !s.to.IsZero() && s.to.Before(d.from) || !c.about(s, d) {
			continue
		}
		for rank, kind := range kinds {
			if kind == s.kind {
				best = max(best, rank)
			}
		}
	}
	return kinds[best]
}

// about says whether an incident can be about a disaster, and is not what is left of an earlier one.
func (c *recall) about(s *span, d *disaster) bool {
	if s.kind != "node" || len(d.machines) == 0 {
		return !s.from.Before(d.from)
	}
	for _, m := range d.machines {
		if m.name == s.anchor {
			return true
		}
	}
	return false
}
