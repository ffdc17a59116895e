package policies

import (
	"encoding"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite what is generated")

// TestTheGuideShowsTheTables keeps the tables of policies/README.md what the code does and what the input is.
func TestTheGuideShowsTheTables(t *testing.T) {
	raw, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	is := string(raw)
	want := between(t, is, "combine", combineTable())
	want = between(t, want, "input", inputTable(readComments(t)))
	want = between(t, want, "settings", settingsTable(readComments(t)))
	if is == want {
		return
	}
	if !*update {
		t.Fatal("the tables of README.md are not current: go test ./policies -update")
	}
	if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// between puts a text between the marks of a name.
func between(t *testing.T, guide, name, text string) string {
	t.Helper()
	begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
	before, rest, ok := strings.Cut(guide, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("README.md has no place for %s", name)
	}
	return before + begin + text + end + after
}

// inputTable lists the leaves of the input with what is written about them.
func inputTable(said comments) string {
	var out strings.Builder
	out.WriteString("| field | type | meaning |\n| --- | --- | --- |\n")
	var walk func(at, meaning string, of reflect.Type)
	walk = func(at, meaning string, of reflect.Type) {
		form := map[reflect.Kind]string{reflect.Int: "number", reflect.Float64: "number", reflect.Bool: "boolean"}[of.Kind()]
		list := of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.String
		switch {
		case at == "plan.steps[_].targets":
			fmt.Fprintf(&out, "| `%s[_]` | | %s |\n", at, meaning)
		case of.Kind() == reflect.String, of.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
			fmt.Fprintf(&out, "| `%s` | text | %s |\n", at, meaning)
		case list:
			fmt.Fprintf(&out, "| `%s` | list of text | %s |\n", at, meaning)
		case of.Kind() == reflect.Slice || of.Kind() == reflect.Map:
			walk(at+"[_]", meaning, of.Elem())
		case of.Kind() == reflect.Struct:
			for i := range of.NumField() {
				f := of.Field(i)
				walk(strings.TrimPrefix(at+"."+f.Tag.Get("json"), "."), said[of.Name()+"."+f.Name], f.Type)
			}
		default:
			fmt.Fprintf(&out, "| `%s` | %s | %s |\n", at, form, meaning)
		}
	}
	walk("", "", reflect.TypeFor[Question]())
	return out.String()
}

// settingsTable lists the settings with what is written about them, those of each record once.
func settingsTable(said comments) string {
	var out strings.Builder
	out.WriteString("| setting | meaning |\n| --- | --- |\n")
	seen := map[reflect.Type]bool{}
	var walk func(at, meaning string, of reflect.Type)
	walk = func(at, meaning string, of reflect.Type) {
		if meaning != "" {
			fmt.Fprintf(&out, "| `%s` | %s |\n", at, meaning)
		}
		switch {
		case of.Kind() == reflect.Map && of.Elem().Kind() == reflect.Struct:
			walk(at+".*", "", of.Elem())
		case of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Struct:
			walk(at+"[_]", "", of.Elem())
		case of.Kind() == reflect.Struct && !seen[of]:
			seen[of] = true
			for i := range of.NumField() {
				f := of.Field(i)
				walk(strings.TrimPrefix(at+"."+f.Tag.Get("json"), "."), said[of.Name()+"."+f.Name], f.Type)
			}
		}
	}
	walk("", "", reflect.TypeFor[Settings]())
	return out.String()
}

// combineTable asks Settle about every combination and writes down the answers.
func combineTable() string {
	var out strings.Builder
	out.WriteString("Rules of all packages are taken together; then class and mode tighten what they said, never loosen it.\n\n")
	out.WriteString("| the rules said | class of the plan | mode act | mode ask | mode suggest | mode observe |\n| --- | --- | --- | --- | --- | --- |\n")
	rows := []struct {
		name string
		said Said
	}{{"any `deny`", Said{Deny: no, Ask: asked, Act: yes}}, {"no `deny`, any `ask`", Said{Ask: asked, Act: yes}}, {"only `act`, or with an ask `otherwise`", Said{Ask: weak, Act: yes}}, {"only an ask `otherwise`", Said{Ask: weak}}, {"nothing", Said{}}}
	for _, row := range rows {
		for _, classes := range [][2]Class{{Observe, Disruptive}, {Destructive, Destructive}, {Irreversible, Irreversible}} {
			fmt.Fprintf(&out, "| %s | %s |", row.name, spanOf(classes))
			for mode := ModeAct; mode >= ModeObserve; mode-- {
				fmt.Fprintf(&out, " %s |", answerOf(row.said, classes, mode))
			}
			out.WriteString("\n")
		}
	}
	out.WriteString("\nWhile anything is listed in `input.unknown`, `act` becomes `ask (1)`; of a zone or a region that one source alone says is lost, `ask (2)`,\nunless the plan takes back what was done. After that each brake denies for as\n")
	out.WriteString("long as it lasts, and says why with its numbers, in mode act and whatever the rules said:\n\n")
	out.WriteString("| brake | a plan that recovers | before its next step | a plan that takes back what was done |\n| --- | --- | --- | --- |\n")
	for _, b := range braked() {
		fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", b.name, b.answer("recover", AboutDecision), b.answer("recover", AboutGate), b.answer("undo", AboutDecision))
	}
	return out.String()
}

// held is a question that a brake holds.
type held struct {
	name string
	set  func(*Question)
}

// braked has each brake hold once.
func braked() []held {
	return []held{
		{"pause", func(q *Question) { q.Pauses = []Pause{pause(Pause{})} }},
		{"at work", func(q *Question) { q.View.AtWork = []AtWork{{"kured", "reboots it", "node/worker-1"}} }},
		{"wider fault", func(q *Question) { q.Fault.Under = "zone/a" }},
		{"storm", func(q *Question) { q.View.LostTogether, q.View.LostOf = 20, 20 }},
		{"budget", func(q *Question) { q.InFlight.Cluster = 20 }},
		{"lock", func(q *Question) { q.InFlight.Targets = []string{"node/worker-1"} }},
		{"attempts", func(q *Question) { q.History.Attempts = q.Limits.Attempts }},
	}
}

// answer is what comes of rules that say act, in mode act.
func (h held) answer(phase string, about About) string {
	q := calm()
	q.Plan.Phase, q.About = phase, about
	h.set(&q)
	return Settle(Said{Act: yes}, q).Verdict.String()
}

// TestTheTableHasEveryBrake: each holds the plan that it is about.
func TestTheTableHasEveryBrake(t *testing.T) {
	var names []string
	for _, b := range brakes {
		names = append(names, b.name)
	}
	var listed []string
	for _, b := range braked() {
		listed = append(listed, b.name)
		if got := b.answer("recover", AboutDecision); got != Deny.String() {
			t.Errorf("%s: %s", b.name, got)
		}
	}
	if want := slices.Compact(names); !slices.Equal(listed, want) {
		t.Errorf("listed are %q, there are %q", listed, want)
	}
}

func spanOf(classes [2]Class) string {
	if classes[0] == classes[1] {
		return classes[0].String()
	}
	return classes[0].String() + " to " + classes[1].String()
}

// answerOf is the one answer that holds for all classes of the span.
func answerOf(said Said, classes [2]Class, mode Mode) string {
	answers := map[string]bool{}
	answer := ""
	for class := classes[0]; class <= classes[1]; class++ {
		q := calm()
		q.Plan.Class, q.Mode = class, mode
		d := Settle(said, q)
		answer = d.Verdict.String()
		if d.Verdict == Ask {
			answer += fmt.Sprintf(" (%d)", d.Asks.Votes)
		}
		answers[answer] = true
	}
	if len(answers) != 1 {
		return "varies"
	}
	return answer
}
