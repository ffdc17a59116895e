package events

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Subject is the subject an event is recorded under, below the given prefix: <prefix>.<cluster>.<type>.<entity>.
func (e Event) Subject(prefix string) string {
	return prefix + "." + Token(e.Cluster) + "." + Token(string(e.Type)) + "." + Token(e.Entity)
}

// again ends the entity of an event by which somebody says once more what they said before.
const again = "/again"

// Again is the entity under which somebody says of an entity once more what was said of it before. A log keeps few events of each
// subject: like this those that say something new are not pushed out by those that do not.
func Again(entity string) string { return entity + again }

// SaidOf is the entity that an event speaks of, and whether it says once more what was said before.
func SaidOf(entity string) (of string, repeats bool) { return strings.CutSuffix(entity, again) }

// Token renders any text as one subject token: text of letters, digits, '-' and '_' (at most 48) stays as it is, everything
// else becomes what is readable of it and 16 hex digits of its SHA-256, joined by "=", so that two texts never share a
// token and no label can reach outside its place.
func Token(text string) string {
	if isPlain(text) {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return readable(text) + "=" + hex.EncodeToString(sum[:8])
}

func isPlain(text string) bool {
	if text == "" || len(text) > 48 {
		return false
	}
	for i := range len(text) {
		if !plainByte(text[i]) {
			return false
		}
	}
	return true
}

func plainByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

func readable(text string) string {
	const most = 32
	out := make([]byte, 0, most)
	for i := 0; i < len(text) && len(out) < most; i++ {
		if plainByte(text[i]) {
			out = append(out, text[i])
			continue
		}
		out = append(out, '_')
	}
	return string(out)
}
