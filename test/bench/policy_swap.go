package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/rego"
)

const (
	swaps        = 400
	swapAskers   = 4
	swapPackages = 5
)

// measureSwap lets several ask all the time while the policy is swapped for another and back, and counts the answers that are lost or not
// wholly of one policy.
func measureSwap(ctx context.Context, _ *bench) ([]row, error) {
	red, blue := swapped("red"), swapped("blue")
	engine, err := rego.New(ctx, red, rego.Options{})
	if err != nil {
		return nil, err
	}
	colours := map[string]string{engine.Revision(): "red"}
	var answers, wrong atomic.Int64
	done := make(chan struct{})
	other, err := rego.New(ctx, blue, rego.Options{})
	if err != nil {
		return nil, err
	}
	colours[other.Revision()] = "blue"
	var askers errgroup.Group
	for n := range swapAskers {
		askers.Go(func() error {
			in := newIncidents(uint64(n))
			for {
				select {
				case <-done:
					return nil
				default:
				}
				said, err := engine.Ask(ctx, in.next())
				if answers.Add(1); err != nil || !wholly(said, colours[said.Revision]) {
					wrong.Add(1)
				}
			}
		})
	}
	for n := range swaps {
		if err = engine.Load(ctx, [][]rego.Source{blue, red}[n%2]); err != nil {
			break
		}
	}
	close(done)
	_ = askers.Wait() // nobody fails: what went wrong is counted
	if err != nil {
		return nil, err
	}
	mixed := float64(wrong.Load())
	return []row{newRow("policy_swap_mixed", "answers", atMost(0), figure{mixed, int(answers.Load()), mixed, mixed}, fmt.Sprintf("answers that were lost, or in which not all %d sentences were of the policy that the answer names, "+
		"of %d that %d askers got while two policies took turns %d times; no peer", 3*swapPackages, answers.Load(), swapAskers, swaps))}, nil
}

// swapped is a policy each of whose sentences names it.
func swapped(colour string) []rego.Source {
	texts := map[string]string{}
	for n := range swapPackages {
		texts[fmt.Sprintf("p%d.rego", n)] = fmt.Sprintf(`package salvor.policies.p%[1]d

colour := %[2]q

deny contains sprintf("%%s denies at %%s", [colour, input.now])

ask contains {"reason": sprintf("%%s asks about %%s", [colour, input.fault.anchor])}

act contains sprintf("%%s acts", [colour])
`, n, colour)
	}
	return []rego.Source{{Name: colour, Files: own(texts)}}
}

// wholly says whether an answer has all sentences of the policy of a colour, and no others.
func wholly(said policies.Said, colour string) bool {
	if colour == "" || len(said.Deny) != swapPackages || len(said.Ask) != swapPackages || len(said.Act) != swapPackages {
		return false
	}
	for i := range swapPackages {
		for _, text := range []string{said.Deny[i].Text, said.Ask[i].Reason.Text, said.Act[i].Text} {
			if !strings.HasPrefix(text, colour+" ") {
				return false
			}
		}
	}
	return true
}
