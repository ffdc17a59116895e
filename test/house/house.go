// Package house is a console with incidents that are made up: a ledger in memory, a real desk, real sessions and real pages, and nothing
// else of Salvor. Tests, a browser and the benchmarks look at it.
package house

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/console"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/ledger/memory"
	"github.com/salvor-io/salvor/internal/link"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/internal/recovery"
	"github.com/salvor-io/salvor/internal/session"
	"github.com/salvor-io/salvor/policies"
)

// Options say where a house is.
type Options struct {
	Address   string // where browsers find it
	Clock     func() time.Time
	Passwords console.Passwords
	SignOn    string
	Links     link.Signer
}

// House is a console and what it shows. It is safe for concurrent use.
type House struct {
	*console.Console
	Sessions *session.Sessions
	Store    *memory.Store
	clock    func() time.Time
	ended    sync.Map

	mu    sync.Mutex
	index map[incident.ID]*incident.Incident
	order []incident.ID
}

// New makes a house without incidents.
func New(opt Options) (*House, error) {
	h := &House{clock: opt.Clock, index: map[incident.ID]*incident.Incident{}, Store: memory.New(memory.Options{Now: opt.Clock})}
	log := slog.New(slog.DiscardHandler)
	var err error
	h.Sessions, err = session.New(session.Options{Key: []byte(strings.Repeat("k", 32)), People: h, Ended: h, Role: func([]string) people.Role { return people.Nobody }, Clock: opt.Clock, Log: log})
	if err != nil {
		return nil, err
	}
	desk := &approval.Desk{Ledger: h.Store.Writer("desk"), Authorizer: h, Policy: h, Lost: ledger.ErrLost, Log: log}
	h.Console, err = console.New(console.Options{Index: h, Finder: h, Desk: desk, Sessions: h.Sessions, Passwords: opt.Passwords, SignOn: opt.SignOn, Address: opt.Address, Links: opt.Links,
		Card:  func(inc *incident.Incident) card.Card { return card.Of(inc, card.Words{Severity: "SEV1"}) },
		Clock: opt.Clock, Log: log})
	if err != nil {
		return nil, err
	}
	h.Store.Follow(h.fold)
	return h, nil
}

// Signer implements approval.Policy: nobody has signed the rules.
func (h *House) Signer() string { return "" }

// fold keeps the index current, and tells those who look.
func (h *House) fold(rec incident.Sequenced) {
	h.mu.Lock()
	inc := &incident.Incident{}
	if before := h.index[rec.Incident]; before != nil {
		*inc = *before
	} else {
		inc.ID, inc.Key = rec.Incident, *rec.Key
		h.order = append(h.order, rec.Incident)
	}
	if err := inc.Apply(rec); err != nil {
		panic(err)
	}
	h.index[rec.Incident] = inc
	h.mu.Unlock()
	h.Moved(rec)
}

// Incidents implements console.Index.
func (h *House) Incidents() []incident.Incident {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]incident.Incident, len(h.order))
	for i, id := range h.order {
		all[i] = *h.index[id]
	}
	return all
}

// Find implements console.Finder.
func (h *House) Find(ctx context.Context, text string) (*incident.Incident, error) {
	for _, inc := range h.Incidents() {
		if string(inc.ID) == text || inc.Name() == text {
			return h.Store.Writer("finder").Load(ctx, inc.ID)
		}
	}
	return nil, &api.Refusal{Status: http.StatusNotFound, What: "find incident " + text, Why: "no incident has that name", Do: "list them: salvor incidents --all"}
}

// everybody are the people of the house: two who are asked, one who is not, and one who only looks.
var everybody = map[string]people.Person{
	"ada":  {Name: "ada", Role: people.Operator, Groups: []string{"sre-oncall"}},
	"olga": {Name: "olga", Role: people.Operator, Groups: []string{"payments-owners"}},
	"otto": {Name: "otto", Role: people.Operator},
	"vera": {Name: "vera", Role: people.Viewer, Groups: []string{"sre-oncall"}},
}

// ByName implements session.People.
func (h *House) ByName(name string) (people.Person, bool) {
	p, found := everybody[name]
	return p, found
}

// Names implements session.People.
func (h *House) Names(name string) bool {
	_, found := h.ByName(strings.ToLower(name))
	return found
}

// End implements session.Ended.
func (h *House) End(_ context.Context, id string, until time.Time) (bool, error) {
	_, before := h.ended.LoadOrStore(id, until)
	return !before, nil
}

// HasEnded implements session.Ended.
func (h *House) HasEnded(_ context.Context, id string) (bool, error) {
	_, ended := h.ended.Load(id)
	return ended, nil
}

// Authorize implements approval.Authorizer: policy forbids nobody anything.
func (h *House) Authorize(_ context.Context, inc *incident.Incident, p policies.Person) (recovery.Stored, uint64, error) {
	q := policies.Question{About: policies.AboutAuthorize, Now: h.clock(), Person: p, Incident: policies.IncidentFacts{ID: string(inc.ID)}}
	return recovery.Stored{Question: q, Decision: policies.Settle(policies.Said{}, q)}, inc.ViewSeq, nil
}

// Cookie is what a browser in which somebody is logged in sends.
func (h *House) Cookie(name string) (*http.Cookie, error) {
	p, found := h.ByName(name)
	if !found {
		return nil, fmt.Errorf("log in: nobody is %s", name)
	}
	w := httptest.NewRecorder()
	if err := h.Sessions.Open(w, httptest.NewRequest(http.MethodGet, "/", nil), p); err != nil {
		return nil, err
	}
	return w.Result().Cookies()[0], nil
}

// Open opens the incident of a fault.
func (h *House) Open(f classifiers.Fault) (incident.ID, error) {
	key := incident.KeyOf(f)
	inc, err := h.Store.Writer("engine").OpenIncident(context.Background(), incident.Record{Kind: incident.Opened, At: h.clock(), Key: &key, Fault: &f, Text: f.Sentence}, 0)
	if err != nil {
		return "", err
	}
	return inc.ID, nil
}

// Add adds a record to an incident, as of now.
func (h *House) Add(id incident.ID, rec incident.Record) error {
	w := h.Store.Writer("engine")
	inc, err := w.Load(context.Background(), id)
	if err != nil {
		return err
	}
	rec.At = h.clock()
	_, err = w.Append(context.Background(), inc, rec)
	return err
}

// Nobody are the passwords of a house in which nobody has one.
type Nobody struct{}

// Empty implements console.Passwords.
func (Nobody) Empty() bool { return true }

// Has implements console.Passwords.
func (Nobody) Has(string) bool { return false }

// Check implements console.Passwords.
func (Nobody) Check(context.Context, string, string, string) (people.Person, bool) {
	return people.Person{}, false
}
