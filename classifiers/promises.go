package classifiers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/events"
)

// AnchorApplication is the kind of anchor of what an application was promised.
const AnchorApplication = "application"

// The times of what is said of promises, which replicas judge every five minutes. What is broken at one look has to be so at the next one; and who has
// said nothing for three looks does not look.
const (
	promiseLasts  = 6 * time.Minute
	promiseBlind  = 16 * time.Minute
	promiseForgot = 24 * time.Hour
)

// maxPlaces bounds the namespaces that a sentence names.
const maxPlaces = 3

// PromiseView is what is known of one promise in one namespace.
type PromiseView struct {
	events.Promise
	Evidence string
	At       time.Time // view time since which it is as it is: kept, or broken in whichever way
	ToldAt   time.Time // view time at which that was last said
}

// broken says that it could not be restored as was promised.
func (p PromiseView) broken() bool {
	return p.State == events.PromiseOverdue || p.State == events.PromiseUnprotected
}

// foldPromise keeps what was said last. How many there are the configuration bounds.
func (c *Cluster) foldPromise(m moment, seen events.Promise) {
	key := seen.Application + "/" + seen.Namespace
	last, known := c.Promises[key]
	next := PromiseView{seen, m.evidence, m.at, m.at}
	if known && last.broken() == next.broken() {
		next.At = last.At
	}
	c.Promises[key] = next
}

func (c *Cluster) forgetPromises(now time.Time) {
	maps.DeleteFunc(c.Promises, func(_ string, p PromiseView) bool { return now.Sub(p.ToldAt) > promiseForgot })
}

// promises finds applications whose data could not be restored as was promised, one fault for each, whatever the namespaces.
func (c Data) promises(cluster *Cluster) []Finding {
	var out []Finding
	for _, key := range sortedKeys(cluster.Promises) {
		p := cluster.Promises[key]
		if !p.broken() {
			continue
		}
		at := slices.IndexFunc(out, func(f Finding) bool { return f.Anchor.Name == p.Application })
		if at < 0 {
			at = len(out)
			out = append(out, Finding{Window: promiseLasts, Fault: Fault{Kind: KindData, Cause: CauseProtectionMissing, Cluster: cluster.Name,
				Anchor: Anchor{Kind: AnchorApplication, Name: p.Application}, Sentence: "what " + named(p.Application) + " was promised could not be kept now"}})
		}
		out[at].breaks(p)
	}
	return out
}

// breaks adds one namespace to what is found of an application.
func (f *Finding) breaks(p PromiseView) {
	where := p.Namespace
	if where == "" {
		where = f.Cluster
	} else {
		f.Scope.Namespaces = append(f.Scope.Namespaces, p.Namespace)
	}
	why := map[events.PromiseState]string{events.PromiseOverdue: "more than twice as much as was promised would be lost", events.PromiseUnprotected: "it cannot be restored"}[p.State]
	if len(p.Missing) > 0 {
		why += ": " + cut(p.Missing[0], 2*maxNamed)
	}
	f.began(p.At)
	switch told := len(f.Signals); {
	case told < maxPlaces:
		f.Sentence += fmt.Sprintf("; %s: %s", named(where), why)
	case told == maxPlaces:
		f.Sentence += "; and in more namespaces"
	}
	if len(f.Evidence) < maxEvidence {
		f.Evidence = append(f.Evidence, p.Evidence)
		f.Signals = append(f.Signals, Signal{Name: "census of " + named(where), Source: SourceSalvor, Asked: true, Agrees: true, Detail: why})
	}
}

// unheard says that nobody has said lately how the promise of an application stands, though it was broken.
func (v *View) unheard(c *Cluster, application string) bool {
	for key, p := range c.Promises {
		if strings.HasPrefix(key, application+"/") && p.Application == application && v.Now.Sub(p.ToldAt) <= promiseBlind {
			return false
		}
	}
	return slices.ContainsFunc(slices.Collect(maps.Values(c.Promises)), func(p PromiseView) bool { return p.Application == application })
}
