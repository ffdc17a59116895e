package chronicle

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/internal/ledger"
)

// The kinds of entry in the trail of the configuration.
const (
	KindConfig = "config"
	KindMode   = "mode"   // how much automation a cluster has earned
	KindPeople = "people" // who may call or post, and as what
)

// Change is a setting that is another than it was. Empty is as where it is left out.
type Change struct {
	What string `json:"what"`
	From string `json:"from"`
	To   string `json:"to"`
}

func (c Change) String() string {
	switch {
	case c.From == "":
		return c.What + " is " + c.To
	case c.To == "":
		return c.What + " is not set any more, was " + c.From
	}
	return fmt.Sprintf("%s is %s, was %s", c.What, c.To, c.From)
}

// kind is what kind of entry tells of a change.
func (c Change) kind() string {
	parts := strings.Split(c.What, ".")
	switch {
	case parts[0] == "people" || parts[0] == "intakes" || parts[0] == "oidc" || strings.HasPrefix(c.What, "break_glass"):
		return KindPeople
	case len(parts) > 2 && parts[0] == "clusters" && parts[len(parts)-2] == "modes":
		return KindMode
	}
	return KindConfig
}

// detail is what programs read of an entry.
type detail struct {
	Changes []Change `json:"changes"`
}

// changes are those that lead from one state to another, by their paths.
func (s State) changes(to State) []Change {
	both := maps.Clone(s)
	maps.Copy(both, to)
	var out []Change
	for _, what := range slices.Sorted(maps.Keys(both)) {
		if s[what] != to[what] {
			out = append(out, Change{what, s[what], to[what]})
		}
	}
	return out
}

// known is the state that the entries of a trail lead to.
func known(entries []ledger.Placed) (State, error) {
	s := State{}
	for _, e := range entries {
		var d detail
		if err := json.Unmarshal(e.Detail, &d); err != nil {
			return nil, fmt.Errorf("read entry %d: %w", e.Seq, err)
		}
		for _, c := range d.Changes {
			if s[c.What] = c.To; c.To == "" {
				delete(s, c.What)
			}
		}
	}
	return s, nil
}

// told is how many changes the sentence of an entry names; its detail has all.
const told = 3

func sentence(changes []Change) string {
	var texts []string
	for _, c := range changes[:min(told, len(changes))] {
		texts = append(texts, c.String())
	}
	if more := len(changes) - told; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, "; ")
}
