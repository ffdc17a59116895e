package policies

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// masked stands for what was taken out.
const masked = "***"

// named are the words that names of credentials end with.
const named = `(?:password|passwd|passphrase|secret|token|credentials?|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key)`

// naming are parts of which each of those names has one.
var naming = []string{"pass", "secret", "token", "credential", "key"}

// secrets are forms of credentials in text, each with what stays of it, and with what a text has in small letters that takes the form: one
// of each list. Most texts are names and sentences, and looking for a form costs more than for a word.
var secrets = [...]struct {
	form  *regexp.Regexp
	stays string
	has   [][]string
}{
	{regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----.*?(-----END [A-Z ]*PRIVATE KEY( BLOCK)?-----|$)`), masked, [][]string{{"-----begin "}}},
	{regexp.MustCompile(`://[^/\s@:]*:[^/\s]+@`), "://" + masked + "@", [][]string{{"://"}, {"@"}}},
	{regexp.MustCompile(`(?i)\b(bearer|basic)\s+(?:[a-z._~+/-]*[0-9=][a-z0-9._~+/=-]{8,}|[a-z._~+/-]{8,}[0-9=][a-z0-9._~+/=-]*)`), "$1 " + masked, [][]string{{"bearer", "basic"}}},
	{regexp.MustCompile(`(?i)(` + named + `\\?["']?\s*=>?\s*\\?["']?)[^\s"',;&)\\]{4,}`), "${1}" + masked, [][]string{{"="}, naming}},
	// A colon after the name of an object, such as shop/api-token, says what is so of it.
	{regexp.MustCompile(`(?i)((?:^|[^\w./-])[\w.-]*` + named + `\\?["']?\s*:\s*\\?["']?)[^\s"',;&)\\]{4,}`), "${1}" + masked, [][]string{{":"}, naming}},
	{regexp.MustCompile(`(?i)((?:^|[^a-z])(?:pass|pwd|auth|authorization|sig)["']?=["']?)[^\s"',;&)]{4,}`), "${1}" + masked, [][]string{{"="}, {"pass", "pwd", "auth", "sig"}}},
	{regexp.MustCompile(`(?i)(--(?:password|passwd|token|secret|api-key)\s+["']?)[^\s"']{4,}`), "${1}" + masked, [][]string{{"--"}, naming}},
	{regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`), masked, [][]string{{"eyj"}}},                          // JSON web tokens
	{regexp.MustCompile(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`), masked, [][]string{{"akia", "asia"}}},                                             // of AWS
	{regexp.MustCompile(`\bAIza[0-9A-Za-z_-]{30,}`), masked, [][]string{{"aiza"}}},                                                          // of Google
	{regexp.MustCompile(`\b(?:gh[opsur]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})`), masked, [][]string{{"gh", "github_pat_"}, {"_"}}}, // of GitHub
	{regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{16,}`), masked, [][]string{{"glpat-"}}},                                                      // of GitLab
	{regexp.MustCompile(`\bxox[abeprs]-[A-Za-z0-9-]{10,}`), masked, [][]string{{"xox"}}},                                                    // of Slack
	{regexp.MustCompile(`(hooks\.slack\.com/services/)[A-Za-z0-9/]+`), "${1}" + masked, [][]string{{"hooks.slack.com"}}},
	{regexp.MustCompile(`\bhvs\.[A-Za-z0-9_-]{20,}`), masked, [][]string{{"hvs."}}}, // of Vault
}

// Masked is a question without the credentials that may stand in its texts: labels, annotations and sentences are what somebody else
// wrote. It is masked before it is asked, so that what is stored is what was answered. Whatever q shares with others stays as it is.
func Masked(q Question) Question {
	value := reflect.ValueOf(&q).Elem()
	mask(value)
	return q
}

// mask replaces the texts in a value. It copies lists and maps only where something is taken out.
func mask(v reflect.Value) (changed bool) {
	switch v.Kind() {
	case reflect.String:
		return maskText(v)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() && mask(f) {
				changed = true
			}
		}
	case reflect.Slice:
		return maskList(v)
	case reflect.Map:
		return maskMap(v)
	}
	return changed
}

func maskText(v reflect.Value) bool {
	text := v.String()
	clean := MaskedText(text)
	if clean == text {
		return false
	}
	v.SetString(clean)
	return true
}

// shortest is what a credential with its name has at least, in bytes.
const shortest = 8

// MaskedText is a text without the credentials that may stand in it.
func MaskedText(text string) string {
	if len(text) < shortest {
		return text
	}
	small := strings.ToLower(text)
	for _, s := range secrets {
		if hasOneOfEach(small, s.has) {
			text = s.form.ReplaceAllString(text, s.stays)
		}
	}
	return text
}

func hasOneOfEach(text string, lists [][]string) bool {
	for _, words := range lists {
		if !slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) }) {
			return false
		}
	}
	return true
}

func maskList(v reflect.Value) (changed bool) {
	for i := range v.Len() {
		item := reflect.New(v.Type().Elem()).Elem()
		item.Set(v.Index(i))
		if !mask(item) {
			continue
		}
		if !changed {
			own := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			reflect.Copy(own, v)
			v.Set(own)
			changed = true
		}
		v.Index(i).Set(item)
	}
	return changed
}

func maskMap(v reflect.Value) (changed bool) {
	var own reflect.Value
	for each := v.MapRange(); each.Next(); {
		item := reflect.New(v.Type().Elem()).Elem()
		item.Set(each.Value())
		if !mask(item) {
			continue
		}
		if !changed {
			own = reflect.MakeMapWithSize(v.Type(), v.Len())
			for all := v.MapRange(); all.Next(); {
				own.SetMapIndex(all.Key(), all.Value())
			}
			changed = true
		}
		own.SetMapIndex(each.Key(), item)
	}
	if changed {
		v.Set(own)
	}
	return changed
}
