package session

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/salvor-io/salvor/internal/people"
)

// lasts is how long a session is good for.
const lasts = 12 * time.Hour

// maxCookie is how many bytes of a cookie browsers keep for sure.
const maxCookie = 3800

// What cookies are named. A browser takes the first only over TLS, for the whole host, and from nobody but the host itself.
const (
	secureCookie = "__Host-salvor"
	plainCookie  = "salvor"
)

// People are those whom salvor.yaml names.
type People interface {
	ByName(name string) (people.Person, bool)
	Names(name string) bool // in whatever case it is written
}

// Ended remembers what has ended before its time, for all replicas, at least until a time.
type Ended interface {
	End(ctx context.Context, id string, until time.Time) (first bool, err error) // first: it had not ended before; of two at once one is
	HasEnded(ctx context.Context, id string) (bool, error)
}

// Options are the parts of Sessions. All are needed.
type Options struct {
	Key    []byte // at least 32 bytes; see Key
	People People
	Ended  Ended
	Role   func(groups []string) people.Role // what groups of an identity provider give somebody now; Nobody where there is no provider
	Secure bool                              // people reach Salvor over TLS alone, also where something before it ends it
	Clock  func() time.Time
	Log    *slog.Logger
}

// Sessions opens, reads and closes sessions. It is safe for concurrent use.
type Sessions struct{ Options }

// New makes Sessions.
func New(opt Options) (*Sessions, error) {
	if len(opt.Key) < leastKey {
		return nil, fmt.Errorf("open sessions: the key has %d bytes, want at least %d", len(opt.Key), leastKey)
	}
	return &Sessions{opt}, nil
}

// holder is whose something is: the name of one whom salvor.yaml names, or all that is known of somebody else.
type holder struct {
	Name   string      `json:"name"`
	Via    string      `json:"via"`
	Role   people.Role `json:"role,omitzero"`
	Groups []string    `json:"groups,omitempty"`

	Subject string `json:"subject,omitempty"`
}

// session is what a cookie says.
type session struct {
	holder
	ID      string    `json:"id"`
	Expires time.Time `json:"expires"`
}

// Open has whoever sent a request be a person, for twelve hours from now. It replaces the session that they have.
func (s *Sessions) Open(w http.ResponseWriter, r *http.Request, p people.Person) error {
	whose, err := s.holderOf(p)
	if err != nil {
		return err
	}
	value, err := s.seal("session", session{whose, rand.Text(), s.Clock().Add(lasts).UTC().Truncate(time.Second)})
	switch {
	case err != nil:
		return err
	case len(value) > maxCookie:
		return fmt.Errorf("open a session: the %d groups of %s are more than a browser keeps, have the identity provider send only those that Salvor knows", len(whose.Groups), p.Name)
	}
	http.SetCookie(w, s.cookie(r, value, int(lasts/time.Second)))
	return nil
}

// Person is who sent a request, when a session says so that is good. While it cannot be read whether it was closed, whoever has it may look, and
// do nothing.
func (s *Sessions) Person(r *http.Request) (people.Person, bool) {
	found, err := s.read(r)
	if err != nil {
		return people.Person{}, false
	}
	ended, err := s.Ended.HasEnded(r.Context(), found.ID)
	if err != nil {
		s.Log.WarnContext(r.Context(), "whether a session was closed is not known", "person", found.Name, "error", err)
	}
	if looks := r.Method == http.MethodGet || r.Method == http.MethodHead; ended || err != nil && !looks {
		return people.Person{}, false
	}
	return s.person(found.holder)
}

// Close ends the session of a request, at all replicas.
func (s *Sessions) Close(w http.ResponseWriter, r *http.Request) error {
	http.SetCookie(w, s.cookie(r, "", -1))
	found, err := s.read(r)
	if err != nil {
		return nil // there is none
	}
	if _, err := s.Ended.End(r.Context(), found.ID, found.Expires); err != nil {
		return fmt.Errorf("end the session of %s: %w", found.Name, err)
	}
	return nil
}

// Token is what a form of this session's pages has to send along, which no other site knows. It is empty without a session.
func (s *Sessions) Token(r *http.Request) string {
	found, err := s.read(r)
	if err != nil {
		return ""
	}
	return s.sign("form", found.ID)
}

// Holds says whether a token is that of the request's session.
func (s *Sessions) Holds(r *http.Request, token string) bool {
	want := s.Token(r)
	return want != "" && hmac.Equal([]byte(want), []byte(token))
}

func (s *Sessions) read(r *http.Request) (session, error) {
	var found session
	cookie, err := r.Cookie(s.name(r))
	if err != nil {
		return found, err
	}
	if err := s.unseal("session", cookie.Value, &found); err != nil {
		return found, err
	}
	if !s.Clock().Before(found.Expires) {
		return found, errors.New("the session is over")
	}
	return found, nil
}

func (s *Sessions) secure(r *http.Request) bool { return s.Secure || r.TLS != nil }

func (s *Sessions) name(r *http.Request) string {
	if s.secure(r) {
		return secureCookie
	}
	return plainCookie
}

// cookie is lax and not strict, so that who follows a link from a chat arrives as who they are. What changes something needs a Token besides.
func (s *Sessions) cookie(r *http.Request, value string, age int) *http.Cookie {
	return &http.Cookie{Name: s.name(r), Value: value, Path: "/", MaxAge: age, Secure: s.secure(r), HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// holderOf is what is kept of a person. Who is of another system and has the name of one whom salvor.yaml names is not taken for them.
func (s *Sessions) holderOf(p people.Person) (holder, error) {
	known, listed := s.People.ByName(p.Name)
	switch {
	case p.Name == "" || p.Role == people.Nobody:
		return holder{}, errors.New("open a session: it is nobody's")
	case p.Via == people.ViaSocket || !s.People.Names(p.Name):
		return holder{p.Name, p.Via, p.Role, p.Groups, p.Subject}, nil
	case !listed || known.Role != p.Role || !slices.Equal(known.Groups, p.Groups):
		return holder{}, fmt.Errorf("open a session: salvor.yaml names another %s", p.Name)
	}
	return holder{Name: p.Name, Via: people.ViaWeb}, nil
}

// person is who a holder is by now. Who came over the socket stays one who did, so that nobody is two people. Who is of an identity provider has
// the role that their groups of then give now.
func (s *Sessions) person(h holder) (people.Person, bool) {
	known, listed := s.People.ByName(h.Name)
	switch {
	case h.Via == people.ViaSocket:
		return people.Person{Name: h.Name, Role: h.Role, Groups: h.Groups, Via: people.ViaSocket}, true
	case h.Role == people.Nobody:
		known.Via = people.ViaWeb
		return known, listed
	case s.People.Names(h.Name): // somebody else got the name meanwhile
		return people.Person{}, false
	}
	role := s.Role(h.Groups)
	return people.Person{Name: h.Name, Role: role, Groups: h.Groups, Via: people.ViaWeb, Subject: h.Subject}, role != people.Nobody
}
