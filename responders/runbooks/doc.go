// Package runbooks reads runbooks and resolves them into plans.
//
// A runbook is YAML that names responders; it holds no logic. It is decoded strictly: what it does not understand, a
// responder that does not exist, an argument that does not fit, are errors when it is read, each with file and line. The
// runbooks of this package are always there; a directory of the user's may add to them or replace them by name.
package runbooks

import (
	"cmp"
	"slices"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/responders"
)

// Runbook is the way to recover one kind of fault.
type Runbook struct {
	Name     string
	Source   string // the file it was read from
	Fault    classifiers.Kind
	Causes   []classifiers.Cause // those of the fault that it is for; empty: whatever happened
	Promised bool                // it is for namespaces that were promised something, and for no other
	Order    int                 // of several for one kind, the lower is tried first
	Steps    []Step
	Verify   []Check
	Undo     []Step // for a fault that cleared after something was done: its own, or the steps of the runbook that it names
	UndoBy   string // the runbook that it names for that, empty if it has steps of its own
	Return   bool   // it takes back what others did, and is tried for no fault

	OnDemand bool // it has no order, and is tried only where a person names it

	undoLine int // where UndoBy stands
}

// Step is one step of a runbook.
type Step struct {
	Name      string
	Use       string // name of the responder
	With      map[string]Value
	Deadline  time.Duration
	OnFailure responders.OnFailure
}

// Check is one verification at the end of a runbook.
type Check struct {
	Name     string
	Use      string
	With     map[string]Value
	Settle   time.Duration
	Deadline time.Duration
}

// Value is one argument as the runbook gives it: a path into the facts, or a literal.
type Value struct {
	path    string // "fault.nodes"; empty for a literal
	literal any    // string, bool, int or []string
}

// Set is all runbooks that were read.
type Set struct{ byName map[string]Runbook }

// For are the runbooks for a kind of fault, in the order in which they are tried.
func (s *Set) For(kind classifiers.Kind) []Runbook {
	return slices.DeleteFunc(s.All(), func(r Runbook) bool { return r.Fault != kind || r.Return })
}

// About are the runbooks for a fault, in the order in which they are tried: those for its kind that are for what happened, or for whatever happened, and
// that have a place in the order.
func (s *Set) About(f classifiers.Fault) []Runbook {
	return slices.DeleteFunc(s.For(f.Kind), func(r Runbook) bool { return r.OnDemand || !f.Cause.IsOneOf(r.Causes) })
}

// All are all runbooks, by kind of fault, order and name.
func (s *Set) All() []Runbook {
	var all []Runbook
	for _, r := range s.byName {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b Runbook) int {
		return cmp.Or(cmp.Compare(a.Fault, b.Fault), cmp.Compare(a.Order, b.Order), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// Lookup finds a runbook by name.
func (s *Set) Lookup(name string) (Runbook, bool) {
	r, ok := s.byName[name]
	return r, ok
}
