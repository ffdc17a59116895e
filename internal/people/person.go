package people

import (
	"context"
	"fmt"
	"slices"
)

// Person is somebody who is known.
type Person struct {
	Name   string
	Role   Role
	Groups []string
	Via    string // how they proved it

	Subject string // who they are to an identity provider, for those who are not listed: they may change their name there
}

// How people prove who they are.
const (
	ViaToken  = "token"  // a bearer token
	ViaSocket = "socket" // the Unix socket of the server's machine
	ViaSlack  = "slack"  // what Slack signs about who pressed a button
	ViaWeb    = "web"    // a session of the console
	ViaOIDC   = "oidc"   // an ID token of the identity provider
)

// May says whether the person may do something. The error names the role that is missing.
func (p Person) May(v Verb) error {
	least, known := v.needs()
	if known && p.Role >= least {
		return nil
	}
	if !known {
		return &ForbiddenError{Person: p, Verb: v}
	}
	return &ForbiddenError{Person: p, Verb: v, Needs: least}
}

// ForbiddenError says that somebody who is known may not do something.
type ForbiddenError struct {
	Person Person
	Verb   Verb
	Needs  Role // Nobody when no role is enough
}

func (e *ForbiddenError) Error() string {
	if e.Needs == Nobody {
		return fmt.Sprintf("nobody may %s", e.Verb)
	}
	return fmt.Sprintf("%s is %s, to %s takes %s", e.Person.Name, e.Person.Role, e.Verb, e.Needs)
}

type personKey struct{}

// Into puts the person who calls into a request's context.
func Into(ctx context.Context, p Person) context.Context {
	p.Groups = slices.Clone(p.Groups)
	return context.WithValue(ctx, personKey{}, p)
}

// From is the person who calls. Without one it is the zero Person, who may do nothing.
func From(ctx context.Context) Person {
	p, _ := ctx.Value(personKey{}).(Person)
	return p
}
