package classifiers

import (
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/salvor-io/salvor/events"
)

// InForce says whether the silence holds at a moment.
func (s SilenceView) InForce(now time.Time) bool {
	return !now.Before(s.StartsAt) && now.Before(s.EndsAt)
}

// BlindToSilences says that silences are watched and nobody sees them now: then it is not known what people silenced.
func (v *View) BlindToSilences() bool {
	fleet, ok := v.Clusters[events.Fleet]
	if !ok {
		return false
	}
	watched := slices.ContainsFunc(slices.Collect(maps.Values(fleet.Observers)), func(o ObserverView) bool { return o.Watch == "silences" })
	return watched && !v.Sees(fleet, "silences")
}

// Silenced are the silences in force, in a stable order, by which people say that they know of a node, its zone or a namespace: all
// matchers about what is known of it match, and at least one names it. What else a silence asks for, such as the name of an alert, makes
// no difference: somebody is at work there.
func (v *View) Silenced(cluster, node, zone, namespace string) []SilenceView {
	known := map[string]string{"cluster": cluster, "node": node, "instance": node, "kubernetes_node": node, "zone": zone,
		"topology_kubernetes_io_zone": zone, "namespace": namespace}
	var out []SilenceView
	for _, id := range sortedKeys(v.Silences) {
		if s := v.Silences[id]; s.InForce(v.Now) && s.names(known) {
			out = append(out, s)
		}
	}
	return out
}

func (s SilenceView) names(known map[string]string) bool {
	named := false
	for _, m := range s.Matchers {
		value, about := known[m.Name]
		if !about || value == "" {
			continue
		}
		if !matches(m, value) {
			return false
		}
		named = named || !m.Not && m.Name != "cluster"
	}
	return named
}

// matches says whether a matcher takes a value; that of an instance also with any port. One that cannot be read takes none.
func matches(m events.Matcher, value string) bool {
	takes := m.Value == value
	if m.Regex {
		re, err := regexp.Compile("^(?:" + m.Value + ")$")
		takes = err == nil && (re.MatchString(value) || m.Name == "instance" && re.MatchString(value+":9100"))
	} else if m.Name == "instance" {
		takes = hostOf(m.Value) == value
	}
	return takes != m.Not
}
