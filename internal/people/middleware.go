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

// Identify says who sent a request. A bearer token decides alone when there is one; it is never made up for by the socket.
func (d *Directory) Identify(r *http.Request) (Person, error) {
	header := r.Header.Values("Authorization")
	if len(header) == 0 {
		return d.identifyPeer(r)
	}
	scheme, token, _ := strings.Cut(header[0], " ")
	token = strings.TrimSpace(token)
	if len(header) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return Person{}, ErrBadHeader
	}
	if p, ok := d.byToken(token); ok {
		return p, nil
	}
	return Person{}, ErrUnknownToken
}

func (d *Directory) identifyPeer(r *http.Request) (Person, error) {
	if uid, known := peerFrom(r.Context()); known {
		if p, ok := d.byUser(uid); ok {
			return p, nil
		}
	}
	return Person{}, ErrNoToken
}

// Known lets only known people through to next, where From finds them. Everybody else is answered by refuse, with one of
// the errors of this package.
func (d *Directory) Known(next http.Handler, refuse func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := d.Identify(r)
		if err != nil {
			refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(Into(r.Context(), p)))
	})
}
