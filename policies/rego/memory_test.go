package rego

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/policies"
)

// TestRemembersByWhatRulesRead: what a set says is given again when the facts that its rules read are the same, and only then.
func TestRemembersByWhatRulesRead(t *testing.T) {
	engine := load(t, rules(`deny contains sprintf("%s %d", [input.fault.kind, zone.broken]) if some zone in input.view.zones
act contains "fine" if every t in input.plan.targets { t.kind != "Secret" }`))
	q := question()
	q.View.Zones = map[string]policies.Zone{"a": {Broken: 1}}
	first, err := engine.Ask(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	known := func() int { return len(engine.current.Load().program.memory.known) }
	q.About, q.Now, q.View.AgeS, q.History.Attempts = policies.AboutGate, q.Now.Add(time.Hour), 3, 2
	again, err := engine.Ask(t.Context(), q)
	if diff := cmp.Diff(first, again); diff != "" || err != nil || known() != 2 {
		t.Errorf("of the same facts it says, with %d answers known, %v\n%s", known(), err, diff)
	}
	again.Deny[0].Text = "changed by its caller"
	q.View.Zones = map[string]policies.Zone{"a": {Broken: 2}}
	if other, err := engine.Ask(t.Context(), q); err != nil || other.Deny[0].Text != "node 2" || known() != 3 {
		t.Errorf("of other facts it says, with %d answers known, %+v, %v", known(), other, err)
	}
	q.View.Zones = map[string]policies.Zone{"a": {Broken: 1}}
	if back, err := engine.Ask(t.Context(), q); err != nil || !cmp.Equal(first, back) || known() != 3 {
		t.Errorf("of the first facts it says, with %d answers known, %+v, %v", known(), back, err)
	}
	q.Plan.Targets = append(slices.Clone(q.Plan.Targets), policies.Target{Kind: "Secret"})
	if worse, err := engine.Ask(t.Context(), q); err != nil || len(worse.Act) != 0 {
		t.Errorf("of a longer list it says %+v, %v", worse, err)
	}
}

// TestRemembersSetBySet: what one set reads does not make another one be evaluated again, and none is given what another one said.
func TestRemembersSetBySet(t *testing.T) {
	engine := load(t, sources(map[string]string{
		"a.rego": "package salvor.policies.a\n\nact contains input.fault.kind\n\ndeny contains input.now if input.plan.phase != \"undo\"\n",
		"b.rego": "package salvor.policies.b\n\nact contains upper(input.fault.kind)\n",
		"c.rego": "package salvor.policies.c\n\nact contains concat(\"\", [input.fault.kind, \"!\"])\n",
	}))
	q := question()
	for n := range 3 {
		q.Now = q.Now.Add(time.Second)
		said, err := engine.Ask(t.Context(), q)
		if err != nil || len(said.Act) != 3 || said.Act[0].Text != "node" || said.Act[1].Text != "NODE" || said.Act[2].Text != "node!" {
			t.Errorf("it says %+v, %v", said, err)
		}
		if known := len(engine.current.Load().program.memory.known); known != n+4 {
			t.Errorf("%d answers are known after %d questions, want %d", known, n+1, n+4)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	engine := load(t, rules(`act contains sprintf("%d", [input.fault.agree])`))
	q := question()
	for n := range 2 * maxRemembered {
		q.Fault.Agree = n
		if said, err := engine.Ask(t.Context(), q); err != nil || said.Act[0].Text != fmt.Sprint(n) {
			t.Fatalf("of %d it says %+v, %v", n, said, err)
		}
	}
	if n := len(engine.current.Load().program.memory.known); n != maxRemembered {
		t.Errorf("%d answers are remembered, want %d", n, maxRemembered)
	}
}

// An error is no answer: it is not remembered.
func TestErrorsAreNotRemembered(t *testing.T) {
	engine := load(t, rules(`act contains "x" if to_number(input.fault.kind) > 3`))
	for range 2 {
		if _, err := engine.Ask(t.Context(), question()); err == nil {
			t.Error("no error")
		}
	}
}

func TestReadOf(t *testing.T) {
	for _, c := range []struct{ rule, want string }{
		{`act contains "x"`, "[]"},
		{`act contains "x" if input.about == "gate"`, "[about]"},
		{`act contains "x" if input.fault.signals.lease.agrees`, "[fault.signals]"},
		{`act contains "x" if { input.plan.class == "observe"; input.plan.phase == "undo"; input.view.age_s < 3 }`, "[plan.class plan.phase view.age_s]"},
		{`act contains "x" if { v := input.view; v.age_s < 3 }`, "[view.age_s]"},
		{`act contains "x" if { v := input.view; object.get(v, "age_s", 1) < 3 }`, "[view]"},
		{`act contains "x" if { some name; input.history[name] == 3 }`, "[history]"},
		{`act contains "x" if count(object.keys(input)) > 3`, "[everything]"},
		{"helper := input.limits.attempts\nact contains \"x\" if helper > 1", "[limits.attempts]"},
		{"f(x) := x.attempts\nact contains \"x\" if f(input.limits) > 1", "[limits]"},
		{`act contains input.fault.sentence`, "[fault.sentence]"},
		{"import input.plan as p\nact contains \"x\" if p.class == \"observe\"", "[plan.class]"},
		{"helper if input.about == \"gate\"\nact contains \"x\" if helper with input.about as input.cluster.name", "[about cluster.name]"},
		{"helper := 1 if input.about == \"gate\"\nelse := input.view.age_s\nact contains \"x\" if helper > 0", "[about view.age_s]"},
		{`act contains "x" if { every n in input.fault.nodes { n != "" } }`, "[fault.nodes]"},
	} {
		program := load(t, rules(c.rule)).current.Load().program
		whole, err := shapeOf(reflect.TypeFor[policies.Question]())
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(paths(program.input, whole)); got != c.want {
			t.Errorf("%s reads %s, want %s", c.rule, got, c.want)
		}
	}
}

// TestReadOfElements: of what lies in lists and maps only the fields are read that rules name, unless one of them takes an element whole.
func TestReadOfElements(t *testing.T) {
	for _, c := range []struct{ rule, want string }{
		{`act contains t.name if { some t in input.plan.targets; t.kind == "Pod" }`, "plan.targets[].kind plan.targets[].name"},
		{`act contains t if { some t in input.plan.targets; t.kind == "Pod" }`, "plan.targets[]"},
		{`act contains "x" if input.plan.targets[_].zone == "a"`, "plan.targets[].zone"},
		{`act contains "x" if input.plan.targets[0]`, "plan.targets[]"},
		{`act contains "x" if count(input.plan.targets) > 1`, "plan.targets[]{}"},
		{`act contains "x" if input.plan.targets == input.plan.steps[0].targets`, "plan.targets[] plan.steps[].targets[]"},
		{`act contains "x" if { some s in input.plan.steps; some t in s.targets; t.uid == "" }`, "plan.steps[].targets[].uid"},
		{`act contains zone if { some zone, of in input.view.zones; of.broken > 1 }`, "view.zones[].broken"},
		{`act contains "x" if input.fault.signals.lease.agrees`, "fault.signals[].agrees"},
		{`act contains "x" if { every t in input.plan.targets { t.kind == "Pod" } }`, "plan.targets[]"},
		{`act contains "x" if { t := input.plan.targets[_]; t == input.plan.steps[_].targets[_] }`, "plan.targets[] plan.steps[].targets[]"},
		{`act contains "x" if { some t in input.plan.targets; f(t) }` + "\nf(t) if t.kind == \"Pod\"", "plan.targets[]"},
		{`act contains "x" if { some t in input.plan.targets; some field; t[field] == "" }`, "plan.targets[]"},
		{"kinds := {t.kind | some t in input.plan.targets}\nact contains \"x\" if \"Pod\" in kinds", "plan.targets[].kind"},
		{"one := t if some t in input.plan.targets\nact contains \"x\" if one.kind == \"Pod\"", "plan.targets[]"},
	} {
		program := load(t, rules(c.rule)).current.Load().program
		if got := strings.Join(readIn("", program.input, questionShape(t)), " "); got != c.want {
			t.Errorf("%s reads %s, want %s", c.rule, got, c.want)
		}
	}
}

// readIn names what a part of a shape has.
func readIn(path string, part, whole *shape) []string {
	switch {
	case part.kind == list || part.kind == dict:
		return readIn(path+"[]", part.elem, whole.elem)
	case part.kind != record || len(part.fields) == len(whole.fields):
		return []string{path}
	case len(part.fields) == 0:
		return []string{path + "{}"}
	}
	var all []string
	for _, f := range part.fields {
		of, _ := whole.field(f.name)
		all = append(all, readIn(strings.TrimPrefix(path+"."+f.name, "."), f.shape, of)...)
	}
	return all
}

// paths names the fields that a part of a record has: a record that it has whole, by its own name.
func paths(part, whole *shape) []string {
	if len(part.fields) == len(whole.fields) {
		return []string{"everything"}
	}
	var all []string
	for _, f := range part.fields {
		of, _ := whole.field(f.name)
		if of.kind != record || len(f.shape.fields) == len(of.fields) {
			all = append(all, f.name)
			continue
		}
		for _, below := range paths(f.shape, of) {
			all = append(all, f.name+"."+below)
		}
	}
	slices.Sort(all)
	return all
}
