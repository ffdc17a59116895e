// Package protection knows what applications were promised: a DR level, how much may be lost, and how soon they serve again. And it judges
// how the promises stand, by a census of what a cluster holds: which recovery point could really be restored now, how old it is, and what is
// missing. It reads nothing itself.
//
// A DR level says how a promise is kept, from 1, backups that people restore, over 2, backups that are restored by plan, and 3, copies that
// are kept up all the time, to 4, a standby that takes over.
package protection

import (
	"path"
	"slices"
	"time"

	"github.com/salvor-io/salvor/responders"
)

// The least and the highest DR level.
const (
	MinLevel = 1
	MaxLevel = 4
)

// Promise is what one application was promised.
type Promise struct {
	Name       string
	Level      int           // MinLevel to MaxLevel
	RPO        time.Duration // so much of what was written last may be lost; 0 when that was not said
	RTO        time.Duration // so soon it is to serve again; 0 when that was not said
	Tier       int           // in which turn it is brought back among others, 1 first; 0 when that was not said
	Clusters   []string      // where it runs; empty: on all of them
	Namespaces []string      // patterns of the names of its namespaces, as path.Match has them
	Selector   Labels        // of these namespaces, those with all of these labels. What is not known of a namespace but its name takes it in
	Workloads  Labels        // in these namespaces, the workloads and volumes with all of these labels; empty: all
	Strategy   Strategy      // empty: see Way
	Backups    []Backup      // empty: see Wanted
}

// Labels are what an object is picked by: all of them must be on it. Empty, they pick every object.
type Labels map[string]string

// pick says whether an object with some labels is picked.
func (l Labels) pick(has map[string]string) bool {
	for key, value := range l {
		if got, ok := has[key]; !ok || got != value {
			return false
		}
	}
	return true
}

// Touched is a promise with those of its namespaces that something touches.
type Touched struct {
	Promise
	In []string // sorted
}

// Promises are all that were made, in the order of the configuration.
type Promises []Promise

// Of are the promises that something touches which reaches these namespaces of a cluster.
func (all Promises) Of(cluster string, namespaces []string) []Touched {
	var out []Touched
	for _, p := range all {
		if len(p.Clusters) > 0 && !slices.Contains(p.Clusters, cluster) {
			continue
		}
		if in := p.among(namespaces); len(in) > 0 {
			out = append(out, Touched{p, in})
		}
	}
	return out
}

// Any says whether something was promised of a namespace of a cluster, whatever it is labelled.
func (all Promises) Any(cluster, namespace string) bool {
	return len(all.Of(cluster, []string{namespace})) > 0
}

// On says whether something was promised about a cluster.
func (all Promises) On(cluster string) bool {
	return slices.ContainsFunc(all, func(p Promise) bool { return p.in(cluster) })
}

// Turn is in which turn it is brought back among others: what was said, or by its level, the highest first. 1 is left to what others stand upon.
func (p Promise) Turn() int {
	if p.Tier > 0 {
		return p.Tier
	}
	return MaxLevel + 2 - p.Level
}

// Within are the promises that hold in a cluster, as steps know them.
func (all Promises) Within(cluster string) []responders.Promise {
	var out []responders.Promise
	for _, p := range all {
		if p.in(cluster) {
			out = append(out, responders.Promise{Namespaces: p.Namespaces, Tier: p.Turn()})
		}
	}
	return out
}

// among are those of some namespaces that the promise is about.
func (p Promise) among(namespaces []string) []string {
	var in []string
	for _, name := range namespaces {
		if slices.ContainsFunc(p.Namespaces, func(pattern string) bool { ok, err := path.Match(pattern, name); return err == nil && ok }) {
			in = append(in, name)
		}
	}
	slices.Sort(in)
	return slices.Compact(in)
}
