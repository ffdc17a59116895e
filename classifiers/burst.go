package classifiers

import (
	"slices"
	"time"
)

// once leaves one deletion of each object.
func once(all []Deletion) []Deletion {
	counts := map[string]int{}
	for i := range all {
		if at, known := counts[all[i].key()]; !known || !all[at].BackAt.IsZero() {
			counts[all[i].key()] = i
		}
	}
	out := make([]Deletion, 0, len(counts))
	for i := range all {
		if counts[all[i].key()] == i {
			out = append(out, all[i])
		}
	}
	return out
}

// claims are those of the deletions that are of volume claims.
func claims(all []Deletion) []Deletion {
	return slices.DeleteFunc(slices.Clone(all), func(d Deletion) bool { return d.Kind != kindClaim })
}

// lost are those of the deletions that are not made good.
func lost(all []Deletion) []Deletion {
	return slices.DeleteFunc(slices.Clone(all), func(d Deletion) bool { return !d.BackAt.IsZero() })
}

// run are the deletions, in order, of the longest run within the while.
func (d Deletions) run(all []Deletion) []Deletion {
	var most []Deletion
	first := 0
	for last := range all {
		for all[last].At.Sub(all[first].At) > d.Within {
			first++
		}
		if last+1-first > len(most) {
			most = all[first : last+1]
		}
	}
	return most
}

// burst is the largest set of deletions, in order, that fell within the while and were all gone at one time, of those of which
// something is still lost; nil when that is no burst.
func (d Deletions) burst(all []Deletion, least int) []Deletion {
	if least <= 0 || len(all) < least || !slices.ContainsFunc(all, func(one Deletion) bool { return one.BackAt.IsZero() }) {
		return nil
	}
	t := tide{all: all, out: make([]bool, len(all)), backs: returned(all)}
	most, from, to := 0, 0, 0
	lastLost := -1
	for last := range all {
		if all[last].BackAt.IsZero() {
			lastLost = last
		}
		if t.rise(last, d.Within); lastLost >= t.first && t.gone > most {
			most, from, to = t.gone, t.first, last
		}
	}
	if most < least {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(all[from:to+1]), func(one Deletion) bool {
		return !one.BackAt.IsZero() && one.BackAt.Before(all[to].At)
	})
}

// tide counts what is gone at one time, as one deletion comes after the other.
type tide struct {
	all   []Deletion
	out   []bool // does not count any more: it is too long ago, or was there again
	backs []int  // those that were there again, in the order of that
	first int    // the first that is within the while
	gone  int
}

// returned are the deletions that are made good, in that order.
func returned(all []Deletion) []int {
	var out []int
	for i := range all {
		if !all[i].BackAt.IsZero() {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b int) int { return all[a].BackAt.Compare(all[b].BackAt) })
	return out
}

// rise counts one more deletion, the last.
func (t *tide) rise(last int, within time.Duration) {
	now := t.all[last].At
	t.gone++
	for ; now.Sub(t.all[t.first].At) > within; t.first++ {
		t.drop(t.first)
	}
	for len(t.backs) > 0 && t.all[t.backs[0]].BackAt.Before(now) {
		t.drop(t.backs[0])
		t.backs = t.backs[1:]
	}
}

func (t *tide) drop(i int) {
	if !t.out[i] {
		t.out[i] = true
		t.gone--
	}
}
