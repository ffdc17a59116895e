package classifiers

import (
	"fmt"
	"strings"
	"time"
)

// Miss is a rule that did not match, and by how much: why a fault is this, and nothing wider, narrower or other.
type Miss struct {
	Rule string  `json:"rule"` // a stable name: "zone", "storm", "region", "config.change"
	Have float64 `json:"have"`
	Need float64 `json:"need"` // what would have matched: at least this, or at most this where Have is more
	Unit string  `json:"unit"` // of Have and Need: "nodes", "witnesses", "seconds"
	Text string  `json:"text"` // the same for a tired person
}

// Explainer is a classifier that can say which of its rules do not match where something was found. Misses is pure, as Classify is,
// and takes its numbers from what Classify judges by. The cluster is that of the fault, which is only read. A rule that has nothing to
// do with the fault, or that matches, is no miss.
type Explainer interface {
	Misses(v *View, c *Cluster, f *Fault) []Miss
}

// The bounds of what is told of one fault: how many misses, how many bytes of each sentence, how many of each name in it.
const (
	maxMisses = 8
	maxText   = 240
	maxNamed  = 64
)

// Explain says which rules do not match in the view where the fault was found: in the order of the classifiers, the first maxMisses.
// It costs about as much as classifying, so it is asked about what is recorded or looked at, and not about each finding.
func Explain(v *View, all []Classifier, f *Fault) []Miss {
	cluster, known := v.Clusters[f.Cluster]
	if !known {
		return nil
	}
	var out []Miss
	for _, c := range all {
		if e, ok := c.(Explainer); ok {
			out = append(out, e.Misses(v, cluster, f)...)
		}
	}
	return out[:min(len(out), maxMisses)]
}

// Recorded is the fault as it is kept: with what its evidence said and which rules did not match.
func Recorded(v *View, all []Classifier, f Fault) Fault {
	f.Told, f.Misses = Tell(v, &f), Explain(v, all, &f)
	return f
}

// miss makes a miss whose text has the numbers.
func miss(rule string, have, need int, unit, format string, args ...any) Miss {
	return Miss{rule, float64(have), float64(need), unit, cut(fmt.Sprintf(format, args...), maxText)}
}

// lapse is a miss about how long something took or takes.
func lapse(rule string, have, need time.Duration, format string, args ...any) Miss {
	return Miss{rule, have.Seconds(), need.Seconds(), "seconds", cut(fmt.Sprintf(format, args...), maxText)}
}

// cut is text of at most so many bytes, and valid.
func cut(text string, most int) string {
	if len(text) > most {
		return strings.ToValidUTF8(text[:most-3], "") + "..."
	}
	return strings.ToValidUTF8(text, "?")
}

func named(name string) string { return cut(name, maxNamed) }

// numbered is "1 node", "7 nodes".
func numbered(n int, things string) string {
	if n == 1 {
		things = strings.TrimSuffix(things, "s")
	}
	return fmt.Sprintf("%d %s", n, things)
}

// rounded is a duration as people write it: 30s, 2m, 1h, 1h30m.
func rounded(d time.Duration) string {
	text := d.Round(time.Second).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// aboutNodes says that the fault is about nodes, or about what they depend on.
func (f *Fault) aboutNodes() bool {
	return f.Kind == KindNode || f.Kind == KindZone || f.Kind == KindRegion
}
