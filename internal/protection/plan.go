package protection

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Plan is what would have to be in a cluster so that what is promised is kept by snapshots. It changes nothing.
type Plan struct {
	Classes   []ClassObject
	Schedules []ScheduleObject
	Notes     []string // what it rests on, and what it cannot bring about
}

// PlanFor works out the Schedules of Velero and the VolumeSnapshotClasses that would keep the promises in the cluster of a census. A promise
// that is kept by copies, by Git, or by a backup whose age a query tells needs none. One that has a schedule which is often enough keeps that.
func PlanFor(promises Promises, census *Census) Plan {
	pl := &planning{judge: judgeOf(census)}
	for _, p := range promises {
		if _, wanted := snapshotRPO(p); wanted && p.in(census.Cluster) {
			pl.plan(p)
		}
	}
	if !census.Velero {
		pl.note("Velero is not installed: its Schedules do nothing before it is")
	}
	return pl.Plan
}

type planning struct {
	*judge
	Plan
}

func (pl *planning) note(text string, args ...any) {
	if text = fmt.Sprintf(text, args...); !slices.Contains(pl.Notes, text) {
		pl.Notes = append(pl.Notes, text)
	}
}

func (pl *planning) plan(p Promise) {
	names := pl.namespacesOf(p)
	rpo, _ := snapshotRPO(p)
	every, can := interval(rpo)
	switch {
	case len(names) == 0:
		pl.note("%s: no namespace of this cluster is one of its own, and nothing is backed up for it", p.Name)
		return
	case !can:
		pl.note("%s: %s of writes may be lost, and backups cannot be made that often: keep a copy (backups in salvor.yaml)", p.Name, Span(rpo))
		return
	}
	if by, kept := pl.keptBy(p, names, rpo); kept {
		pl.note("%s: schedule %s is often enough", p.Name, by)
		return
	}
	pl.Schedules = append(pl.Schedules, pl.schedule(p, names, every))
}

// keptBy looks for a schedule of somebody else that makes a backup of all namespaces of a promise before what may be lost has passed.
func (pl *planning) keptBy(p Promise, names []string, rpo time.Duration) (string, bool) {
	need := p.need("", false)
	need.Namespaces = names
	for _, s := range pl.judge.Schedules {
		if s.Name != nameFor(p) && !s.Paused && s.Why == "" && s.Every > 0 && (rpo == 0 || s.Every <= rpo) && pl.covers(s.Scope, need) {
			return s.Namespace + "/" + s.Name, true
		}
	}
	return "", false
}

// intervals are those that divide an hour or a day, so that no two firings lie further apart than the others.
func intervals() []time.Duration {
	var out []time.Duration
	for _, hours := range []time.Duration{24, 12, 8, 6, 4, 3, 2, 1} {
		out = append(out, hours*time.Hour)
	}
	for _, minutes := range []time.Duration{30, 20, 15, 10, 5} {
		out = append(out, minutes*time.Minute)
	}
	return out
}

// interval is how often a backup has to begin so that no more than rpo is lost. A backup leads back to when it began, and counts only once it
// has ended: right before the next one ends, the last is as old as one interval and the time that a backup takes. So the interval has to be
// shorter than rpo by that. And one backup fails now and then: for the promise to be kept then, too, two intervals and the time of a backup
// have to fit. It is the longest of which two are shorter than rpo. Without an rpo it is a day.
func interval(rpo time.Duration) (every time.Duration, can bool) {
	if rpo == 0 {
		return intervals()[0], true
	}
	for _, d := range intervals() {
		if 2*d < rpo {
			return d, true
		}
	}
	return 0, false
}

// cronFor fires each interval, shifted by what is left of a number when the interval is taken out: not all backups begin at once.
func cronFor(every time.Duration, number uint32) string {
	at := int(number % uint32(every/time.Minute))
	minute, hour := at%60, at/60
	switch {
	case every < time.Hour:
		return fmt.Sprintf("%d-59/%d * * * *", at, int(every/time.Minute))
	case every == 24*time.Hour:
		return fmt.Sprintf("%d %d * * *", minute, hour)
	case every == time.Hour:
		return fmt.Sprintf("%d * * * *", minute)
	}
	return fmt.Sprintf("%d %d-23/%d * * *", minute, hour, int(every/time.Hour))
}

// How long backups are kept: about a hundred of them, but at least so long that what was corrupted before a weekend can be brought back after
// it, and no longer than Velero's own month.
const (
	keptLeast = 96 * time.Hour
	keptMost  = 720 * time.Hour
)

func kept(every time.Duration) time.Duration { return min(max(100*every, keptLeast), keptMost) }

// nameFor is the name of the Schedule of a promise. Names that would be the same once they are spelled as Kubernetes spells names differ.
func nameFor(p Promise) string {
	const longest = 40 // Velero adds when a backup began, and writes the whole into a label
	name := strings.Trim(strings.Map(plain, strings.ToLower(p.Name)), "-.")
	if name != p.Name || len(name) > longest {
		name = fmt.Sprintf("%s-%06x", strings.TrimRight(name[:min(len(name), longest)], "-."), hash(p.Name)&0xffffff)
	}
	return "salvor-" + name
}

func plain(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
		return r
	}
	return '-'
}
