package timeline

import (
	"fmt"
	"strings"
)

// md makes text plain for Markdown: nothing in it is a link, an image, HTML, emphasis, a table's border or a mention.
func md(text string) string {
	var out strings.Builder
	for _, r := range Plain(text) {
		switch {
		case r == '<':
			out.WriteString("&lt;")
		case r == '&':
			out.WriteString("&amp;")
		case r == '@':
			out.WriteString("&#64;")
		case strings.ContainsRune("\\`*_[]()!|~#", r):
			out.WriteString("\\" + string(r))
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// code is text as inline code, whatever is in it.
func code(text string) string {
	text = Plain(text)
	fence := strings.Repeat("`", longestRun(text)+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// fenced is text as an indented block of code, whatever is in it.
func fenced(text string) string {
	fence := strings.Repeat("`", max(3, longestRun(text)+1))
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = "   " + Plain(line)
	}
	return fmt.Sprintf("\n   %ssh\n%s\n   %s\n", fence, strings.Join(lines, "\n"), fence)
}

// longestRun is the length of the longest run of backticks.
func longestRun(text string) int {
	most, now := 0, 0
	for _, r := range text {
		if r != '`' {
			now = 0
			continue
		}
		now++
		most = max(most, now)
	}
	return most
}
