package velero

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/point"
)

// change tells what a restore will do.
func (f *foresight) change() responders.Change {
	chosen := f.choice.Point
	change := responders.Change{Responder: "velero.restore", Class: f.class(), DurationS: f.duration(), Command: f.command(),
		Point:   &responders.RecoveryPoint{Kind: "Backup", Namespace: chosen.Namespace, Name: chosen.Name, UID: chosen.UID, At: chosen.At.UTC()},
		Targets: []policies.Target{{Kind: "Backup", Namespace: chosen.Namespace, Name: chosen.Name, UID: chosen.UID}}, Will: f.will(), Facts: f.facts()}
	for _, s := range f.Into {
		uid := s.UID
		if uid == "" {
			uid = absent
		}
		change.Targets = append(change.Targets, policies.Target{Kind: "Namespace", Namespace: s.Name, Name: s.Name, UID: uid})
	}
	if f.Done != "" {
		change.Nothing, change.Class = true, policies.Observe
		change.Will = []string{"backup " + chosen.Name + " was brought back already, by restore " + f.Done}
		return change
	}
	for _, caution := range chosen.Cautions {
		change.Warnings = append(change.Warnings, "backup "+chosen.Name+": "+caution)
	}
	if f.replaces() {
		change.DataLoss = point.Loss(chosen.At, f.lossUntil())
	}
	if f.Existing == updateExisting && len(f.there) > 0 {
		change.Warnings = append(change.Warnings, "what the backup holds overwrites what is in namespace "+strings.Join(f.there, ", ")+" now")
	}
	return change
}

// absent is the UID of a namespace that is not there: one that is there by the time of the plan's end is another target.
const absent = "absent"

// class is destructive where objects are overwritten, and disruptive where they come back to where they were. Into namespaces of other names that
// are not there nothing is lost, and all of it can be deleted again.
func (f *foresight) class() policies.Class {
	switch {
	case f.Existing == updateExisting && len(f.there) > 0:
		return policies.Destructive
	case f.replaces():
		return policies.Disruptive
	}
	return policies.Reversible
}

// replaces says whether anything is restored to where it was, or to where something is: what was written there later is given up.
func (f *foresight) replaces() bool {
	return len(f.there) > 0 || slices.ContainsFunc(f.Namespaces, func(name string) bool { return f.target(name) == name })
}

// lossUntil is until when what is lost was written, as far as is known: a fault that began ends it.
func (f *foresight) lossUntil() time.Time {
	if f.env.Broken.After(f.choice.Point.At) {
		return f.env.Broken
	}
	return f.env.Now
}

// duration is a guess: Velero restores some ten objects a second, and a volume takes a minute.
func (f *foresight) duration() float64 {
	seconds := 30 + float64(f.Items)/10
	if !isFalse(f.Volumes) {
		seconds += 60 * float64(f.choice.Point.Volumes.Completed)
	}
	return seconds
}

func (f *foresight) will() []string {
	chosen := f.choice.Point
	var will []string
	for _, from := range f.Namespaces {
		into := ""
		if to := f.target(from); to != from {
			into = " as " + to
		}
		will = append(will, fmt.Sprintf("namespace %s comes back%s from backup %s of %s", from, into, chosen.Name, when(chosen.At)))
	}
	add := func(given bool, format string, args ...any) {
		if given {
			will = append(will, fmt.Sprintf(format, args...))
		}
	}
	add(len(f.Kinds) > 0, "only these kinds: %s", strings.Join(f.Kinds, ", "))
	add(len(f.NotKinds) > 0, "without these kinds: %s", strings.Join(f.NotKinds, ", "))
	add(f.Selector != "", "only what is labelled %s", f.Selector)
	add(isFalse(f.Volumes), "volumes come back empty")
	add(f.Modifiers != "", "objects are changed on the way by %d rules", strings.Count(f.Modifiers, "groupResource:"))
	add(f.Existing == keepExisting, "objects that are there stay as they are")
	add(f.Existing == updateExisting, "objects that are there are overwritten")
	return will
}

// mostPoints bounds how many other backups a plan tells of.
const mostPoints = 5

// facts are the other backups, and why those that are newer are not taken.
func (f *foresight) facts() []responders.Fact {
	var others, passed []string
	for _, p := range f.choice.Others {
		others = append(others, p.Name+": "+when(p.At))
	}
	for _, r := range f.choice.Refused {
		if r.At.After(f.choice.Point.At) {
			passed = append(passed, r.Name+": "+r.Why)
		}
	}
	var facts []responders.Fact
	for _, fact := range []struct {
		label string
		lines []string
	}{{"Other backups", others}, {"Newer backups that do not serve", passed}} {
		if len(fact.lines) > 0 {
			facts = append(facts, responders.FactOf(fact.label, false, fact.lines[:min(mostPoints, len(fact.lines))]))
		}
	}
	if len(f.kept) > 0 {
		facts = append(facts, responders.FactOf("Claims that keep what they hold", true, f.kept))
	}
	return facts
}

// command is what a person would type.
func (f *foresight) command() string {
	parts := []string{"velero restore create -n " + f.Velero + " --from-backup " + f.Backup + " --include-namespaces " + strings.Join(f.Namespaces, ",")}
	add := func(given bool, text string) {
		if given {
			parts = append(parts, text)
		}
	}
	var mapped []string
	for _, from := range slices.Sorted(maps.Keys(f.Mapping)) {
		mapped = append(mapped, from+":"+f.Mapping[from])
	}
	add(len(mapped) > 0, "--namespace-mappings "+strings.Join(mapped, ","))
	add(len(f.Kinds) > 0, "--include-resources "+strings.Join(f.Kinds, ","))
	add(len(f.NotKinds) > 0, "--exclude-resources "+strings.Join(f.NotKinds, ","))
	add(f.Selector != "", "--selector '"+f.Selector+"'")
	add(f.Existing != "", "--existing-resource-policy "+f.Existing)
	add(f.Volumes != nil, fmt.Sprintf("--restore-volumes=%t", isTrue(f.Volumes)))
	add(f.NodePorts != nil, fmt.Sprintf("--preserve-nodeports=%t", isTrue(f.NodePorts)))
	add(f.ClusterKinds != nil, fmt.Sprintf("--include-cluster-resources=%t", isTrue(f.ClusterKinds)))
	add(f.Modifiers != "", "--resource-modifier-configmap <its rules>")
	return strings.Join(append(parts, "--wait"), " ")
}
