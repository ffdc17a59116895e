package classifiers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/events"
)

// group are alerts about one thing.
type group struct {
	anchor Anchor
	alerts []AlertView
}

// grouped are alerts by what they are about, in a stable order.
func grouped(alerts []AlertView, about func(AlertView) Anchor) []group {
	of := map[string]*group{}
	for _, a := range alerts {
		anchor := about(a)
		key := anchor.Identity()
		if of[key] == nil {
			of[key] = &group{anchor: anchor}
		}
		of[key].alerts = append(of[key].alerts, a)
	}
	var out []group
	for _, key := range sortedKeys(of) {
		out = append(out, *of[key])
	}
	return out
}

// sentence says what the alerts are about, and which they are. Where they name no object the anchor has the name of the alert.
func (g group) sentence() string {
	if strings.HasPrefix(g.anchor.Name, g.alerts[0].Name) {
		return fmt.Sprintf("a %s: %s", g.anchor.Kind, g.anchor.Name)
	}
	return fmt.Sprintf("%s %s: %s", g.anchor.Kind, g.anchor.Name, g.names())
}

// names are those of the alerts.
func (g group) names() string {
	var names []string
	for _, a := range g.alerts {
		names = append(names, a.Name)
	}
	return listed(names, "alerts")
}

// listed names the first of what may be many, in order and each once.
func listed(names []string, things string) string {
	const most = 3
	slices.Sort(names)
	names = slices.Compact(names)
	var out []string
	for _, name := range names[:min(len(names), most)] {
		out = append(out, named(name))
	}
	text := strings.Join(out, "; ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more %s", more, things)
	}
	return text
}

// called is the name of an anchor that labels give, which may be of any length. Of a long one both ends are kept: many names differ in
// their last letters alone.
func called(namespace, name string) string {
	const most, tail = 2 * maxNamed, maxNamed / 2
	text := strings.TrimPrefix(namespace+"/"+name, "/")
	if len(text) <= most {
		return cut(text, most)
	}
	return cut(text[:len(text)-tail], most-tail) + strings.ToValidUTF8(text[len(text)-tail:], "")
}

// alerted is the finding that alerts make alone.
func (c Data) alerted(cluster *Cluster, g group) Finding {
	f := Fault{Kind: KindData, Cluster: cluster.Name, Anchor: g.anchor, Scope: Scope{Namespaces: listOf(g.alerts[0].Labels.Of("namespace"))}, Sentence: g.sentence()}
	f.says(g.alerts)
	return Finding{Fault: f, Window: c.Window}
}

// firstOf is the first of the labels that is there.
func firstOf(labels events.LabelSet, names ...string) string {
	for _, name := range names {
		if value := labels.Of(name); value != "" {
			return value
		}
	}
	return ""
}
