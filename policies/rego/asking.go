package rego

import (
	"context"
	"encoding/binary"
	"fmt"
	"reflect"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/salvor-io/salvor/policies"
)

// asking is one question on its way to its answer.
type asking struct {
	*program
	facts transcript
	parts []part // by set
	keys  []byte
}

// part is what one set has to do with a question. The zero value says nothing.
type part struct {
	key  []byte // nil when it is not to be remembered
	said policies.Said
	open bool // it has to be evaluated
}

func (p *program) asking() *asking {
	return &asking{program: p, parts: make([]part, len(p.sets)), keys: make([]byte, 0, 1<<10),
		facts: transcript{text: make([]byte, 0, 1<<10), ends: make([]int, 0, p.input.facts)}}
}

// ask answers by what is remembered, and evaluates the rest of the sets that may say something: one query, or none. Who traces sees
// everything evaluated.
func (p *program) ask(ctx context.Context, q policies.Question, tracers ...topdown.QueryTracer) (policies.Said, error) {
	a, facts := p.asking(), reflect.ValueOf(&q).Elem()
	if err := a.facts.write(p.input, facts); err != nil {
		return policies.Said{}, fmt.Errorf("convert the question: %w", err)
	}
	e := evaluation{now: q.Now, tracers: tracers}
	if len(tracers) == 0 {
		a.recall()
		e.recollection = recollect(p.helpers, a)
	} else {
		a.openAll()
	}
	if needed := a.needed(); needed != nil {
		var err error
		if e.input, err = p.input.inputOf(facts, needed); err != nil {
			return policies.Said{}, fmt.Errorf("convert the question: %w", err)
		}
		if err := a.evaluate(ctx, e); err != nil {
			return policies.Said{}, err
		}
	}
	return a.answer()
}

// recall takes what is remembered, and opens the sets that have to be evaluated.
func (a *asking) recall() {
	for i, s := range a.sets {
		if !s.may(&a.facts) {
			continue
		}
		part := &a.parts[i]
		part.key = a.key(i, s.reads)
		said, known := a.memory.recall(part.key)
		part.said, part.open = said, !known
	}
}

func (a *asking) openAll() {
	for i := range a.parts {
		a.parts[i].open = true
	}
}

// key is the facts that a rule varies with, behind its number.
func (a *asking) key(n int, facts []int) []byte {
	begin := len(a.keys)
	a.keys = binary.AppendUvarint(a.keys, uint64(n))
	for _, fact := range facts {
		a.keys = append(a.keys, a.facts.fact(fact)...)
	}
	return a.keys[begin:]
}

// needed says of each fact whether an open set is about it; nil when none is open.
func (a *asking) needed() []bool {
	var needed []bool
	for i, s := range a.sets {
		if !a.parts[i].open {
			continue
		}
		if needed == nil {
			needed = make([]bool, a.input.facts)
		}
		for _, fact := range s.reads {
			needed[fact] = true
		}
	}
	return needed
}

// evaluate asks for the open sets, and remembers what they say. One malformed member makes all of it an error.
func (a *asking) evaluate(ctx context.Context, e evaluation) error {
	for i, s := range a.sets {
		if a.parts[i].open {
			e.query = append(e.query, s.expr)
		}
	}
	results, err := a.run(ctx, e)
	if err != nil {
		return err
	}
	if len(results) != 1 {
		return fmt.Errorf("the query has %d answers, not one", len(results))
	}
	for i, s := range a.sets {
		part := &a.parts[i]
		if !part.open {
			continue
		}
		if err := takeMembers(&part.said, s.word, results[0][s.name].Value.(ast.Set)); err != nil {
			return err
		}
		if err := checkAnswerTimes(part.said.Ask); err != nil && !a.taken {
			return err
		}
		if part.key != nil {
			a.memory.keep(part.key, part.said, weight(part.said))
		}
	}
	if e.recollection != nil {
		e.recollection.keep()
	}
	return nil
}

// answer puts together what the sets say.
func (a *asking) answer() (policies.Said, error) {
	said := policies.Said{Deny: []policies.Reason{}, Ask: []policies.AskRule{}, Act: []policies.Reason{}, Revision: a.revision}
	for i, s := range a.sets {
		if err := take(&said, s.word, a.parts[i].said); err != nil {
			return policies.Said{}, err
		}
	}
	return said, nil
}
