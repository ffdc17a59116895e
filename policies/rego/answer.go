package rego

import (
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/salvor-io/salvor/policies"
)

// The bounds of the time that people are given to answer: in less nobody reads what is asked, and after more it is asked about another world.
const (
	leastAnswer = time.Minute
	mostAnswer  = 7 * 24 * time.Hour
)

// answerable says what is wrong with a time to answer in, or nil.
func answerable(within time.Duration) error {
	if within < leastAnswer || within > mostAnswer {
		return fmt.Errorf("must be from 1m to 168h (7 days), not %s", within)
	}
	return nil
}

// answerTimes refuses what nobody can mean in the asks that a compiled rule writes out. What is computed shows when it is asked.
func (p *problems) answerTimes(rule *ast.Rule) {
	if rule.Head.Name != "ask" {
		return
	}
	ast.WalkTerms(rule, func(term *ast.Term) bool {
		object, isObject := term.Value.(ast.Object)
		if !isObject {
			return false
		}
		if written := object.Get(ast.InternedTerm("answer_within")); written != nil {
			if within, err := duration(written.Value); err == nil && answerable(within) != nil {
				p.add(rule.Location, "ask: answer_within: %s", answerable(within))
			}
		}
		return false
	})
}

// checkAnswerTimes holds what was asked to the bounds.
func checkAnswerTimes(asks []policies.AskRule) error {
	for _, ask := range asks {
		within := time.Duration(ask.WithinS * float64(time.Second))
		if err := answerable(within); ask.WithinS > 0 && err != nil {
			return fmt.Errorf("%s: ask: answer_within: %w", ask.Reason.Rule, err)
		}
	}
	return nil
}
