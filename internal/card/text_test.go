package card

import (
	"fmt"
	"strings"
)

// text sets a card as people would read it aloud: everything that it says, and nothing else.
func text(c Card) string {
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	line("push   %s", c.Push)
	line("%s · %s · %s  %s [%s]", c.Title, c.Cluster, c.Severity, c.Name, c.Stage)
	line("state  %s", c.State)
	for _, f := range c.Facts {
		grave := ""
		if f.Grave {
			grave = "!"
		}
		for _, l := range f.Lines {
			line("%s%s: %s", grave, f.Label, l)
		}
	}
	for i, s := range c.Steps {
		line("%d %s: %s (%s) %s", i+1, s.State, s.Text, s.Took, s.Note)
	}
	if a := c.Ask; a != nil {
		line("asks   %s %v, lacks %d, until %s, %s; held %q; type %q", a.Whom, a.Groups, a.Lacks, a.Until.Format("15:04:05"), a.Then, a.Held, a.Type)
		for _, v := range a.Votes {
			line("vote   %s %s via %s at %s", v.Person, v.Says, v.Via, v.At.Format("15:04:05"))
		}
		for _, w := range a.Worse {
			line("worse  %s", w)
		}
	}
	line("verbs  %v", c.Verbs)
	line("$ %s", c.Command)
	for _, l := range c.Log {
		line("%s %s", l.At.Format("15:04:05"), l.Text)
	}
	return out.String()
}
