// Package responderstest holds the suite that every responder passes, and what it needs: a tape that records every call to
// the world and can break any of them, and a small API server that keeps the promises responders rely on.
//
// The suite proves, for each case: Preview and Verify make no write; nothing is written without a guard's consent to that
// very write; applying twice is applying once; interrupted before or after any write, and repeated, each effect happens
// once and the end is good; a cancelled call returns soon; Verify says no before and yes after; empty, unknown and wildcard
// arguments are refused. Over all cases of a responder together, the API calls made are the grants declared, no more and no
// fewer, and the acting credentials read only what they also write.
package responderstest

import (
	"context"
	"testing"

	"github.com/salvor-io/salvor/responders"
)

// Case is one situation in which a responder is called.
type Case struct {
	Name   string
	Args   responders.Args
	World  func(t *testing.T) *World // a fresh one for each run
	Fails  string                    // Apply is to fail and say so, and nothing to be verified; empty: it succeeds. Little else is put to the test then
	Staged bool                      // an object may be changed more than once on the way, each time in another way
}

// World is a responder with what surrounds it.
type World struct {
	Responder responders.Responder
	Env       responders.Env
	Tape      *Tape
	React     func(ctx context.Context) error // what kubelets and controllers do after Apply; nil when nothing is needed
}

// Run puts a responder through the suite. All cases must be of one responder.
func Run(t *testing.T, cases ...Case) {
	made := map[Call]bool{}
	var spec responders.Spec
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			s := &suite{c, made}
			spec = c.World(t).Responder.Spec()
			if c.Fails != "" {
				s.fails(t)
				return
			}
			t.Run("preview", s.preview)
			t.Run("refusals", s.refusals)
			t.Run("verify", s.verify)
			t.Run("unguarded", s.unguarded)
			t.Run("twice", s.twice)
			t.Run("interrupted", s.interrupted)
			t.Run("cancelled", s.cancelled)
		})
	}
	if !t.Failed() {
		t.Run("grants", func(t *testing.T) { compareGrants(t, spec.Grants, made) })
	}
}
