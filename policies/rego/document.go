package rego

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/salvor-io/salvor/policies"
)

// ErrNoDocument is the error of a document that cannot be read.
var ErrNoDocument = errors.New("it is no decision as Salvor stores it")

// Replayed is what rules say to what was asked before, beside what was decided then.
type Replayed struct {
	Question policies.Question
	Recorded policies.Decision
	Said     policies.Said
	Lacks    []string // facts that the rules read and the document does not have: then nothing was said
}

// Replay asks about a decision as it is stored: {"question": ..., "decision": ...}. Other fields are passed over, also within the
// question. An error that is not of Ask is an ErrNoDocument.
func (r *Rules) Replay(ctx context.Context, document []byte) (Replayed, error) {
	d := r.decoder(document)
	var out Replayed
	if err := d.stored(r.program.whole, &out); err != nil {
		return Replayed{}, fmt.Errorf("%w: %w", ErrNoDocument, err)
	}
	if out.Lacks = r.program.lacks(d); len(out.Lacks) > 0 {
		return out, nil
	}
	var err error
	out.Said, err = r.Ask(ctx, out.Question)
	return out, err
}

func (r *Rules) decoder(document []byte) *decoder {
	return &decoder{scanner: scanner{text: string(document)}, has: make([]bool, r.program.whole.facts), lacks: map[int][]string{}}
}

// stored reads a question and a decision.
func (d *decoder) stored(question *shape, into *Replayed) error {
	var asked, answered bool
	whole := &shape{kind: record, fields: []field{{name: "question"}, {name: "decision"}}}
	_, err := d.fields(whole, func(f *field) error {
		if f.name == "question" {
			asked = true
			return d.facts(question, reflect.ValueOf(&into.Question).Elem(), 0)
		}
		answered = true
		return d.decision(&into.Recorded)
	})
	switch {
	case err != nil:
		return err
	case !asked || !answered:
		return errors.New("want a question and a decision")
	}
	return d.end()
}

func (d *decoder) decision(into *policies.Decision) error {
	begin := d.at
	if err := d.skip(0); err != nil {
		return err
	}
	return json.Unmarshal([]byte(d.text[begin:d.at]), into)
}

// has says whether a record in a list or a map has a field of a name.
func (s *shape) has(name string) bool {
	if s.kind != record {
		return s.elem != nil && s.elem.has(name)
	}
	return slices.ContainsFunc(s.fields, func(f field) bool { return f.name == name || f.shape.has(name) })
}

// leaves are the shapes of the facts, in the order of paths.
func (s *shape) leaves() []*shape {
	if s.kind != record {
		return []*shape{s}
	}
	var all []*shape
	for _, f := range s.fields {
		all = append(all, f.shape.leaves()...)
	}
	return all
}

// lacks are the facts that rules read and a document does not have.
func (p *program) lacks(d *decoder) []string {
	var paths []string
	shapes := p.input.leaves()
	for i, fact := range p.place {
		if !d.has[fact] {
			paths = append(paths, p.paths[i])
		}
		for _, name := range d.lacks[fact] {
			if shapes[i].has(name) {
				paths = append(paths, p.paths[i]+"[_]."+name)
			}
		}
	}
	return paths
}
