package classifiers

import (
	"maps"
	"slices"
	"time"

	"github.com/salvor-io/salvor/events"
)

// The bounds of what people declare.
const (
	MaxDeclared    = 100            // declarations of one cluster that may stand at once
	MaxDeclaredFor = 24 * time.Hour // how long one may stand
)

// maxRemembered bounds the declarations that are remembered of a cluster, those that are over included. Of more, the one of which
// people spoke longest ago is forgotten, of those that are over if any is: what is known depends on the last event of each alone, as the
// log keeps it.
const maxRemembered = 2 * MaxDeclared

// DeclaredView is what a person said last of one fault. It is remembered for a while after it is over.
type DeclaredView struct {
	events.Declared
	Evidence string
	At       time.Time // view time at which they said so
}

// Stands says whether the declaration holds at a moment.
func (d DeclaredView) Stands(now time.Time) bool { return !d.Ended && now.Before(d.Until) }

// over is when the declaration ended, or ends.
func (d DeclaredView) over() time.Time {
	if d.Ended {
		return d.At
	}
	return d.Until
}

// declaredKey is what makes two declarations one: the fault that they are about. A cluster lies in one region.
func declaredKey(kind Kind, a Anchor) string {
	if kind == KindRegion {
		return string(kind)
	}
	return string(kind) + "/" + a.Kind + "/" + a.Name
}

// LastDeclared is what people said last of a fault, as far as that is remembered; see [ReadAnchor] for the anchor.
func (c *Cluster) LastDeclared(kind Kind, a Anchor) (DeclaredView, bool) {
	d, ok := c.Declared[declaredKey(kind, a)]
	return d, ok
}

// Standing are the declarations that stand at a moment, in a stable order.
func (c *Cluster) Standing(now time.Time) []DeclaredView {
	var out []DeclaredView
	for _, key := range sortedKeys(c.Declared) {
		if d := c.Declared[key]; d.Stands(now) {
			out = append(out, d)
		}
	}
	return out
}

// declaredZones are the zones that people say are lost.
func (c *Cluster) declaredZones(now time.Time) []string {
	var out []string
	for _, d := range c.Standing(now) {
		if Kind(d.Kind) == KindZone {
			out = append(out, d.Name)
		}
	}
	return out
}

// foldDeclared keeps what was said last of a fault, bounded whatever the event says.
func (c *Cluster) foldDeclared(m moment, seen events.Declared) {
	key := declaredKey(Kind(seen.Kind), Anchor{Kind: seen.Anchor, Name: seen.Name})
	if c.Declared[key].Evidence == m.evidence {
		return
	}
	if most := m.at.Add(MaxDeclaredFor); seen.Until.After(most) {
		seen.Until = most
	}
	c.Declared[key] = DeclaredView{seen, m.evidence, m.at}
	if len(c.Declared) > maxRemembered {
		delete(c.Declared, c.longestAgo(m.at))
	}
}

// longestAgo is the declaration of which people spoke longest ago, of those that are over if any is.
func (c *Cluster) longestAgo(now time.Time) string {
	keys := sortedKeys(c.Declared)
	over := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return c.Declared[key].Stands(now) })
	if len(over) > 0 {
		keys = over
	}
	return slices.MinFunc(keys, func(a, b string) int { return c.Declared[a].At.Compare(c.Declared[b].At) })
}

// forgetDeclared drops what has been over for long.
func (c *Cluster) forgetDeclared(now time.Time) {
	maps.DeleteFunc(c.Declared, func(_ string, d DeclaredView) bool { return now.Sub(d.over()) > goneFor })
}
