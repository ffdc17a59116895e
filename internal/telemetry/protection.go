package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/salvor-io/salvor/internal/protection"
)

// guard collects how promises stand, at a scrape.
type guard struct {
	reports func() []protection.Report
	clock   func() time.Time
}

var (
	promised = []string{"cluster", "application", "namespace"}

	protectionStateDesc = prometheus.NewDesc("salvor_protection_state", "1 for how a promise stands: kept, late, unprotected or unknown.", append(promised, "state"), nil)
	protectionAgeDesc   = prometheus.NewDesc("salvor_protection_point_age_seconds", "Age of the newest moment to which what was promised could go back; absent where there is none.", promised, nil)
	protectionRPODesc   = prometheus.NewDesc("salvor_protection_rpo_seconds", "So much of what was written last may be lost; 0 where that was not said.", promised, nil)
	protectionOtherDesc = prometheus.NewDesc("salvor_protection_namespaces", "Namespaces of which nothing was promised, by whether they could be restored.", []string{"cluster", "state"}, nil)
	protectionUnread    = prometheus.NewDesc("salvor_protection_unread", "Kinds of objects that could not be read when it was looked last.", []string{"cluster"}, nil)
)

// Describe implements prometheus.Collector.
func (guard) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{protectionStateDesc, protectionAgeDesc, protectionRPODesc, protectionOtherDesc, protectionUnread} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (g guard) Collect(out chan<- prometheus.Metric) {
	put := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, r := range g.reports() {
		put(protectionUnread, float64(len(r.Unread)), r.Cluster)
		others := map[protection.State]int{protection.Unpromised: 0, protection.Unprotected: 0, protection.Unknown: 0}
		for _, s := range r.Of(false) {
			others[s.State]++
		}
		for state, n := range others {
			put(protectionOtherDesc, float64(n), r.Cluster, state.String())
		}
		for _, s := range r.Of(true) {
			put(protectionRPODesc, s.RPOS, r.Cluster, s.Application, s.Namespace)
			for _, state := range []protection.State{protection.Kept, protection.Late, protection.Unprotected, protection.Unknown} {
				put(protectionStateDesc, truth(s.State == state), r.Cluster, s.Application, s.Namespace, state.String())
			}
			if s.Point != nil {
				put(protectionAgeDesc, g.clock().Sub(s.Point.At).Seconds(), r.Cluster, s.Application, s.Namespace)
			}
		}
	}
}
