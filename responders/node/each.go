package node

import (
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/policies"
)

// atOnce bounds how many nodes one step works on at a time.
const atOnce = 8

// each does something to every target, a few at a time. What becomes of one holds no other back; all that went wrong is in the error.
func each(targets []policies.Target, do func(i int, target policies.Target) error) error {
	wrong := make([]error, len(targets))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, target := range targets {
		group.Go(func() error {
			wrong[i] = do(i, target)
			return nil
		})
	}
	_ = group.Wait() // what went wrong is in wrong
	var all several
	for _, err := range wrong {
		if err != nil {
			all = append(all, err)
		}
	}
	if len(all) < 2 {
		return first(all)
	}
	return all
}

func first(all several) error {
	for _, err := range all {
		return err
	}
	return nil
}

// several are errors of several nodes, told in one line.
type several []error

// told is how many of several errors are told in full.
const told = 3

func (s several) Error() string {
	var parts []string
	for _, err := range s[:min(told, len(s))] {
		parts = append(parts, err.Error())
	}
	if more := len(s) - told; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ")
}

// Unwrap lets each of the errors be recognised.
func (s several) Unwrap() []error { return s }
