package rig

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/salvor-io/salvor/test/slackd"
)

// Text is a message of the workspace as lines: the push text, what its blocks say, and its buttons in brackets.
func Text(m slackd.Message) string {
	var out strings.Builder
	fmt.Fprintf(&out, "[push] %s\n", m.Text)
	for _, b := range m.Blocks {
		said := strings.TrimRight(textOf(b["text"])+elementsOf(b), "\n")
		if said != "" {
			fmt.Fprintln(&out, said)
		}
	}
	return date.ReplaceAllString(strings.ReplaceAll(out.String(), "<!subteam^"+Oncall+">", "@sre-oncall"), "$1")
}

// date is how Slack is told a time that it shows in everybody's own time zone, and what it shows where it cannot.
var date = regexp.MustCompile(`<!date\^[0-9]+\^[^|>]*\|([^>]*)>`)

// textOf is the text of a text object.
func textOf(v any) string {
	object, _ := v.(map[string]any)
	text, _ := object["text"].(string)
	return text
}

func elementsOf(block map[string]any) string {
	elements, _ := block["elements"].([]any)
	var out strings.Builder
	for _, v := range elements {
		element, _ := v.(map[string]any)
		switch text := element["text"].(type) {
		case string:
			out.WriteString(text)
		case map[string]any:
			fmt.Fprintf(&out, "[%s] ", textOf(text))
		}
		if _, nested := element["elements"]; nested {
			out.WriteString(strings.TrimRight(elementsOf(element), "\n") + "\n")
		}
	}
	return out.String()
}
