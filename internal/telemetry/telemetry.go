// Package telemetry shows Salvor's state as Prometheus metrics, in the words of the design: incidents, nodes, observers, the
// lag of the view, intake, dead letters, pauses. Gauges are read when they are scraped; nothing here is stored.
package telemetry

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ingest"
	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/internal/rollout"
)

// Sources are what is read at a scrape.
type Sources struct {
	Incidents    func() []incident.Incident
	View         func(func(*classifiers.View))
	DeadLettered func() uint64
	Policy       Policy
	Protection   func() []protection.Report
	Clock        func() time.Time
	Version      string
}

// Policy says how it stands with policy, and what was counted of it.
type Policy interface {
	Status() rollout.Status
	Counts() rollout.Counts
}

// Metrics are all metrics of one replica.
type Metrics struct {
	registry *prometheus.Registry
	posts    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	records  *prometheus.CounterVec
	chat     *prometheus.CounterVec
}

// New makes the metrics.
func New(src Sources) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		posts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "salvor_intake_posts_total",
			Help: "Posts that were answered, by endpoint and HTTP status."}, []string{"endpoint", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "salvor_intake_post_seconds",
			Help: "Time from the first byte of a post to its answer.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14)}, []string{"endpoint"}),
		records: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "salvor_incident_records_total",
			Help: "Records of incidents this replica has seen since it started, by kind."}, []string{"record"}),
	}
	m.chat = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "salvor_chat_calls_total",
		Help: "Calls to channels of chat, by what was called for and whether it was taken."}, []string{"channel", "call", "taken"})
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "salvor_build_info", Help: "Always 1; the version is a label.",
		ConstLabels: prometheus.Labels{"version": src.Version}})
	info.Set(1)
	m.registry.MustRegister(m.posts, m.took, m.records, m.chat, info, state{src}, policy{src.Policy}, guard{src.Protection, src.Clock},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Posted implements ingest.Meter.
func (m *Metrics) Posted(p ingest.Post) {
	m.posts.WithLabelValues(p.Endpoint, strconv.Itoa(p.Status)).Inc()
	m.took.WithLabelValues(p.Endpoint).Observe(p.Took.Seconds())
}

// Recorded counts a record of an incident.
func (m *Metrics) Recorded(kind incident.RecordKind) { m.records.WithLabelValues(string(kind)).Inc() }

// Said implements chat.Meter.
func (m *Metrics) Said(channel, call string, err error) {
	m.chat.WithLabelValues(channel, call, strconv.FormatBool(err == nil)).Inc()
}

// state collects what is read at a scrape.
type state struct{ src Sources }

var (
	incidentsDesc = prometheus.NewDesc("salvor_incidents", "Incidents that have not ended.", []string{"cluster", "kind", "state"}, nil)
	nodesDesc     = prometheus.NewDesc("salvor_nodes", "Nodes: well (ready, Lease renewed), lost, or unknown (not yet seen to be either).", []string{"cluster", "state"}, nil)
	observerDesc  = prometheus.NewDesc("salvor_observer_seeing", "1 where a watch of a replica sees.", []string{"cluster", "replica", "watch"}, nil)
	objectsDesc   = prometheus.NewDesc("salvor_objects", "Objects that exist as far as is known, by kind; of pods only those in trouble.", []string{"cluster", "kind"}, nil)
	probeDesc     = prometheus.NewDesc("salvor_probe_up", "1 where a prober heard of lately reaches its target.", []string{"cluster", "by", "target"}, nil)
	beatDesc      = prometheus.NewDesc("salvor_heartbeat_age_seconds", "Since a dead man's switch was last heard.", []string{"cluster", "name"}, nil)
	silencesDesc  = prometheus.NewDesc("salvor_silences", "Silences of Alertmanager that are in force.", nil, nil)
	lagDesc       = prometheus.NewDesc("salvor_view_lag_seconds", "How far the view is behind the clock.", nil, nil)
	deadDesc      = prometheus.NewDesc("salvor_dead_letters_total", "What this replica could not handle and kept aside.", nil, nil)
)

// Describe implements prometheus.Collector.
func (state) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{incidentsDesc, nodesDesc, observerDesc, objectsDesc, probeDesc, beatDesc, silencesDesc, lagDesc, deadDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (s state) Collect(out chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	counts := map[[3]string]int{}
	for _, inc := range s.src.Incidents() {
		if inc.Live() {
			counts[[3]string{inc.Key.Cluster, inc.Key.Kind, string(inc.State)}]++
		}
	}
	for at, n := range counts {
		gauge(incidentsDesc, float64(n), at[:]...)
	}
	s.src.View(func(v *classifiers.View) {
		gauge(lagDesc, max(0, s.src.Clock().Sub(v.Now).Seconds()))
		gauge(silencesDesc, float64(inForce(v)))
		for name, c := range v.Clusters {
			for state, n := range nodeStates(c) {
				gauge(nodesDesc, float64(n), name, state)
			}
			for _, o := range c.Observers {
				gauge(observerDesc, truth(o.Seeing && v.Now.Sub(o.At) <= lately), name, o.Replica, o.Watch)
			}
			for kind, n := range objects(c) {
				gauge(objectsDesc, float64(n), name, kind)
			}
			for _, p := range c.Probes {
				gauge(probeDesc, truth(p.Up && v.Now.Sub(p.At) <= lately), name, p.By, p.Target)
			}
			for _, b := range c.Heartbeats {
				gauge(beatDesc, v.Now.Sub(b.At).Seconds(), name, b.Name)
			}
		}
	})
	out <- prometheus.MustNewConstMetric(deadDesc, prometheus.CounterValue, float64(s.src.DeadLettered()))
}

func inForce(v *classifiers.View) int {
	n := 0
	for _, s := range v.Silences {
		if s.InForce(v.Now) {
			n++
		}
	}
	return n
}

// lately is how long what an observer or a prober said holds.
const lately = 30 * time.Second

// objects counts what exists by kind.
func objects(c *classifiers.Cluster) map[string]int {
	out := map[string]int{"Pod": 0}
	for _, p := range c.Pods {
		if p.Troubled() {
			out["Pod"]++
		}
	}
	for _, w := range c.Workloads {
		if !w.Gone {
			out[w.Kind]++
		}
	}
	for _, o := range c.Objects {
		if !o.Gone {
			out[o.Kind]++
		}
	}
	return out
}

func nodeStates(c *classifiers.Cluster) map[string]int {
	out := map[string]int{"well": 0, "lost": 0, "unknown": 0}
	for _, n := range c.Living() {
		switch {
		case n.Lost():
			out["lost"]++
		case n.Lease.State == events.LeaseFresh:
			out["well"]++
		default:
			out["unknown"]++
		}
	}
	return out
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
