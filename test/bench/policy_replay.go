package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"runtime"
	"runtime/debug"
	"testing/fstest"
	"time"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/bundle"
	"github.com/salvor-io/salvor/policies/rego"
)

const (
	recordedDecisions = 100_000
	recordedAtOnce    = 5_000 // that lie in memory
)

// candidateRules are another policy: the shipped rules with these.
const candidateRules = `package salvor.policies.shop

deny contains sprintf("%s waits for its owners", [app.name]) if {
	input.plan.phase == "recover"
	some app in input.protection.apps
	app.level == 4
}

day := time.weekday([time.parse_rfc3339_ns(input.now), "Europe/Berlin"])

ask contains {"reason": sprintf("it is %s: somebody looks first", [day]), "groups": ["sre-oncall"]} if {
	input.cluster.environment == "production"
	day in {"Saturday", "Sunday"}
}

act contains sprintf("%s may be rolled back in staging", [target.name]) if {
	input.cluster.environment == "staging"
	input.fault.kind == "config"
	some target in input.plan.targets
	target.kind == "Deployment"
}
`

// compile compiles the shipped policy with files of its authors' own.
func compile(ctx context.Context, own fstest.MapFS) (*rego.Rules, error) {
	sources := []rego.Source{{Name: "the shipped bundle", Files: bundle.Files()}}
	if len(own) > 0 {
		sources = append(sources, rego.Source{Name: "an author's", Files: own})
	}
	policy, err := rego.Read(ctx, sources)
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	rules, err := rego.Compile(policy, rego.Options{})
	if err != nil {
		return nil, fmt.Errorf("compile the policy: %w", err)
	}
	return rules, nil
}

// own is files of an author.
func own(texts map[string]string) fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range texts {
		files[name] = &fstest.MapFile{Data: []byte(text), Mode: fs.ModePerm}
	}
	return files
}

// measurePolicyReplay judges recorded decisions anew by another policy, on one processor.
func measurePolicyReplay(ctx context.Context, _ *bench) ([]row, error) {
	shipped, err := compile(ctx, nil)
	if err != nil {
		return nil, err
	}
	candidate, err := compile(ctx, own(map[string]string{"shop.rego": candidateRules}))
	if err != nil {
		return nil, err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as salvor policy replay has it
	in := newIncidents(1)
	var took time.Duration
	var total tally
	var parts []float64
	for range recordedDecisions / recordedAtOnce {
		documents, err := record(ctx, policies.Judge{Engine: shipped}, in)
		if err != nil {
			return nil, err
		}
		runtime.GC()
		began := time.Now()
		if err := total.replay(ctx, candidate, documents); err != nil {
			return nil, err
		}
		took += time.Since(began)
		parts = append(parts, time.Since(began).Seconds()*recordedDecisions/recordedAtOnce)
	}
	if total.changes[policies.Tighter] == 0 || total.changes[policies.Looser] == 0 {
		return nil, fmt.Errorf("%v decisions changed, want some of each sort", total.changes)
	}
	compared := fmt.Sprintf("%d decisions about %d incidents as they are stored (%d bytes each), judged anew on one processor by the shipped rules with three more: read, asked, settled and compared; "+
		"%d the same, %d tighter, %d looser; min and max are those of parts; no peer", recordedDecisions, in.n, total.bytes/recordedDecisions,
		total.changes[policies.Same], total.changes[policies.Tighter], total.changes[policies.Looser])
	return []row{newRow("policy_replay_s", "s", atMost(10), figure{took.Seconds(), recordedDecisions, quantile(parts, 0), quantile(parts, 1)}, compared)}, nil
}

// record asks about incidents, and stores what was asked and answered.
func record(ctx context.Context, judge policies.Judge, in *incidents) ([][]byte, error) {
	documents := make([][]byte, recordedAtOnce)
	for i := range documents {
		q := in.next()
		decision, err := judge.Decide(ctx, q)
		if err != nil {
			return nil, err
		}
		if documents[i], err = json.Marshal(map[string]any{"question": q, "decision": decision}); err != nil {
			return nil, fmt.Errorf("store a decision: %w", err)
		}
	}
	return documents, nil
}

// tally counts what a candidate changes.
type tally struct {
	changes map[policies.Change]int
	bytes   int
}

func (t *tally) replay(ctx context.Context, candidate *rego.Rules, documents [][]byte) error {
	if t.changes == nil {
		t.changes = map[policies.Change]int{}
	}
	for _, document := range documents {
		replayed, err := candidate.Replay(ctx, document)
		if err != nil {
			return err
		}
		if len(replayed.Lacks) > 0 {
			return fmt.Errorf("a decision lacks %v", replayed.Lacks)
		}
		t.changes[policies.Compare(replayed.Recorded, policies.Settle(replayed.Said, replayed.Question))]++
		t.bytes += len(document)
	}
	return nil
}
