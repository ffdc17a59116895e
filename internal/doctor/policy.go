package doctor

import (
	"context"
	"time"

	"github.com/salvor-io/salvor/internal/app"
	"github.com/salvor-io/salvor/internal/rollout"
	"github.com/salvor-io/salvor/responders/all"
)

// policyWithin bounds all that is done about a bundle. Its fetch, its tests and its questions have bounds of their own, which are less.
const policyWithin = 110 * time.Second

// policy fetches the bundle of policy, and tries it as a server does before it counts. Nothing is offered to the fleet. Where policy comes
// from a directory, or is the shipped one alone, there is nothing to reach.
func (e *exam) policy(ctx context.Context) []Finding {
	s := &sheet{part: "policies"}
	b := e.cfg.Policies.Bundle
	if b == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, policyWithin)
	defer cancel()
	const check = "reach"
	source, err := app.PolicyBundle(*b)
	if err != nil {
		s.problem(check, "correct policies.bundle", "the bundle cannot be asked for: %v", err)
		return s.findings
	}
	began := time.Now()
	data, err := source.Get(ctx)
	if err != nil {
		s.problem(check, "see what policies.bundle says of url, token_file and ca_file, and whether the server there is well; meanwhile the policy in force stays", "%v", err)
		return s.findings
	}
	s.ok(check, "%s sent %d bytes in %s", b.URL, len(data), round(time.Since(began)))
	e.tryBundle(ctx, s, source, data)
	return s.findings
}

// tryBundle says whether what was fetched is signed, and can be used.
func (e *exam) tryBundle(ctx context.Context, s *sheet, source *rollout.Fetch, data []byte) {
	const build = "salvor policy build DIR --out FILE --key FILE --key-id ID"
	found, err := source.Open(ctx, data)
	if err != nil {
		s.problem("opens", "build it, and sign it with a key that policies.bundle.keys lists: "+build, "%s", some(lines([]byte(err.Error()))))
		return
	}
	s.ok("opens", "signed by %s; with the shipped rules of this version it is revision %s", found.Author, found.Policy.Revision())
	catalog, err := all.Catalog(all.Options{})
	if err == nil {
		err = rollout.New(app.PolicyOptions(e.cfg, catalog.Names())).Check(ctx, found.Policy)
	}
	if err != nil {
		s.problem("usable", "correct it (salvor policy check DIR, salvor policy test DIR), and build it again: "+build, "a server refuses it: %s", some(lines([]byte(err.Error()))))
		return
	}
	s.ok("usable", "it compiles, no test of its own fails, and it answers the reference questions")
}
