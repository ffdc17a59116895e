package rego

import (
	"bytes"
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/salvor-io/salvor/policies"
)

// sameOfAll gives rules the whole question.
func sameOfAll(t *testing.T, rules *program, said policies.Said, text string) {
	t.Helper()
	whole, err := shapeOf(reflect.TypeFor[policies.Question]())
	if err != nil {
		t.Fatal(err)
	}
	input, err := whole.term(reflect.ValueOf(question()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if of, err := rules.evaluate(ctx, question(), input); err != nil || !cmp.Equal(said, of) {
		t.Errorf("given all, %q says %+v, %v, and given what it reads %+v", text, of, err, said)
	}
}

// Whatever rules say: an ask that is accepted can be asked.
func FuzzAskOf(f *testing.F) {
	for _, seed := range []string{
		`{"reason": "x"}`, `{"reason": "x", "votes": 1e3, "groups": ["a"]}`, `{"votes": -1}`, `[]`, `null`, `{"reason": "x", "votes": 1e400}`,
		`{"reason": "x", "answer_within": "1e9h"}`, `{"reason": "x", "on_timeout": "escalate", "escalate_to": ["a"], "answer_within": "1ns"}`,
		`{"reason": {"a": [1]}}`, `{"reason": "x", "groups": [null]}`, `{"": ""}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := ast.ValueFromReader(bytes.NewReader([]byte(text)))
		if err != nil {
			return
		}
		ask, err := askOf(value)
		if err != nil {
			return
		}
		switch escalates := ask.OnTimeout == "escalate"; {
		case ask.Votes < 1, strings.TrimSpace(ask.Reason.Text) == "", ask.WithinS < 0,
			escalates != (len(ask.EscalateTo) > 0), escalates && ask.WithinS == 0, ask.Groups == nil:
			t.Errorf("accepted %s as %+v", text, ask)
		}
	})
}

// Whatever a file holds: it loads, or is refused with words about what its author wrote. What rules are not given makes no
// difference to what they say.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		`deny contains "x"`, `deny[x] if x := 1`, `ask contains {input.now: 1}`, `a.b.deny contains 1`, `deny contains x if some x in input.fault.nodes`,
		`deny contains "x" if { every k, v in input.view.zones { v.a[k] } }`, `default ask := {}`, `deny contains {"a": input[_]}`, "import data.x as deny\nact contains deny",
		`deny contains $"{input.now}"`, `act contains walk(input)`, `deny contains [1 | true]`, `deny contains "x" if input.view.zones[_][_] == 1 with input.view as 1`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		engine, err := New(t.Context(), rules(text), Options{Deadline: 100 * time.Millisecond})
		if err == nil {
			var said policies.Said
			if said, err = engine.Ask(t.Context(), question()); err == nil {
				sameOfAll(t, engine.current.Load().program, said, text)
			}
		}
		if err != nil && !strings.Contains(text, attributedMark) && strings.Contains(err.Error(), attributedMark) {
			t.Errorf("the error of %q shows names that no author wrote: %s", text, err)
		}
	})
}
