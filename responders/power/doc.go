// Package power reaches power switches: over HTTP, or through a program. Both say only what they were told: an answer that is
// late, malformed or missing is an error, never "off".
package power

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	maxAnswer  = 64 << 10 // bytes read of any answer
	maxExcerpt = 200      // bytes of an answer that an error quotes
)

var nodeName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)

// checkNode refuses what is not the name of a node, before it becomes part of a path or an argument.
func checkNode(node string) error {
	if nodeName.MatchString(node) {
		return nil
	}
	return fmt.Errorf("%q is not the name of a node", node)
}

// excerpt is the begin of an answer, fit for one line of an error.
func excerpt(answer []byte) string {
	text := strings.TrimSpace(string(answer[:min(len(answer), maxExcerpt)]))
	if text == "" {
		return "nothing"
	}
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "?")
	}
	return fmt.Sprintf("%q", text)
}
