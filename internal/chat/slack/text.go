package slack

import (
	"fmt"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"
)

// Slack's limits, in characters.
const (
	maxHeader  = 150
	maxSection = 2900 // of 3000
	maxRow     = 1500 // of one row of a card
)

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escaped is text that cannot mention anybody, and is no link, where Slack reads markup.
func escaped(text string) string { return escapes.Replace(text) }

// clip keeps the first characters of a text.
func clip(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}

func plain(text string, most int) *slackgo.TextBlockObject {
	return slackgo.NewTextBlockObject(slackgo.PlainTextType, clip(text, most), false, false)
}

func text(s string) slackgo.RichTextSectionElement {
	return slackgo.NewRichTextSectionTextElement(s, nil)
}

func bold(s string) slackgo.RichTextSectionElement {
	return slackgo.NewRichTextSectionTextElement(s, &slackgo.RichTextSectionTextStyle{Bold: true})
}

func code(s string) slackgo.RichTextSectionElement {
	return slackgo.NewRichTextSectionTextElement(s, &slackgo.RichTextSectionTextStyle{Code: true})
}

func section(parts ...slackgo.RichTextSectionElement) slackgo.RichTextElement {
	return slackgo.NewRichTextSection(parts...)
}

// date is a time that each reader sees in the zone that is theirs.
func date(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{time}|%s>", t.Unix(), t.UTC().Format("15:04 UTC"))
}
