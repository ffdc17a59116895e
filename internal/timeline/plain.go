package timeline

import (
	"strconv"
	"strings"
)

// Plain makes text harmless to a terminal: what does not print, line breaks, escape sequences and marks that turn the
// direction of writing included, becomes visible as it would be in a Go string.
func Plain(text string) string {
	var out strings.Builder
	for i, r := range text {
		switch {
		case r == '\uFFFD' && !strings.HasPrefix(text[i:], "\uFFFD"):
			out.WriteString(`\x` + strconv.FormatUint(uint64(text[i])|0x100, 16)[1:])
		case strconv.IsPrint(r):
			out.WriteRune(r)
		default:
			out.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return out.String()
}

func plainAll(texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = Plain(text)
	}
	return out
}
