package people

import (
	"errors"
	"net/http"
	"strings"
)

// The errors of a caller who is not known.
var (
	ErrNoToken      = errors.New("no bearer token is given, and the connection does not say who you are")
	ErrBadHeader    = errors.New("the Authorization header holds no bearer token")
	ErrUnknownToken = errors.New("the bearer token is nobody's")
)

// Identifier says who sent a request. What it does not know is ErrUnknownToken, or another error that says why.
type Identifier interface {
	Identify(r *http.Request) (Person, error)
}

// Chain asks one after the other whose a token is, until one knows it or says why it does not count.
type Chain []Identifier

// Identify implements Identifier. A token that is nobody's to any of them is nobody's.
func (c Chain) Identify(r *http.Request) (Person, error) {
	for _, one := range c {
		if p, err := one.Identify(r); !errors.Is(err, ErrUnknownToken) {
			return p, err
		}
	}
	return Person{}, ErrUnknownToken
}

// Identify implements Identifier. A bearer token decides alone when there is one; it is never made up for by the socket.
func (d *Directory) Identify(r *http.Request) (Person, error) {
	token, err := BearerToken(r)
	switch {
	case errors.Is(err, ErrNoToken):
		return d.identifyPeer(r)
	case err != nil:
		return Person{}, err
	}
	if p, ok := d.byToken(token); ok {
		return p, nil
	}
	return Person{}, ErrUnknownToken
}

// BearerToken is the token that a request holds: ErrNoToken where it holds none, ErrBadHeader where it holds something else.
func BearerToken(r *http.Request) (string, error) {
	header := r.Header.Values("Authorization")
	if len(header) == 0 {
		return "", ErrNoToken
	}
	scheme, token, _ := strings.Cut(header[0], " ")
	token = strings.TrimSpace(token)
	if len(header) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", ErrBadHeader
	}
	return token, nil
}

func (d *Directory) identifyPeer(r *http.Request) (Person, error) {
	if uid, known := peerFrom(r.Context()); known {
		if p, ok := d.byUser(uid); ok {
			return p, nil
		}
	}
	return Person{}, ErrNoToken
}

// Known lets only people whom who knows through to next, where From finds them. Everybody else is answered by refuse, with the error that
// says why.
func Known(who Identifier, next http.Handler, refuse func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := who.Identify(r)
		if err != nil {
			refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(Into(r.Context(), p)))
	})
}
