package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"
)

// policy collects what is known of policy, at a scrape.
type policy struct{ src Policy }

var (
	policyInfoDesc     = prometheus.NewDesc("salvor_policy_info", "Always 1; the revision that this replica decides by is a label, empty when it decides nothing.", []string{"revision"}, nil)
	policyLoadedDesc   = prometheus.NewDesc("salvor_policy_loaded_timestamp_seconds", "When this replica took over the policy that it decides by; 0 when there is none.", nil, nil)
	policyHeldDesc     = prometheus.NewDesc("salvor_policy_held", "1 while a policy waits for a person to activate it.", nil, nil)
	policyRefusedDesc  = prometheus.NewDesc("salvor_policy_refused", "1 while what the source of this replica holds cannot be used.", nil, nil)
	policyRefusalsDesc = prometheus.NewDesc("salvor_policy_refused_total", "How often what the source of this replica held was refused; another reason counts again.", nil, nil)
	shadowDesc         = prometheus.NewDesc("salvor_policy_shadow_answers_total", "What shadow policies answered, against the one in force: same, tighter or looser.", []string{"change"}, nil)
	shadowDroppedDesc  = prometheus.NewDesc("salvor_policy_shadow_dropped_total", "Questions that came too fast for shadow policies to be asked.", nil, nil)
)

// Describe implements prometheus.Collector.
func (policy) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{policyInfoDesc, policyLoadedDesc, policyHeldDesc, policyRefusedDesc, policyRefusalsDesc, shadowDesc, shadowDroppedDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (p policy) Collect(out chan<- prometheus.Metric) {
	now, counts := p.src.Status(), p.src.Counts()
	put := func(desc *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, kind, value, labels...)
	}
	loaded := 0.0
	if now.Serving.Revision != "" {
		loaded = float64(now.Serving.Since.Unix())
	}
	put(policyInfoDesc, prometheus.GaugeValue, 1, now.Serving.Revision)
	put(policyLoadedDesc, prometheus.GaugeValue, loaded)
	put(policyHeldDesc, prometheus.GaugeValue, truth(now.Held != nil))
	put(policyRefusedDesc, prometheus.GaugeValue, truth(now.Refused != nil))
	put(policyRefusalsDesc, prometheus.CounterValue, float64(counts.Refusals))
	put(shadowDesc, prometheus.CounterValue, float64(counts.Shadows.Same), "same")
	put(shadowDesc, prometheus.CounterValue, float64(counts.Shadows.Tighter), "tighter")
	put(shadowDesc, prometheus.CounterValue, float64(counts.Shadows.Looser), "looser")
	put(shadowDroppedDesc, prometheus.CounterValue, float64(counts.Dropped))
}
