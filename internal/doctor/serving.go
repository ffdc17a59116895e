package doctor

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/internal/app"
	"github.com/salvor-io/salvor/internal/config"
)

// asksAtOnce bounds how many probes are under way.
const asksAtOnce = 50

// serving tries what says whether a cluster serves: its probes and its Prometheus. Neither needs its API server.
func (e *exam) serving(ctx context.Context, c config.Cluster) []Finding {
	ctx, cancel := context.WithTimeout(ctx, clusterWithin)
	defer cancel()
	s := &sheet{part: "cluster " + c.Name}
	s.probes(ctx, c.Name, e.cfg.Probes)
	s.prometheus(ctx, c)
	return s.findings
}

// probes asks each probe of the cluster once, side by side.
func (s *sheet) probes(ctx context.Context, cluster string, all []config.Probe) {
	mine := slices.DeleteFunc(slices.Clone(all), func(p config.Probe) bool { return !slices.Contains(p.Clusters, cluster) })
	if len(mine) == 0 {
		s.ok("probes", "none is configured for %s: after a recovery nothing says whether what is available also serves (probes in salvor.yaml)", cluster)
		return
	}
	sheets := make([]sheet, len(mine))
	var group errgroup.Group
	group.SetLimit(asksAtOnce)
	for i, p := range mine {
		sheets[i].part = s.part
		group.Go(func() error {
			sheets[i].probe(ctx, p)
			return nil
		})
	}
	_ = group.Wait() // what went wrong is on the sheets
	for _, asked := range sheets {
		s.findings = append(s.findings, asked.findings...)
	}
}

func (s *sheet) probe(ctx context.Context, p config.Probe) {
	check := "probe " + p.Name
	probe, err := app.Probe(p)
	if err != nil {
		s.problem(check, "correct it in probes of salvor.yaml", "it cannot be used: %v", err)
		return
	}
	began := time.Now()
	err = probe.Ask(ctx)
	took := round(time.Since(began))
	if err != nil {
		s.problem(check, "mend the service, or what the probe expects of it: until then no recovery that asks it counts as verified", "%s: %v (after %s)", probe, err, took)
		return
	}
	s.ok(check, "%s answers as expected in %s", probe, took)
}

// prometheus asks the cluster's Prometheus for a number that it need not look up.
func (s *sheet) prometheus(ctx context.Context, c config.Cluster) {
	const check = "Prometheus"
	if c.Prometheus == nil {
		s.ok(check, "none is configured: runbooks that ask one (prometheus.query) cannot be carried out for %s", c.Name)
		return
	}
	const do = "correct clusters[].prometheus, or mend it: until then what runbooks ask it stays unknown"
	server, err := app.Prometheus(*c.Prometheus)
	if err != nil {
		s.problem(check, do, "it cannot be used: %v", err)
		return
	}
	began := time.Now()
	answer, err := server.Query(ctx, "vector(1)")
	took := round(time.Since(began))
	switch {
	case err != nil:
		s.problem(check, do, "%s: %v (after %s)", c.Prometheus.URL, err, took)
	case len(answer.Samples) != 1 || answer.Samples[0].Value != 1:
		s.problem(check, do, "%s: asked for vector(1), it answers something else", c.Prometheus.URL)
	case len(answer.Warnings) > 0:
		s.warn(check, "see what it is that it misses: a query that is answered with a warning proves nothing", "%s answers in %s, and warns: %q", c.Prometheus.URL, took, answer.Warnings[0])
	default:
		s.ok(check, "%s answers in %s", c.Prometheus.URL, took)
	}
}
