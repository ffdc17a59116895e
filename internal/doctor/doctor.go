package doctor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/salvor-io/salvor/internal/config"
)

// clusterWithin bounds all that is asked of one cluster and its power switch.
const clusterWithin = 45 * time.Second

// Options say what to examine.
type Options struct {
	Config     string        // path of a salvor.yaml
	Version    string        // of this salvor
	TestAlert  bool          // raise a test alert at each Alertmanager and wait until it reaches Salvor
	AlertWaits time.Duration // how long that may take
	Without    []string      // responders whose rights were left out on purpose: nobody asks for them
	Log        *slog.Logger  // of the parts that are tried
}

// Examine examines what a salvor.yaml names and says what it found. It takes two minutes at the very most.
func Examine(ctx context.Context, opt Options) Report {
	e := exam{Options: opt}
	findings := e.configuration()
	if e.cfg == nil {
		return reportOf(findings)
	}
	e.server = newServer(e.cfg.Listen.Socket)
	said := e.server.look(ctx)
	findings = append(findings, e.running(said)...)
	for _, found := range e.all(ctx, said) {
		findings = append(findings, found...)
	}
	return reportOf(findings)
}

// exam is one examination.
type exam struct {
	Options
	cfg    *config.Config
	server *server
}

// configuration reads the configuration and says what is wrong with it. Without one there is nothing to examine.
func (e *exam) configuration() []Finding {
	s := &sheet{part: "config"}
	cfg, err := config.Load(e.Config)
	var problems config.Problems
	switch {
	case errors.As(err, &problems):
		for _, p := range problems {
			s.problem("loads", p.Do, "%s", sentenceOf(p))
		}
		return s.findings
	case err != nil:
		s.problem("loads", "name the configuration: salvor doctor --config FILE", "%v", err)
		return s.findings
	}
	e.cfg = cfg
	s.ok("loads", "%s: %s, %s, %s, %s", e.Config, count(len(cfg.Clusters), "cluster"), count(len(cfg.Intakes), "intake"),
		count(len(cfg.People), "person"), count(len(cfg.Alertmanagers), "Alertmanager"))
	for _, p := range cfg.Warnings {
		s.warn("worth a look", p.Do, "%s", sentenceOf(p))
	}
	return s.findings
}

// sentenceOf is a problem of the configuration without what to do about it.
func sentenceOf(p config.Problem) string {
	p.Do = ""
	return p.String()
}

// all examines the parts side by side and returns their findings in the order of salvor.yaml.
func (e *exam) all(ctx context.Context, said answer) [][]Finding {
	parts := []func(context.Context) []Finding{func(ctx context.Context) []Finding { return e.store(ctx, said) }}
	for _, c := range e.cfg.Clusters {
		parts = append(parts, func(ctx context.Context) []Finding { return e.cluster(ctx, c) },
			func(ctx context.Context) []Finding { return e.serving(ctx, c) })
	}
	parts = append(parts, e.policy, e.chat, func(ctx context.Context) []Finding { return e.alertmanagers(ctx, said) })
	found := make([][]Finding, len(parts))
	var group sync.WaitGroup
	for i, part := range parts {
		group.Go(func() { found[i] = part(ctx) })
	}
	group.Wait()
	return found
}

// count is a number with its noun.
func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case noun == "person":
		return fmt.Sprintf("%d people", n)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// round makes a duration fit to be read.
func round(d time.Duration) time.Duration {
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second)
	case d >= 100*time.Millisecond:
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(100 * time.Microsecond)
}

// some lists at most five, sorted.
func some(list []string) string {
	const most = 5
	list = slices.Compact(slices.Sorted(slices.Values(list)))
	text := ""
	for i, item := range list[:min(most, len(list))] {
		if i > 0 {
			text += ", "
		}
		text += item
	}
	if len(list) > most {
		text += fmt.Sprintf(" and %d more", len(list)-most)
	}
	return text
}
