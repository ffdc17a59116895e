package doctor

import (
	"fmt"
	"slices"

	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/common/model"

	"github.com/salvor-io/salvor/events/alertmanager"
)

// clusterLabel is the label that names an alert's cluster.
const clusterLabel = "cluster"

// severities are tried of each alert, since routes look at them and everybody sets their own.
func severities() []string { return []string{"", "none", "info", "warning", "critical"} }

// survey is where the shipped alerts go.
type survey struct {
	asked    int
	clusters []string            // of those asked about, the ones of which any alert reaches Salvor
	missed   map[string][]string // alerts that do not reach Salvor, by the reason
	lost     map[string][]string // alerts that receivers would hear of without Salvor's route, by receiver
}

// survey asks about each shipped alert of each cluster with each severity. A route for some of the clusters is judged by these.
func (r routes) survey(clusters []string) survey {
	out := survey{missed: map[string][]string{}, lost: map[string][]string{}}
	shipped := alertmanager.Shipped()
	out.asked = len(shipped)
	for _, cluster := range clusters {
		if slices.ContainsFunc(shipped, func(s alertmanager.ShippedAlert) bool { return r.reaches(labelsOf(s, cluster, "critical")) }) {
			out.clusters = append(out.clusters, cluster)
		}
	}
	ask := out.clusters
	if len(ask) == 0 {
		ask = append(slices.Clone(clusters), "")[:1]
	}
	for _, s := range shipped {
		r.follow(&out, s, ask)
	}
	return out
}

func (r routes) follow(out *survey, s alertmanager.ShippedAlert, clusters []string) {
	why, lost := "", map[string]bool{}
	for _, cluster := range clusters {
		for _, severity := range severities() {
			labels := labelsOf(s, cluster, severity)
			if why == "" && !r.reaches(labels) {
				why = r.why(labels)
				if severity != "" {
					why += " when their severity is " + severity
				}
			}
			for _, receiver := range r.others(r.without, labels) {
				if !slices.Contains(r.others(r.with, labels), receiver) {
					lost[receiver] = true
				}
			}
		}
	}
	if why != "" {
		out.missed[why] = append(out.missed[why], s.Name)
	}
	for receiver := range lost {
		out.lost[receiver] = append(out.lost[receiver], s.Name)
	}
}

func labelsOf(s alertmanager.ShippedAlert, cluster, severity string) model.LabelSet {
	set := model.LabelSet{}
	for name, value := range s.Labels {
		set[model.LabelName(name)] = model.LabelValue(value)
	}
	for name, value := range map[model.LabelName]string{clusterLabel: cluster, "severity": severity} {
		if value != "" {
			set[name] = model.LabelValue(value)
		}
	}
	return set
}

func (r routes) reaches(labels model.LabelSet) bool {
	return slices.ContainsFunc(r.with.Match(labels), func(to *dispatch.Route) bool { return r.ours[to.RouteOpts.Receiver] })
}

// others are the receivers that an alert goes to, but for Salvor's.
func (r routes) others(root *dispatch.Route, labels model.LabelSet) []string {
	if root == nil {
		return nil
	}
	var names []string
	for _, to := range root.Match(labels) {
		if !r.ours[to.RouteOpts.Receiver] {
			names = append(names, to.RouteOpts.Receiver)
		}
	}
	return names
}

// why says what keeps an alert from Salvor.
func (r routes) why(labels model.LabelSet) string {
	if !r.offered(r.with, labels) {
		return "no route of Salvor matches them"
	}
	taker := r.taker(r.with, labels)
	if taker == nil {
		return "routes below Salvor's own take them"
	}
	return fmt.Sprintf("the route %.120s to %.60s takes them and does not continue", taker.Matchers, taker.RouteOpts.Receiver)
}

// offered says whether a route of Salvor, here or below, matches an alert.
func (r routes) offered(at *dispatch.Route, labels model.LabelSet) bool {
	if !at.Matchers.Matches(labels) {
		return false
	}
	return r.ours[at.RouteOpts.Receiver] || slices.ContainsFunc(at.Routes, func(child *dispatch.Route) bool { return r.offered(child, labels) })
}

// taker is the route before Salvor's that matches an alert and does not go on.
func (r routes) taker(at *dispatch.Route, labels model.LabelSet) *dispatch.Route {
	for _, child := range at.Routes {
		switch {
		case !child.Matchers.Matches(labels):
		case r.offered(child, labels):
			return r.taker(child, labels)
		case !child.Continue:
			return child
		}
	}
	return nil
}
