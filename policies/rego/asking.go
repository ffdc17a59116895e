package rego

import (
	"context"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/salvor-io/salvor/policies"
)

// asking is one question on its way to its answer.
type asking struct {
	*program
	facts transcript
	parts []part // by speaker
	keys  []byte
}

// part is what one speaker has to do with a question. The zero value says nothing.
type part struct {
	key   []byte
	said  policies.Said // when it is known
	known bool
	open  bool // it has to be evaluated
}

// ask answers by what is remembered, and evaluates the rest of the sets that may say something: one query, or none. Who traces sees
// everything evaluated.
func (p *program) ask(ctx context.Context, q policies.Question, tracers ...topdown.QueryTracer) (policies.Said, error) {
	a := p.asking()
	facts := reflect.ValueOf(&q).Elem()
	if err := a.facts.write(p.input, facts); err != nil {
		return policies.Said{}, fmt.Errorf("convert the question: %w", err)
	}
	sets, known := p.sets, topdown.VirtualCache(nil)
	if len(tracers) == 0 {
		sets, known = a.recall(), p.known
	}
	if len(sets) == 0 {
		return a.answer(nil)
	}
	input, err := p.input.inputOf(facts, p.readBy(sets))
	if err != nil {
		return policies.Said{}, fmt.Errorf("convert the question: %w", err)
	}
	results, err := p.run(ctx, evaluation{query: queryFor(sets), input: input, now: q.Now, known: known, tracers: tracers})
	if err != nil {
		return policies.Said{}, err
	}
	if len(results) != 1 {
		return policies.Said{}, fmt.Errorf("the query has %d answers, not one", len(results))
	}
	said, err := a.answer(results[0])
	if err == nil {
		a.keep()
	}
	return said, err
}

func (p *program) asking() asking {
	return asking{program: p, parts: make([]part, len(p.speakers)), keys: make([]byte, 0, 1<<10),
		facts: transcript{text: make([]byte, 0, 1<<10), ends: make([]int, 0, p.input.facts)}}
}

// recall takes what is remembered, and returns the sets that have to be evaluated.
func (a *asking) recall() []*wordSet {
	for i, s := range a.speakers {
		if slices.ContainsFunc(s.sets, a.may) {
			key := a.key(i, s)
			said, known := a.memory.recall(key)
			a.parts[i] = part{key: key, said: said, known: known, open: !known}
		}
	}
	var open []*wordSet
	for _, s := range a.sets {
		if a.parts[s.of].open && a.may(s) {
			open = append(open, s)
		}
	}
	return open
}

func (a *asking) may(s *wordSet) bool { return s.may(&a.facts) }

// key is the facts that a speaker reads, behind its number.
func (a *asking) key(n int, s *speaker) []byte {
	begin := len(a.keys)
	a.keys = binary.AppendUvarint(a.keys, uint64(n))
	for _, fact := range s.reads {
		a.keys = append(a.keys, a.facts.fact(fact)...)
	}
	return a.keys[begin:]
}

// readBy says of each fact whether the speakers of some sets read it.
func (p *program) readBy(sets []*wordSet) []bool {
	read := make([]bool, p.input.facts)
	for _, s := range sets {
		for _, fact := range p.speakers[s.of].reads {
			read[fact] = true
		}
	}
	return read
}

// queryFor asks for sets by their names.
func queryFor(sets []*wordSet) ast.Body {
	query := make(ast.Body, len(sets))
	for i, s := range sets {
		query[i] = s.expr
	}
	return query
}

// answer puts together what is known and what was evaluated. One malformed member makes all of it an error.
func (a *asking) answer(evaluated topdown.QueryResult) (policies.Said, error) {
	said := policies.Said{Deny: []policies.Reason{}, Ask: []policies.AskRule{}, Act: []policies.Reason{}, Revision: a.revision}
	for _, s := range a.sets {
		part := &a.parts[s.of]
		if value := evaluated[s.name]; value != nil {
			if err := takeMembers(&part.said, s.word, value.Value.(ast.Set)); err != nil {
				return policies.Said{}, err
			}
		}
		if err := take(&said, s.word, part.said); err != nil {
			return policies.Said{}, err
		}
	}
	return said, nil
}

// keep remembers what was evaluated.
func (a *asking) keep() {
	for _, part := range a.parts {
		if part.open {
			a.memory.keep(part.key, part.said)
		}
	}
}
