package console

import (
	"context"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/link"
	"github.com/salvor-io/salvor/internal/people"
)

// Index knows by heart the incidents that live and those that ended lately. What it gives is not changed.
type Index interface {
	Incidents() []incident.Incident
}

// Finder finds an incident by its id or name. The error is an *api.Refusal where text names none, or several.
type Finder interface {
	Find(ctx context.Context, text string) (*incident.Incident, error)
}

// Desk takes what people say, and stops what they want stopped. An *approval.Refusal says why it does not count.
type Desk interface {
	Say(ctx context.Context, who people.Person, id incident.ID, said approval.Said) (*incident.Incident, error)
	Stop(ctx context.Context, who people.Person, id incident.ID, halt approval.Halt) (*incident.Incident, error)
}

// Sessions know who looks; see package session.
type Sessions interface {
	Open(w http.ResponseWriter, r *http.Request, p people.Person) error
	Person(r *http.Request) (people.Person, bool)
	Close(w http.ResponseWriter, r *http.Request) error
	Token(r *http.Request) string
	Holds(r *http.Request, token string) bool
	Tell(w http.ResponseWriter, r *http.Request, text string) error
	Told(w http.ResponseWriter, r *http.Request) string
	Linked(ctx context.Context, key string) (people.Person, error)
	UseLink(ctx context.Context, key string) (people.Person, error)
}

// Passwords check what somebody types, from an address, and take their time with those who guess.
type Passwords interface {
	Check(ctx context.Context, name, from, password string) (people.Person, bool)
	Empty() bool          // nobody has one
	Has(name string) bool // somebody of that name has one
}

// Options are the parts of a console. All are needed, but for SignOn and Links.
type Options struct {
	Index     Index
	Finder    Finder
	Desk      Desk
	Card      func(*incident.Incident) card.Card
	Sessions  Sessions
	Passwords Passwords
	SignOn    string      // the path at which an identity provider is asked who somebody is, "" without one
	Address   string      // where people reach it, such as https://salvor.example.org
	Links     link.Signer // checks the links that chats lead here by
	Clock     func() time.Time
	Log       *slog.Logger
}

// Console serves the pages. It is safe for concurrent use.
type Console struct {
	Options
	pages   *template.Template
	origins *http.CrossOriginProtection
	watch   *watch

	strangers people.Sparing
}

// New makes a console.
func New(opt Options) (*Console, error) {
	c := &Console{Options: opt, origins: http.NewCrossOriginProtection(), watch: newWatch()}
	address, err := url.Parse(opt.Address)
	if err != nil {
		return nil, fmt.Errorf("read the address of the console: %w", err)
	}
	if err := c.origins.AddTrustedOrigin(address.Scheme + "://" + address.Host); err != nil {
		return nil, fmt.Errorf("trust the console's own pages: %w", err)
	}
	c.pages, err = parsePages()
	return c, err
}

// Moved tells those who look at an incident of a record, after Index has folded it. It never blocks.
func (c *Console) Moved(rec incident.Sequenced) { c.watch.moved(rec.Incident) }

// ComesOn is told that a step of an incident is further than it was.
func (c *Console) ComesOn(id incident.ID) { c.watch.moved(id) }

// EndStreams ends all that waits for news, now and to come.
func (c *Console) EndStreams() { c.watch.close() }

// Handler serves all paths of the console.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", c.known(c.list))
	mux.Handle("GET /events", c.known(c.stream))
	mux.Handle("GET /incidents/{id}", c.known(c.show))
	mux.Handle("GET /incidents/{id}/events", c.known(c.stream))
	mux.Handle("GET /incidents/{id}/{form}", c.known(c.back))
	mux.Handle("POST /incidents/{id}/say", c.known(c.own(c.say)))
	mux.Handle("POST /incidents/{id}/stop", c.known(c.own(c.stop)))
	mux.Handle("POST /logout", c.own(c.logout))
	mux.HandleFunc("GET /login", c.login)
	mux.HandleFunc("POST /login", c.enter)
	mux.HandleFunc("GET /assets/{name}", serveAsset)
	mux.Handle("/", c.known(c.nowhere))
	return c.guarded(mux)
}
