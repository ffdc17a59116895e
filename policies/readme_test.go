package policies

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the table in README.md")

const (
	tableBegin = "<!-- combine:begin -->\n"
	tableEnd   = "<!-- combine:end -->"
)

// TestTheGuideShowsTheTable keeps the table of policies/README.md what the code does.
func TestTheGuideShowsTheTable(t *testing.T) {
	raw, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(raw), tableBegin)
	is, after, closed := strings.Cut(rest, tableEnd)
	if !ok || !closed {
		t.Fatal("README.md has no place for the table")
	}
	want := combineTable()
	if is == want {
		return
	}
	if !*update {
		t.Fatalf("the table is not what the code does: go test ./policies -update\nwant:\n%s", want)
	}
	if err := os.WriteFile("README.md", []byte(before+tableBegin+want+tableEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// combineTable asks Settle about every combination and writes down the answers.
func combineTable() string {
	var out strings.Builder
	out.WriteString("Rules of all packages are taken together; then class and mode tighten what they said, never loosen it.\n\n")
	out.WriteString("| the rules said | class of the plan | mode act | mode ask | mode suggest | mode observe |\n| --- | --- | --- | --- | --- | --- |\n")
	rows := []struct {
		name string
		said Said
	}{{"any `deny`", Said{Deny: no, Ask: asked, Act: yes}}, {"no `deny`, any `ask`", Said{Ask: asked, Act: yes}}, {"only `act`", Said{Act: yes}}, {"nothing", Said{}}}
	for _, row := range rows {
		for _, classes := range [][2]Class{{Observe, Disruptive}, {Destructive, Destructive}, {Irreversible, Irreversible}} {
			fmt.Fprintf(&out, "| %s | %s |", row.name, spanOf(classes))
			for mode := ModeAct; mode >= ModeObserve; mode-- {
				fmt.Fprintf(&out, " %s |", answerOf(row.said, classes, mode))
			}
			out.WriteString("\n")
		}
	}
	out.WriteString("\nAfter that, each of these denies for as long as it lasts, with its numbers: ")
	names := []string{}
	for _, b := range brakes() {
		if len(names) == 0 || names[len(names)-1] != b.name {
			names = append(names, b.name)
		}
	}
	out.WriteString(strings.Join(names, ", ") + ". While anything is listed in `input.unknown`, `act` becomes `ask`.\n")
	return out.String()
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
