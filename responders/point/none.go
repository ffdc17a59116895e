package point

import (
	"fmt"
	"slices"
	"strings"
)

// NoneError says that no backup serves, and of those that were looked at why each does not.
type NoneError struct {
	Named   string // the one that was asked for, if one was
	Refused []Refusal
	Others  []string // those that would serve if they were asked for
}

// maxRefused bounds how many backups one error tells of.
const maxRefused = 8

// Error is one sentence for a tired person.
func (e *NoneError) Error() string {
	if e.Named != "" {
		return e.aboutNamed()
	}
	if len(e.Refused) == 0 {
		return "no backup can be restored: there is none"
	}
	return fmt.Sprintf("no backup can be restored: %s", told(e.Refused))
}

func (e *NoneError) aboutNamed() string {
	for _, r := range e.Refused {
		if r.Name == e.Named {
			return "backup " + r.Name + " cannot be restored: " + r.Why
		}
	}
	why := "backup " + e.Named + " cannot be restored: there is no backup of that name"
	if len(e.Others) == 0 {
		return why
	}
	return why + "; these can be: " + few(e.Others)
}

// told tells of the newest first, and of those that were made for other namespaces last.
func told(refused []Refusal) string {
	var parts []string
	refused = slices.Clone(refused)
	slices.SortStableFunc(refused, func(a, b Refusal) int {
		switch {
		case a.beside == b.beside:
			return 0
		case a.beside:
			return 1
		}
		return -1
	})
	for _, r := range refused[:min(maxRefused, len(refused))] {
		parts = append(parts, r.Name+": "+r.Why)
	}
	text := strings.Join(parts, "; ")
	if left := len(refused) - maxRefused; left > 0 {
		text += fmt.Sprintf("; and %d more", left)
	}
	return text
}
