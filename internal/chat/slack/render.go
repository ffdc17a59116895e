package slack

import (
	"fmt"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/chat"
)

// blocks set a card.
func (w *Workspace) blocks(c card.Card) []slackgo.Block {
	out := []slackgo.Block{slackgo.NewHeaderBlock(plain(headline(c), maxHeader)),
		slackgo.NewRichTextBlock("state", section(bold(clip(upperFirst(c.State), maxSection))))}
	if len(c.Facts) > 0 {
		out = append(out, slackgo.NewRichTextBlock("facts", facts(c)...))
	}
	if len(c.Steps) > 0 {
		out = append(out, slackgo.NewRichTextBlock("steps", steps(c)...))
	}
	if c.Ask != nil {
		out = append(out, slackgo.NewRichTextBlock("ask", asked(c.Ask)...), w.mention(c.Ask))
	}
	out = append(out, slackgo.NewActionBlock("verbs", w.buttons(c)...))
	return append(out, slackgo.NewRichTextBlock("command", section(text(c.Name+"  "), code(clip(c.Command, 300)))))
}

func headline(c card.Card) string {
	text := c.Title + " · " + c.Cluster
	if c.Severity != "" {
		text += " · " + c.Severity
	}
	return text
}

func upperFirst(text string) string {
	if text == "" {
		return "-"
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// facts are the rows of a card, as many as have room.
func facts(c card.Card) []slackgo.RichTextElement {
	var rows []slackgo.RichTextElement
	room := maxSection
	for _, f := range c.Facts {
		label, lines := f.Label+"  ", clip(strings.Join(f.Lines, "\n"), min(room, maxRow))
		if f.Grave {
			label = "⚠ " + strings.ToUpper(f.Label) + "  "
		}
		if room -= len([]rune(label + lines)); room < 0 {
			return append(rows, section(bold("More  "), text("see Details")))
		}
		rows = append(rows, section(bold(label), text(lines+"\n")))
	}
	return rows
}

var marks = map[card.StepState]string{card.Due: "○", card.Doing: "▶", card.Done: "✔", card.Failed: "✖", card.Skipped: "–"}

// steps are what is done, each with how far it is.
func steps(c card.Card) []slackgo.RichTextElement {
	const most = 15
	var rows []slackgo.RichTextElement
	for i, s := range c.Steps {
		if i == most {
			return append(rows, section(text(fmt.Sprintf("and %d more: see Details", len(c.Steps)-most))))
		}
		line := fmt.Sprintf("%s %d  %s", marks[s.State], i+1, clip(s.Text, 120))
		if s.State == card.Done && s.Took > 0 {
			line += "  " + s.Took.Round(100*time.Millisecond).String()
		}
		parts := []slackgo.RichTextSectionElement{text(line)}
		if s.Note != "" && s.State != card.Done {
			parts = append(parts, text("\n      "+clip(s.Note, 60)))
		}
		rows = append(rows, section(append(parts, text("\n"))...))
	}
	return rows
}

// asked says who is asked, what they said, and what goes beyond what they were asked before.
func asked(a *card.Ask) []slackgo.RichTextElement {
	rows := []slackgo.RichTextElement{}
	if len(a.Worse) > 0 {
		rows = append(rows, section(bold("⚠ MORE THAN YOU WERE ASKED ABOUT BEFORE  "), text(clip(strings.Join(a.Worse, "\n"), maxRow)+"\n")))
	}
	who := fmt.Sprintf("%s; %d to go", a.Whom, a.Lacks)
	if a.Held != "" {
		who += "; " + a.Held
	}
	rows = append(rows, section(bold("Asked  "), text(clip(who, 600)+"\n")))
	const most = 10
	for i, v := range a.Votes {
		if i == most {
			return append(rows, section(text(fmt.Sprintf("and %d more\n", len(a.Votes)-most))))
		}
		rows = append(rows, section(text(clip(fmt.Sprintf("%s %s via %s", v.Person, v.Says, v.Via), 200)+"\n")))
	}
	return rows
}

// mention calls the groups that are asked, never their members one by one, and says until when. All of it is Salvor's own markup.
func (w *Workspace) mention(a *card.Ask) slackgo.Block {
	line := "Decide by " + date(a.Until)
	if a.Then != "" {
		line += ", " + escaped(clip(a.Then, 200))
	}
	return slackgo.NewSectionBlock(slackgo.NewTextBlockObject(slackgo.MarkdownType, w.mentions(a)+line, false, true), nil, nil)
}

func (w *Workspace) mentions(a *card.Ask) string {
	text := ""
	for _, group := range a.Groups {
		if id := w.Groups[group]; id != "" {
			text += fmt.Sprintf("<!subteam^%s> ", id)
		}
	}
	return text
}

// aside is what is said in the thread.
func (w *Workspace) aside(a chat.Aside) []slackgo.Block {
	var out []slackgo.Block
	if a.Call && a.Card.Ask != nil {
		out = append(out, slackgo.NewRichTextBlock("call", section(bold(clip(a.Card.Push, maxRow)))), w.mention(a.Card.Ask))
	}
	if len(a.Lines) > 0 {
		out = append(out, slackgo.NewRichTextBlock("log", lines(a.Lines)...))
	}
	if a.Card.Stage == card.Over || a.Card.Stage == card.Waiting {
		out = append(out, slackgo.NewRichTextBlock("summary", section(bold(clip(a.Card.Push, maxRow)))))
	}
	return out
}

// lines are the last lines of a log that have room.
func lines(all []card.Line) []slackgo.RichTextElement {
	const most, longest = 25, 300
	var rows []slackgo.RichTextElement
	if more := len(all) - most; more > 0 {
		rows = append(rows, section(text(fmt.Sprintf("%d lines before: see Details\n", more))))
		all = all[more:]
	}
	for _, l := range all {
		rows = append(rows, section(code(l.At.UTC().Format(time.TimeOnly)), text(" "+clip(l.Text, min(longest, maxSection/len(all)-12))+"\n")))
	}
	return rows
}
