package policies

import (
	"reflect"
	"regexp"
	"strings"
)

// masked stands for what was taken out.
const masked = "***"

// named are the words that names of credentials end with.
const named = `(?:password|passwd|passphrase|secret|token|credentials?|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key)`

// secrets are forms of credentials in text, each with what stays of it.
var secrets = [...]struct {
	form  *regexp.Regexp
	stays string
}{
	{regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----.*?(-----END [A-Z ]*PRIVATE KEY( BLOCK)?-----|$)`), masked},
	{regexp.MustCompile(`://[^/\s@:]*:[^/\s]+@`), "://" + masked + "@"},
	{regexp.MustCompile(`(?i)\b(bearer|basic)\s+(?:[a-z._~+/-]*[0-9=][a-z0-9._~+/=-]{8,}|[a-z._~+/-]{8,}[0-9=][a-z0-9._~+/=-]*)`), "$1 " + masked},
	{regexp.MustCompile(`(?i)(` + named + `\\?["']?\s*=>?\s*\\?["']?)[^\s"',;&)\\]{4,}`), "${1}" + masked},
	// A colon after the name of an object, such as shop/api-token, says what is so of it.
	{regexp.MustCompile(`(?i)((?:^|[^\w./-])[\w.-]*` + named + `\\?["']?\s*:\s*\\?["']?)[^\s"',;&)\\]{4,}`), "${1}" + masked},
	{regexp.MustCompile(`(?i)((?:^|[^a-z])(?:pass|pwd|auth|authorization|sig)["']?=["']?)[^\s"',;&)]{4,}`), "${1}" + masked},
	{regexp.MustCompile(`(?i)(--(?:password|passwd|token|secret|api-key)\s+["']?)[^\s"']{4,}`), "${1}" + masked},
	{regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`), masked},     // JSON web tokens
	{regexp.MustCompile(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`), masked},                                 // of AWS
	{regexp.MustCompile(`\bAIza[0-9A-Za-z_-]{30,}`), masked},                                      // of Google
	{regexp.MustCompile(`\b(?:gh[opsur]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})`), masked}, // of GitHub
	{regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{16,}`), masked},                                    // of GitLab
	{regexp.MustCompile(`\bxox[abeprs]-[A-Za-z0-9-]{10,}`), masked},                               // of Slack
	{regexp.MustCompile(`(hooks\.slack\.com/services/)[A-Za-z0-9/]+`), "${1}" + masked},
	{regexp.MustCompile(`\bhvs\.[A-Za-z0-9_-]{20,}`), masked}, // of Vault
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
	if !suspect(text) {
		return false
	}
	clean := text
	for _, s := range secrets {
		clean = s.form.ReplaceAllString(clean, s.stays)
	}
	v.SetString(clean)
	return clean != text
}

// hints are what each of the forms has in it somewhere.
var hints = [...]string{"=", ":", "earer ", "EARER ", "asic ", "ASIC ", "eyJ", "AKIA", "ASIA", "gh", "hub_", "xox", "--", "glpat-", "AIza", "hvs."}

// suspect says whether a text can hold a credential at all: most are names.
func suspect(text string) bool {
	if len(text) < 8 {
		return false
	}
	for _, hint := range hints {
		if strings.Contains(text, hint) {
			return true
		}
	}
	return false
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
