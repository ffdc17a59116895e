package point

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Want is what a backup is chosen for.
type Want struct {
	Need         Need
	Cluster      string    // the cluster whose backups they have to be
	Before       time.Time // when what it is to undo began; zero: not known
	Named        string    // the one that a person asks for; empty: the newest
	Verified     bool      // only one that is known to be restorable by having been restored
	AllowPartial bool      // one that partially failed, where nothing else serves
}

// Point is a backup that was chosen.
type Point struct {
	Backup
	At       time.Time // the moment to which it leads back
	Cautions []string  // what people have to know who asked for this one, a sentence each
}

// Refusal is why a backup was not chosen.
type Refusal struct {
	Name string
	At   time.Time // when it began; zero: not known
	Why  string

	beside bool // of the namespaces that are wanted it lacks some: it was made for others
}

// Choice is what came of choosing.
type Choice struct {
	Point   *Point    // nil: none serves
	Others  []Point   // the others that would serve, in the order in which they would be chosen
	Refused []Refusal // the newest first
}

// Choose takes the newest backup that serves, or the named one if it does. Between two that began at one moment the first by name is newer.
// One that partially failed is only taken where it may be and no other serves.
func Choose(want Want, backups []Backup, now time.Time) Choice {
	var choice Choice
	var whole, partial []Point
	for _, b := range newestFirst(backups) {
		why := refuse(want, b, now)
		switch {
		case why != "":
			choice.Refused = append(choice.Refused, Refusal{b.Name, b.Started, why, b.Scope.lacksNamespaces(want.Need) != ""})
		case b.Phase == PartiallyFailed:
			partial = append(partial, pointOf(want, b, now))
		default:
			whole = append(whole, pointOf(want, b, now))
		}
	}
	choice.Others = append(whole, partial...)
	at := 0
	if want.Named != "" {
		at = slices.IndexFunc(choice.Others, func(p Point) bool { return p.Name == want.Named })
	}
	if at >= 0 && at < len(choice.Others) {
		chosen := choice.Others[at]
		choice.Point, choice.Others = &chosen, slices.Delete(choice.Others, at, at+1)
	}
	return choice
}

// Err is nil where a backup was chosen, and else a [NoneError].
func (c Choice) Err(want Want) error {
	if c.Point != nil {
		return nil
	}
	none := &NoneError{Named: want.Named, Refused: c.Refused}
	for _, p := range c.Others {
		none.Others = append(none.Others, p.Name)
	}
	return none
}

func newestFirst(backups []Backup) []Backup {
	sorted := slices.Clone(backups)
	slices.SortFunc(sorted, func(a, b Backup) int {
		return cmp.Or(b.Started.Compare(a.Started), strings.Compare(a.Name, b.Name), strings.Compare(a.Namespace, b.Namespace))
	})
	return sorted
}

// refuse says why a backup does not serve, or nothing. What only people can weigh keeps a named one from nothing: see cautions.
func refuse(want Want, b Backup, now time.Time) string {
	for _, why := range []string{
		foreign(want, b), unusable(b, now), unfinished(want, b), unreadable(b), b.Scope.lacks(want.Need), lacksVolumes(want, b), unproven(want, b),
	} {
		if why != "" {
			return why
		}
	}
	if doubts := doubts(want, b); len(doubts) > 0 && b.Name != want.Named {
		return doubts[0]
	}
	return ""
}

func pointOf(want Want, b Backup, now time.Time) Point {
	return Point{Backup: b, At: b.Started, Cautions: append(doubts(want, b), cautions(b, now)...)}
}
