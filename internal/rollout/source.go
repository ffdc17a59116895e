package rollout

import (
	"context"
	"errors"
	"time"

	"github.com/salvor-io/salvor/policies/rego"
)

// Candidate is what a source holds.
type Candidate struct {
	Policy rego.Policy
	Source string // as people read it
	Author string // "" when it is not known
	Signed bool   // a key of theirs says so
}

// Source holds policy. Look is called again and again, by one goroutine, and gives what the source holds now. Its error is errUnsettled while
// that is not certain, and an *UnfitError when it is nothing that can be used.
type Source interface {
	Look(ctx context.Context) (Candidate, error)
	Every() time.Duration // how long to wait between two looks
}

// errUnsettled says to look again.
var errUnsettled = errors.New("what the source holds is not certain yet")

// UnfitError says why what a source holds cannot be used. Digest names what it holds, so that it is recorded once; where the reason is
// another, that is told again.
type UnfitError struct {
	Source string
	Digest string
	Err    error
}

func (e *UnfitError) Error() string { return e.Err.Error() }

func (e *UnfitError) Unwrap() error { return e.Err }

// sum names what a source holds together with the reason.
func (e *UnfitError) sum() string { return sumOf(e.Digest + "\n" + e.Error()) }

// shippedAuthor stands for those who ship Salvor. No person can have that name.
const shippedAuthor = "the makers of Salvor"

// Shipped is the source that holds the shipped rules alone.
type Shipped struct{ Rules rego.Source }

// Look implements Source.
func (s Shipped) Look(ctx context.Context) (Candidate, error) {
	read, err := rego.Read(ctx, []rego.Source{s.Rules})
	if err != nil {
		return Candidate{}, &UnfitError{s.Rules.Name, sumOf(err.Error()), err}
	}
	return Candidate{Policy: read, Source: s.Rules.Name, Author: shippedAuthor}, nil
}

// Every implements Source: they do not change while a process lives.
func (s Shipped) Every() time.Duration { return time.Hour }
