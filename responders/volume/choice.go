package volume

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/responders"
)

// latest is what stands for the newest snapshot that serves, until the plan is made.
const latest = "latest"

// second is how finely snapshots tell the time: what says 10:00:00 may have been at 10:00:00.9.
const second = time.Second

// chosen is the snapshot to go back to, and what people have to know of it and of the others.
type chosen struct {
	snapshot
	caution string   // what speaks against it, which a person asked for
	others  []string // the other ones that would serve, newest first
}

// choose takes the newest snapshot of a claim that can be used and was not taken since the fault began, or the one that is named if it can be used.
// Of two of one moment the first by name is newer. Where none serves the error says of each why not.
func choose(all []snapshot, claim, asked string, env responders.Env) (chosen, error) {
	mine := slices.DeleteFunc(slices.Clone(all), func(s snapshot) bool { return s.claim != claim && s.name != asked })
	slices.SortFunc(mine, func(a, b snapshot) int { return cmp.Or(b.taken.Compare(a.taken), strings.Compare(a.name, b.name)) })
	var out chosen
	var refused []string
	for _, s := range mine {
		why, late := s.unusable(), doubt(s, env)
		switch {
		case s.claim != claim && s.claim != "":
			why = "it is of claim " + s.claim
		case why == "" && late != "" && s.name != asked:
			why = late
		}
		switch {
		case why != "":
			refused = append(refused, s.name+": "+why)
		case out.name == "" && (asked == latest || asked == s.name):
			out.snapshot, out.caution = s, late
		default:
			out.others = append(out.others, fmt.Sprintf("%s: of %s", s.name, moment(s.taken)))
		}
	}
	if out.name == "" {
		return out, noneServes(claim, asked, refused, out.others)
	}
	return out, nil
}

// doubt says why a snapshot may hold what the fault did.
func doubt(s snapshot, env responders.Env) string {
	switch {
	case s.incident != "" && s.incident == env.Incident:
		return "it was taken for this incident, after the fault began"
	case env.Broken.IsZero() || s.taken.Add(second).Before(env.Broken):
		return ""
	}
	return fmt.Sprintf("it was taken at %s, and the fault began at %s", moment(s.taken), moment(env.Broken))
}

func noneServes(claim, asked string, refused, others []string) error {
	const told = 10
	looked := refused
	if len(looked) > told {
		looked = append(slices.Clone(looked[:told]), fmt.Sprintf("and %d more", len(refused)-told))
	}
	what := "no snapshot of claim " + claim + " serves"
	if asked != latest {
		what = "snapshot " + asked + " does not serve"
		if !slices.ContainsFunc(refused, func(r string) bool { return strings.HasPrefix(r, asked+": ") }) {
			what = "there is no snapshot " + asked
		}
	}
	if len(looked) > 0 {
		what += ": " + strings.Join(looked, "; ")
	}
	if len(others) > 0 {
		what += "; these would: " + strings.Join(others[:min(told, len(others))], ", ")
	}
	return errors.New(what)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") }

// point is the snapshot as what is gone back to.
func (c chosen) point() *responders.RecoveryPoint {
	return &responders.RecoveryPoint{Kind: "VolumeSnapshot", Namespace: c.namespace, Name: c.name, UID: string(c.uid), At: c.taken}
}

// pointsOf tells what is gone back to, and to what else could be.
func pointsOf(c chosen) []responders.Fact {
	facts := []responders.Fact{{Label: "Goes back to", Lines: []string{fmt.Sprintf("%s of %s", c.snapshot, moment(c.taken))}}}
	if len(c.others) > 0 {
		facts = append(facts, responders.FactOf("Other snapshots", false, c.others))
	}
	return facts
}
