package main

import (
	"context"
	"fmt"
	"testing/fstest"
	"time"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/rego"
)

const (
	manyRules   = 1000
	fewRules    = 10
	rulesFiles  = 20
	rulesRounds = 10
	rulesEach   = 500
)

// measurePolicyRules decides new questions by few rules of an author's and by many, beside the shipped ones, in turn.
func measurePolicyRules(ctx context.Context, _ *bench) ([]row, error) {
	many, err := compile(ctx, authored(manyRules))
	if err != nil {
		return nil, err
	}
	few, err := compile(ctx, authored(fewRules))
	if err != nil {
		return nil, err
	}
	d, spoke := duel{in: newIncidents(3)}, 0
	var rounds []round
	for n := range rulesRounds + 1 {
		var r round
		for range rulesEach {
			q := d.fresh()
			took, said, err := decideIn(ctx, many, q)
			if err != nil {
				return nil, err
			}
			less, _, err := decideIn(ctx, few, q)
			if err != nil {
				return nil, err
			}
			spoke += said
			r.ours, r.peer = append(r.ours, took), append(r.peer, less)
		}
		if n > 0 {
			rounds = append(rounds, r)
		}
	}
	if spoke == 0 {
		return nil, fmt.Errorf("none of %d rules said anything", manyRules)
	}
	worst := ratioAt(rounds, 0.99)
	return []row{newRow("policy_1000_rules_ratio", "ratio", atMost(1.5), worst, fmt.Sprintf("p99 of a decision upon a new question with %d rules of an author's in %d packages beside the shipped ones (%.0f us; p50 %.0f us), "+
		"by that with %d (%.0f us; p50 %.0f us); %.1f of the many spoke about each question", manyRules, rulesFiles, quantile(pooled(rounds, ours), 0.99), median(pooled(rounds, ours)), fewRules,
		quantile(pooled(rounds, peer), 0.99), median(pooled(rounds, peer)), float64(spoke)/((rulesRounds+1)*rulesEach)))}, nil
}

// ratioAt is the quantile of all of ours by that of all of the peer's; the least and the greatest are those of single rounds.
func ratioAt(rounds []round, q float64) figure {
	var each []float64
	for _, r := range rounds {
		each = append(each, quantile(r.ours, q)/quantile(r.peer, q))
	}
	all := pooled(rounds, ours)
	return figure{quantile(all, q) / quantile(pooled(rounds, peer), q), len(all), quantile(each, 0), quantile(each, 1)}
}

// decideIn says in how many microseconds, and how many of the author's rules spoke.
func decideIn(ctx context.Context, rules *rego.Rules, q policies.Question) (float64, int, error) {
	counting := &counting{Engine: rules}
	began := time.Now()
	_, err := policies.Judge{Engine: counting}.Decide(ctx, q)
	return inMicros(time.Since(began)), counting.own, err
}

// counting counts what the rules of an author say.
type counting struct {
	policies.Engine
	own int
}

func (c *counting) Ask(ctx context.Context, q policies.Question) (policies.Said, error) {
	said, err := c.Engine.Ask(ctx, q)
	for _, why := range said.Deny {
		c.count(why)
	}
	for _, ask := range said.Ask {
		c.count(ask.Reason)
	}
	for _, why := range said.Act {
		c.count(why)
	}
	return said, err
}

func (c *counting) count(why policies.Reason) {
	if len(why.Rule) > 3 && why.Rule[:3] == "own" {
		c.own++
	}
}

// authored writes so many rules as authors do: each about a kind of fault in one of many clusters, some about every target of the plan.
func authored(n int) fstest.MapFS {
	texts := map[string]string{}
	for i := range n {
		file := i % rulesFiles
		name := fmt.Sprintf("own%02d.rego", file)
		if texts[name] == "" {
			texts[name] = fmt.Sprintf("package salvor.policies.own%02d\n", file)
		}
		texts[name] += authoredRule(i)
	}
	return own(texts)
}

func authoredRule(i int) string {
	about := fmt.Sprintf("\tinput.cluster.name == \"cluster-%02d\"\n\tinput.fault.kind == %q\n", i%25, []string{"node", "zone", "config"}[i/25%3])
	switch i % 5 {
	case 0:
		return fmt.Sprintf("\ndeny contains \"%d nodes are too many (%d)\" if {\n%s\tinput.view.broken_nodes > %d\n}\n", i, i, about, 1+i%7)
	case 1:
		return fmt.Sprintf("\nask contains {\"reason\": sprintf(\"%%s belongs to team %d\", [target.name]), \"groups\": [\"team-%d\"]} if {\n%s\tsome target in input.plan.targets\n\ttarget.namespace == \"shop\"\n\tstartswith(target.name, \"web-%x\")\n}\n", i, i%9, about, i%16)
	case 2:
		return fmt.Sprintf("\nact contains \"rule %d allows it\" if {\n%s\tinput.plan.class in {\"observe\", \"reversible\"}\n\tinput.history.attempts < 2\n}\n", i, about)
	case 3:
		return fmt.Sprintf("\ndeny contains sprintf(\"%%s is under team %d\", [app.name]) if {\n%s\tsome app in input.protection.apps\n\tapp.level == %d\n}\n", i, about, 1+i%4)
	}
	return fmt.Sprintf("\nask contains {\"reason\": \"rule %d wants two\", \"votes\": 2} if {\n%s\tinput.plan.phase == \"recover\"\n\tinput.fault.agree < %d\n}\n", i, about, 2+i%3)
}
