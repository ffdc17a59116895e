package rego

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/salvor-io/salvor/policies"
)

// askAll is ask without anything that makes it fast: all sets are evaluated of the whole question, and nothing is known before.
func askAll(t *testing.T, p *program, q policies.Question) (policies.Said, error) {
	t.Helper()
	input, err := questionShape(t).term(reflect.ValueOf(q))
	if err != nil {
		return policies.Said{}, fmt.Errorf("convert the question: %w", err)
	}
	a := p.asking()
	a.openAll()
	if err := a.evaluate(t.Context(), evaluation{input: input, now: q.Now}); err != nil {
		return policies.Said{}, err
	}
	return a.answer()
}

// sameOfAll holds that an answer is that of all rules to the whole question.
func sameOfAll(t *testing.T, rules *Rules, q policies.Question, text string) {
	t.Helper()
	want, wantErr := askAll(t, rules.program, q)
	for range 2 { // the second is remembered
		got, err := rules.program.ask(t.Context(), q)
		if !cmp.Equal(want, got) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("of %q all says %+v, %v; asked, it says %+v, %v", text, want, wantErr, got, err)
		}
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
			if _, err = engine.Ask(t.Context(), question()); err == nil || !strings.Contains(err.Error(), "no answer within") {
				sameOfAll(t, engine.current.Load(), question(), text)
			}
		}
		if err != nil && !strings.Contains(text, attributedMark) && strings.Contains(err.Error(), attributedMark) {
			t.Errorf("the error of %q shows names that no author wrote: %s", text, err)
		}
	})
}

// FuzzSettings: whatever stands in a file of settings, what is wrong with it is told of with a line of it.
func FuzzSettings(f *testing.F) {
	for _, text := range []string{"salvor: {config: {}}", "salvor:\n  config:\n\tx: 1", "salvor:\n  config:\n    x: [\n", "a: *b\n", "a: !!int b", "? {a: b}\n: c\n", "\"\xff", "{\"a\": [1,\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines := 2 // the end may have a line of its own
		for _, end := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} {
			lines += strings.Count(text, end)
		}
		for _, name := range []string{"data.yaml", "data.json"} {
			_, err := readSettings([]file{{path: name, text: []byte(text)}})
			for _, one := range Problems(err) {
				if one.File != name || one.Line < 1 || one.Line > lines {
					t.Errorf("it says %s", one)
				}
			}
			if err != nil && len(Problems(err)) == 0 {
				t.Errorf("it says %v, and not where", err)
			}
		}
	})
}
