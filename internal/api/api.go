package api

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/audit"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/internal/rollout"
	"github.com/salvor-io/salvor/policies"
)

// Index knows by heart the incidents that live and those that ended lately, the oldest first. What it gives is not changed.
type Index interface {
	Incidents() []incident.Incident
}

// Ledger reads what is stored: an incident as it is now, archived or not, and what policy was asked and answered. What is not
// there is ledger.ErrNotFound, as Missing says; Load says so of text that is no whole id. Named are the ids of all incidents that
// text is the id or short name of, or the beginning of one.
type Ledger interface {
	Load(ctx context.Context, id incident.ID) (*incident.Incident, error)
	Named(ctx context.Context, text string) ([]incident.ID, error)
	ReadDecision(ctx context.Context, ref string) (json.RawMessage, error)
}

// Pauses are the switches that people throw. Setting one replaces that of the same scope; ending one, in the name of the owner of
// the scope that is given, is an error where it is not there, as Missing says.
type Pauses interface {
	Pauses(ctx context.Context) ([]policies.Pause, error)
	SetPause(ctx context.Context, p policies.Pause) error
	EndPause(ctx context.Context, scope policies.Pause) error
}

// Past are the incidents that live, and those that ended after a time, archived or not, the oldest first. What it gives is not changed.
type Past interface {
	Since(ctx context.Context, t time.Time) ([]incident.Incident, error)
}

// Exporter writes what was recorded in a span. A Refusal comes before anything is written.
type Exporter interface {
	Export(ctx context.Context, w io.Writer, from, to time.Time) error
}

// Auditor writes what is kept of a span, as it is stored.
type Auditor interface {
	Audit(ctx context.Context, w io.Writer, span audit.Span) error
}

// View lets f read what is seen now, which f must not keep, and says which rules do not match now where a fault was found.
type View interface {
	Ask(f func(*classifiers.View))
	Misses(f classifiers.Fault) []classifiers.Miss
	Sentence(f classifiers.Fault) string // what is seen of the fault now, "" when nothing is
}

// Events records what people declare. When Append returns nil all of it survives; an event whose ID was recorded lately is recorded
// once.
type Events interface {
	Append(ctx context.Context, evs ...events.Event) ([]events.Receipt, error)
}

// Policy says which policy is in force and what else is known of it, and brings into force what is held. An activation of what is not held
// is a rollout.ErrNotHeld, and one by a person who may not do that a rollout.ErrAuthor.
type Policy interface {
	Status() rollout.Status
	Activate(ctx context.Context, person, revision, reason string) (rollout.Standing, error)
}

// Options are the parts of an API. All are needed, but for Login.
type Options struct {
	Index       Index
	Past        Past
	Exporter    Exporter
	Auditor     Auditor
	View        View
	Ledger      Ledger
	DecisionLog DecisionLog
	Pauses      Pauses
	Policy      Policy
	Approvals   Approvals
	Logins      Logins
	Console     string        // where people reach the console
	LoginLasts  time.Duration // how long the links that Logins makes are good for
	Runbooks    Runbooks
	Events      Events
	Declared    classifiers.Declared // finds what people declare
	Missing     error                // what Ledger and Pauses wrap when there is no such thing
	Clusters    []string             // the clusters that are configured
	People      people.Identifier
	Login       *Login // where people can log in, nil: nowhere
	Version     Version
	Clock       func() time.Time
	Log         *slog.Logger
}

// API serves the paths below /v1. It is safe for concurrent use.
type API struct {
	Options
	hub       *hub
	strangers people.Sparing
	exporting chan struct{} // holds one for each export that is under way
	stopped   chan struct{} // closed when what streams is to end
	stop      sync.Once
}

// New makes an API.
func New(opt Options) *API {
	return &API{Options: opt, hub: newHub(), exporting: make(chan struct{}, maxExports), stopped: make(chan struct{})}
}

// Moved tells those who stream of a record, after Index has folded it. It never blocks.
func (a *API) Moved(rec incident.Sequenced) { a.hub.publish(rec) }

// EndStreams ends all streams, now and to come. Others are answered as before.
func (a *API) EndStreams() {
	a.hub.close()
	a.stop.Do(func() { close(a.stopped) })
}

// Handler serves everything below /v1/ that is not taken by a longer pattern.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, route := range map[string]struct {
		verb   people.Verb
		answer func(http.ResponseWriter, *http.Request) error
	}{
		"GET /v1/incidents":                   {people.Read, a.listIncidents},
		"GET /v1/incidents/{id}":              {people.Read, a.showIncident},
		"GET /v1/incidents/{id}/plan":         {people.Read, a.showPlan},
		"GET /v1/approvals":                   {people.Read, a.listApprovals},
		"POST /v1/incidents/{id}/votes":       {people.Read, a.say}, // whether they may is recorded of those who may not
		"POST /v1/incidents/{id}/stops":       {people.Read, a.stopPlan},
		"POST /v1/incidents/{id}/break-glass": {people.Read, a.breakGlass},
		"GET /v1/would":                       {people.Read, a.listWould},
		"GET /v1/audit":                       {people.Read, a.audit},
		"GET /v1/export":                      {people.Read, a.export},
		"GET /v1/decisions":                   {people.Read, a.listDecisions},
		"GET /v1/decisions/{id}/{name}":       {people.Read, a.showDecision},
		"GET /v1/stream":                      {people.Read, a.stream},
		"GET /v1/alerts":                      {people.Read, a.listAlerts},
		"GET /v1/pauses":                      {people.Read, a.listPauses},
		"POST /v1/pauses":                     {people.Pause, a.setPause},
		"DELETE /v1/pauses":                   {people.Resume, a.endPause},
		"POST /v1/declarations":               {people.Declare, a.declare},
		"DELETE /v1/declarations":             {people.Declare, a.takeBack},
		"POST /v1/runs":                       {people.Declare, a.run},
		"GET /v1/policy":                      {people.Read, a.policy},
		"POST /v1/policy/activate":            {people.Activate, a.activatePolicy},
		"GET /v1/version":                     {people.Read, a.version},
		"GET /v1/me":                          {people.Read, a.me},
		"POST /v1/logins":                     {people.Read, a.makeLogin},
	} {
		mux.Handle(pattern, a.allowed(route.verb, route.answer))
	}
	mux.HandleFunc("/v1/", a.nowhere)
	open := http.NewServeMux()
	open.HandleFunc("GET /v1/login", a.login)
	open.Handle("/v1/", people.Known(a.People, mux, a.unknown))
	return open
}

// allowed answers those who may, and turns errors into answers.
func (a *API) allowed(verb people.Verb, answer func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := people.From(r.Context()).May(verb)
		if err == nil {
			err = answer(w, r)
		}
		if err != nil {
			a.refuse(w, r, err)
		}
	})
}
