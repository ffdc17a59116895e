package oidc

import (
	"errors"
	"net/http"
	"strings"

	"github.com/salvor-io/salvor/internal/people"
)

// maxToken bounds an ID token, in bytes.
const maxToken = 16 << 10

// Identify implements people.Identifier: the bearer token is an ID token. What does not look like one is nobody's.
func (p *Provider) Identify(r *http.Request) (people.Person, error) {
	token, err := people.BearerToken(r)
	if err != nil {
		return people.Person{}, err
	}
	if strings.Count(token, ".") != 2 || len(token) > maxToken {
		return people.Person{}, people.ErrUnknownToken
	}
	who, err := p.Person(r.Context(), token)
	if err == nil {
		return who, nil
	}
	if untold, speaks := p.strangers.Speaks(p.Clock()); speaks {
		p.Log.WarnContext(r.Context(), "an ID token lets nobody in", "path", r.URL.Path, "from", r.RemoteAddr, "error", err, "untold", untold)
	}
	return people.Person{}, inOneSentence(err)
}

// inOneSentence leaves of an error what is for whoever is refused.
func inOneSentence(err error) error {
	var why *Refused
	if errors.As(err, &why) {
		return why
	}
	return &Refused{"the ID token cannot be read"}
}
