package regotest

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/salvor-io/salvor/policies"
)

// posed is a question that some test asks.
type posed struct {
	question policies.Question
	file     string
	line     int
}

// posed are the questions of all tests that ran. An input that is no question is a problem of its own: the rules of its test are tried
// on facts that there never are.
func (r *run) posed(d *Dropped) []posed {
	var all []posed
	for _, name := range slices.Sorted(maps.Keys(r.cases)) {
		if r.wanted(caseName(name, r.cases[name])) {
			all = append(all, posed{r.cases[name].Question, name, 1})
		}
	}
	for _, one := range r.watch.inputs() {
		at := posed{file: one.by.File, line: one.by.Row}
		var err error
		if at.question, err = questionOf(one.input); err != nil {
			d.add(at, fmt.Sprintf("the input of this test is no question that Salvor asks: %v", err))
			continue
		}
		all = append(all, at)
	}
	return all
}

// questionOf lays the input of a test over a question whose facts are all zero. Times are the beginning of Unix time: year 1 is outside
// of what functions of rules take.
func questionOf(input *ast.Term) (policies.Question, error) {
	value, err := ast.JSON(input.Value)
	if err != nil {
		return policies.Question{}, err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return policies.Question{}, err
	}
	epoch := time.Unix(0, 0).UTC()
	q := policies.Question{Now: epoch, Incident: policies.IncidentFacts{OpenedAt: epoch}}
	return q, decode(text, &q)
}

// without is the question with one fact hidden as Salvor hides it: it is zero, and its path is listed as unknown.
func without(q policies.Question, fact string) (policies.Question, error) {
	at := reflect.ValueOf(&q).Elem()
	for name := range strings.SplitSeq(fact, ".") {
		if at = fieldOf(at, name); !at.IsValid() {
			return policies.Question{}, fmt.Errorf("hide %s: a question has no such fact", fact)
		}
	}
	at.SetZero()
	q.Unknown = append(slices.Clone(q.Unknown), fact)
	return q, nil
}

// fieldOf is the field of a struct by its name in JSON.
func fieldOf(of reflect.Value, name string) reflect.Value {
	for i := range of.NumField() {
		if tagged, _, _ := strings.Cut(of.Type().Field(i).Tag.Get("json"), ","); tagged == name {
			return of.Field(i)
		}
	}
	return reflect.Value{}
}
