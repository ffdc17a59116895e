package rego

import (
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/bundle"
)

// TestFastIsTheSame: whatever is remembered, worked out ahead or passed over, an answer and an error are those of all rules to the whole
// question.
func TestFastIsTheSame(t *testing.T) {
	for _, text := range []string{
		"table := {kind: upper(kind) | some kind in [\"node\", \"zone\"]}\ndeny contains table[input.fault.kind]",
		"limit := 3\ntwice := 2 * limit\nover if input.fault.agree > twice\nact contains \"over\" if over with data.salvor.policies.zone.limit as input.fault.asked - 2",
		"limit := 1 if true\nlimit := 2 if true\nact contains \"x\" if limit == 1",
		"broken := to_number(\"x\")\nact contains \"x\" if { input.fault.kind == \"zone\"; broken > 1 }",
		"names contains n if some n in [\"a\", \"b\"]\nask contains {\"reason\": concat(\",\", names), \"votes\": input.fault.agree}",
		"none := 1 if false\nact contains \"x\" if not none",
		"c := 1 if false\nelse := 2\nact contains sprintf(\"%d\", [c]) if input.fault.kind == \"zone\"",
		"act contains \"x\" if { input.plan.phase == \"undo\"; to_number(input.fault.kind) > 1 }",
		"act contains \"x\" if { to_number(input.fault.kind) > 1; \"undo\" == input.plan.phase }",
		"act contains \"x\" if { not input.plan.phase == \"undo\" }",
		"act contains \"x\" if { input.plan.phase == \"undo\" with input.plan.phase as \"undo\" }",
		"act contains \"x\" if { internal.print([{\"x\"}]); input.plan.phase == \"undo\"; to_number(input.fault.kind) > 1 }",
		"act contains \"x\" if { p := input.plan; p.phase == \"undo\" }\ndeny contains \"y\" if input.plan.class == \"destructive\"",
		"deny contains \"x\" if { input.fault.kind == \"node\"; input.fault.kind == \"zone\" }\nact contains sprintf(\"%v\", [input.now])",
		"act contains \"x\" if { to_number(input.fault.kind) > 1; input.plan.phase != \"undo\" }",
		"act contains \"x\" if { input.plan.phase != \"undo\"; to_number(input.fault.anchor) > 1 }",
		"none := []\nact contains \"x\" if { some n in none; n > 1 }\ndeny contains \"x\" if { to_number(input.fault.kind) > 1; some n in none; n > 1 }",
		"none := {}\nfew contains n if some n in none\nact contains \"x\" if { input.plan.phase == \"undo\"; some n in few; n > 1 }\ndeny contains \"y\" if count(few) == 0",
		"some_of contains 1\nsome_of contains n if { some n in []; n > 1 }\nact contains \"x\" if { some n in some_of; n > 0 }",
		"act contains \"x\" if { phase := input.plan.phase; phase != \"undo\"; \"recover\" != phase }",
		"deny contains t.name if { some t in input.plan.targets; t.kind == \"Pod\" }\nact contains sprintf(\"%v\", [s]) if some s in input.plan.steps",
		"deny contains sprintf(\"%d\", [count(input.plan.targets)])\nask contains {\"reason\": zone} if { some zone, of in input.view.zones; of.broken > 0 }",
		"deny contains \"x\" if { some t in input.plan.targets; some s in input.plan.steps; t in s.targets }\nact contains sprintf(\"%v\", [{t.kind: t.name | some t in input.plan.targets}])",
		"deny contains r if { input.fault.kind == \"zone\"; r := {\"a\": 1} }\nact contains \"x\"",
		"deny contains sprintf(\"%d\", [n]) if some n in numbers.range(1, 600)\nact contains sprintf(\"%d\", [n]) if some n in numbers.range(1, input.fault.agree * 250)",
	} {
		engine, err := New(t.Context(), rules(text), Options{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for _, q := range variants() {
			sameOfAll(t, engine.current.Load(), q, text)
		}
	}
}

// TestAnErrorDoesNotDependOnWhatIsRemembered: of two rules that use a third, which holds in one way and is in error in another, the first
// does not hide that from the second.
func TestAnErrorDoesNotDependOnWhatIsRemembered(t *testing.T) {
	engine := load(t, rules(`either if input.fault.kind == "node"
either if to_number(input.fault.anchor) > 1
deny contains "first" if { input.plan.phase == "recover"; either }
act contains sprintf("%v", [either])`))
	for range 2 {
		for _, phase := range []string{"recover", "undo"} {
			q := question()
			q.Plan.Phase = phase
			_, err := engine.Ask(t.Context(), q)
			wantError(t, err, "zone.rego:3: to_number")
		}
	}
}

func TestTheShippedRulesAreFastAndTheSame(t *testing.T) {
	engine, err := New(t.Context(), []Source{{"the shipped bundle", bundle.Files()}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for seed := range 20 {
		for _, q := range variants() {
			filled := policies.Question{}
			fill(reflect.ValueOf(&filled).Elem(), seed)
			q.View, q.History, q.Protection.Level = filled.View, filled.History, seed%5
			sameOfAll(t, engine.current.Load(), q, "the shipped bundle")
		}
	}
}

func variants() []policies.Question {
	var all []policies.Question
	for _, kind := range []string{"node", "zone", "data", "no \xff kind"} {
		for _, phase := range []string{"recover", "undo", ""} {
			for _, class := range []policies.Class{policies.Observe, policies.Destructive} {
				q := deadNode(2)
				q.Fault.Kind, q.Plan.Phase, q.Plan.Class = kind, phase, class
				q.Fault.Agree += len(all) % 2
				all = append(all, q)
			}
		}
	}
	return all
}

// TestConstants: what reads no input is worked out when rules are loaded, and nothing else.
func TestConstants(t *testing.T) {
	engine := load(t, rules(`limit := 3
table := {n: m | some n in numbers.range(1, limit); m := limit * n}
chosen := table[input.fault.agree]
through := chosen + 1
f(x) := x + limit
missing := table[7]
wrong := to_number("x")
deep[x] := 1 if some x in ["a"]
set contains limit
deny contains "x" if {
	through + f(chosen) > 100
	missing + wrong + deep.a + count(set) + count(data.salvor.policies.zone.act) > 1
}
act contains "always"`))
	config, own := engine.current.Load().program.helpers.at(ast.MustParseRef("data.salvor")), map[string]string{}
	for name, h := range config.below["policies"].below["zone"].below {
		if h.constant != nil {
			own[name] = h.constant.String()
		}
	}
	want := map[string]string{"limit": "3", "set": "{3}", "table": "{1: 3, 2: 6, 3: 9}"}
	if diff := cmp.Diff(want, own); diff != "" || config.below["config"].below["groups"].constant == nil {
		t.Error(diff)
	}
}

// TestOnlyWhatMaySpeakIsAsked: what compares facts with other texts is passed over.
func TestOnlyWhatMaySpeakIsAsked(t *testing.T) {
	engine := load(t, rules(`deny contains "a" if { input.fault.kind == "zone"; input.plan.class == "observe" }
deny contains "b" if { "undo" = input.plan.phase }
act contains "c" if { not input.fault.kind == "node" }
ask contains {"reason": "d"} if input.fault.kind == input.plan.phase
none := []
deny contains "e" if some n in none
few contains n if { some n in none; n != input.now }
deny contains "f" if { input.plan.phase == "recover"; some n in few; n > 1 }
deny contains "g" if { input.plan.phase != "recover"; input.plan.phase != "undo"; input.fault.anchor != "" }`))
	program := engine.current.Load().program
	for _, c := range []struct {
		kind, phase string
		class       policies.Class
		want        []string
	}{
		{"node", "recover", policies.Observe, []string{"ask", "act"}},
		{"zone", "recover", policies.Destructive, []string{"ask", "act"}},
		{"zone", "recover", policies.Observe, []string{"deny", "ask", "act"}},
		{"node", "undo", policies.Destructive, []string{"deny", "ask", "act"}},
		{"node", "later", policies.Destructive, []string{"deny", "ask", "act"}},
	} {
		q := question()
		q.Fault.Kind, q.Plan.Phase, q.Plan.Class = c.kind, c.phase, c.class
		a := program.asking()
		if err := a.facts.write(program.input, reflect.ValueOf(q)); err != nil {
			t.Fatal(err)
		}
		a.recall()
		var got []string
		for i, s := range program.sets {
			if a.parts[i].open {
				got = append(got, s.word)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("of %+v %v are asked", c, got)
		}
	}
}
