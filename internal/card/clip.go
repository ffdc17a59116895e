package card

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/salvor-io/salvor/internal/timeline"
)

// The bounds of what one row says.
const (
	maxText  = 300 // characters
	maxName  = 80  // characters of what stands in a title
	maxLines = 20
)

// clip makes text from outside one line that neither steers a terminal nor fills a screen.
func clip(text string) string {
	return clipTo(text, maxText)
}

// name makes a name from outside one that fits into a title.
func name(text string) string { return clipTo(text, maxName) }

func clipTo(text string, most int) string {
	text = timeline.Plain(strings.TrimSpace(text))
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

func clipAll(texts []string) []string {
	out := make([]string, 0, len(texts))
	for _, text := range texts {
		out = append(out, clip(text))
	}
	return bounded(out)
}

// bounded keeps the first lines, and counts the others.
func bounded(lines []string) []string {
	if len(lines) <= maxLines {
		return lines
	}
	return append(lines[:maxLines-1:maxLines-1], fmt.Sprintf("and %d more", len(lines)-maxLines+1))
}
