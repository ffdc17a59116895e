package alertmanager

import (
	"fmt"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/events"
)

// FaultLabel is the label by which an alert narrows the fault kinds it may speak for, as words with commas between them. The
// address of a webhook narrows those of all its alerts by a parameter of that name, since a route cannot add labels.
const FaultLabel = "salvor_fault"

// narrow keeps, of the kinds that are allowed (empty means any), those that the text names. A text without words narrows nothing.
// One with a word that is no kind is not understood: all that were allowed are kept, and the error says which word it was.
func narrow(allowed []string, text string) ([]string, error) {
	named, err := kindsIn(text)
	switch {
	case err != nil || len(named) == 0:
		return allowed, err
	case len(allowed) == 0:
		return named, nil
	}
	var both []string
	for _, kind := range allowed {
		if slices.Contains(named, kind) {
			both = append(both, kind)
		}
	}
	if len(both) == 0 {
		return []string{events.KindNone}, nil
	}
	return both, nil
}

func kindsIn(text string) ([]string, error) {
	known := faultKinds()
	var named []string
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		switch {
		case word == "" || slices.Contains(named, word):
		case !slices.Contains(known, word):
			return nil, fmt.Errorf("%s names %.40q, which is no kind of fault (%s): it narrows nothing", FaultLabel, word, strings.Join(known, ", "))
		default:
			named = append(named, word)
		}
	}
	return named, nil
}

// faultKinds are the names of all kinds of fault.
func faultKinds() []string { return []string{"node", "zone", "region", "data", "config", "security"} }
