package rig

import (
	"fmt"
	"strings"

	"github.com/salvor-io/salvor/test/slackd"
)

// Text is a message of Slack as lines: the push text, what its blocks say, and its buttons in brackets.
func Text(m slackd.Message) string {
	var out strings.Builder
	fmt.Fprintf(&out, "[push] %s\n", m.Text)
	for _, b := range m.Blocks {
		said := strings.TrimRight(textOf(b["text"])+elementsOf(b), "\n")
		if said != "" {
			fmt.Fprintln(&out, said)
		}
	}
	return out.String()
}

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
