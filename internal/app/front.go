package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/internal/alerting"
	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/audit"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/console"
	"github.com/salvor-io/salvor/internal/export"
	"github.com/salvor-io/salvor/internal/httpserver"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ingest"
	"github.com/salvor-io/salvor/internal/judging"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/internal/session"
	"github.com/salvor-io/salvor/internal/telemetry"
)

// drainWithin is how long posts that are being recorded may take to end when the replica stops.
const drainWithin = 5 * time.Second

// front is what others see of a replica: intake, the API, metrics, readiness, and the alerts it raises.
type front struct {
	server  *httpserver.Server
	intake  *ingest.Intake
	people  *knowing
	api     *api.API
	console *console.Console
	pages   http.Handler // the console, and where one logs in by an identity provider
	notices *alerting.Notifier
	chats   *chats
	metrics *telemetry.Metrics
	stood   chan struct{} // closed once the view stands
}

func openFront(a *App) (*front, error) {
	f := &front{stood: make(chan struct{})}
	f.metrics = telemetry.New(telemetry.Sources{Incidents: a.pipeline.Incidents, View: a.pipeline.Ask,
		DeadLettered: a.store.log.DeadLettered, Policy: a.rollout, Protection: a.guarding.Reports, Clock: time.Now, Version: a.opt.Version})
	var err error
	if f.intake, err = openIntake(a, f.metrics); err != nil {
		return nil, err
	}
	desk := &approval.Desk{Ledger: a.store.ledger, Authorizer: a.engine, Policy: a.rollout, Breakers: a.cfg.BreakGlass, Lost: ledger.ErrLost, Log: a.opt.Log.With("part", "approval")}
	if f.people, err = openPeople(a); err != nil {
		return nil, err
	}
	if f.chats, err = openChats(a, desk, f.people.Directory, f.metrics); err != nil {
		return nil, fmt.Errorf("open chat: %w", err)
	}
	if err = f.openToPeople(a, desk); err != nil {
		return nil, err
	}
	if f.notices, err = openNotices(a); err != nil {
		return nil, err
	}
	if f.server, err = openServer(a, f); err != nil {
		return nil, err
	}
	return f, nil
}

func openIntake(a *App, meter ingest.Meter) (*ingest.Intake, error) {
	var senders []ingest.Credential
	for _, in := range a.cfg.Intakes {
		if in.Witness == a.opt.Replica {
			return nil, fmt.Errorf("open intake %s: the witness %q has the name of this replica, give one of them another", in.Name, in.Witness)
		}
		sender := ingest.Credential{Name: in.Name, ClientName: in.ClientName, Clusters: in.Clusters, Witness: in.Witness}
		for _, kind := range in.Kinds {
			sender.Kinds = append(sender.Kinds, string(kind))
		}
		if in.TokenFile != "" {
			token, err := config.Secret(in.TokenFile)
			if err != nil {
				return nil, fmt.Errorf("read the token of intake %s: %w", in.Name, err)
			}
			sender.TokenSHA256 = ingest.HashToken(token)
		}
		senders = append(senders, sender)
	}
	intake, err := ingest.New(ingest.Options{Log: a.store.log, Dead: a.store.log, Meter: meter, Credentials: senders, Meaning: a.table.Meaning, Logger: a.opt.Log.With("part", "intake")})
	if err != nil {
		return nil, fmt.Errorf("open the intake: %w", err)
	}
	return intake, nil
}

func openAPI(a *App, known *knowing, desk *approval.Desk, sessions *session.Sessions) *api.API {
	var names []string
	for _, c := range a.cfg.Clusters {
		names = append(names, c.Name)
	}
	before := past{index: a.pipeline, ledger: a.store.ledger, keep: a.cfg.Times.ArchiveAfter}
	exporter := export.New(export.Options{Log: a.store.log, Past: before, Decisions: a.store.ledger, Missing: ledger.ErrNotFound, Config: a.cfg, Rules: a.rollout,
		Version: a.opt.Version, Clock: time.Now})
	auditor := &audit.Auditor{Ledger: a.store.ledger, Missing: ledger.ErrNotFound, Version: a.opt.Version, Clock: time.Now}
	return api.New(api.Options{Index: a.pipeline, Past: before, Exporter: exporter, Auditor: auditor, View: a.pipeline, Ledger: a.store.ledger, DecisionLog: a.store.ledger, Pauses: a.pauses, Missing: ledger.ErrNotFound, Clusters: names,
		Policy: a.rollout, Approvals: desk, Logins: sessions, Console: a.cfg.ExternalURL, LoginLasts: session.LinkLasts, Events: a.store.log, Declared: judging.Declared(a.cfg), Runbooks: a.books,
		People: known, Login: known.login(), Version: api.Version{Version: a.opt.Version}, Clock: time.Now, Log: a.opt.Log.With("part", "api")})
}

func openNotices(a *App) (*alerting.Notifier, error) {
	var targets []alerting.Target
	for _, am := range a.cfg.Alertmanagers {
		target := alerting.Target{URL: am.URL}
		if am.TokenFile != "" {
			token, err := config.Secret(am.TokenFile)
			if err != nil {
				return nil, fmt.Errorf("read the token for Alertmanager %s: %w", am.URL, err)
			}
			target.Token = token
		}
		targets = append(targets, target)
	}
	return alerting.New(alerting.Options{Targets: targets, Incidents: a.pipeline.Incidents, Sentence: a.pipeline.Sentence, Severity: a.severity, Policy: a.rollout.Status, Troubles: a.guarding.Troubles, Link: a.cfg.ExternalURL, Clock: time.Now,
		Log: a.opt.Log.With("part", "alerting")}), nil
}

func openServer(a *App, f *front) (*httpserver.Server, error) {
	var secure *tls.Config
	if t := a.cfg.Listen.TLS; t.CertFile != "" {
		var err error
		if secure, err = httpserver.LoadTLS(t.CertFile, t.KeyFile, t.ClientCAFile); err != nil {
			return nil, fmt.Errorf("load the server's certificate: %w", err)
		}
	}
	posts := http.NewServeMux()
	f.intake.Register(posts)
	server, err := httpserver.New(httpserver.Options{
		Address: a.cfg.Listen.Address, Socket: a.cfg.Listen.Socket, TLS: secure, ConnContext: people.ConnContext, OnStop: f.endStreams,
		Mounts: append(f.chats.mounts(), []httpserver.Mount{{Pattern: ingest.AlertmanagerPath, Handler: posts}, {Pattern: ingest.EventsPath, Handler: posts},
			{Pattern: ingest.HeartbeatPath, Handler: posts},
			{Pattern: "/v1/", Handler: f.api.Handler()}, {Pattern: "/", Handler: f.pages}, {Pattern: "GET /metrics", Handler: f.metrics.Handler()}}...),
		Checks: []httpserver.Check{{Name: "store", Well: a.store.conn.Healthy}, {Name: "view", Well: func() error { return f.current(a) }}},
		Notes:  []httpserver.Check{{Name: "policy", Well: func() error { return decides(a) }}},
		Log:    a.opt.Log.With("part", "http"),
	})
	if err != nil {
		return nil, fmt.Errorf("open the server: %w", err)
	}
	return server, nil
}

// endStreams ends what would not end by itself.
func (f *front) endStreams() {
	f.api.EndStreams()
	f.console.EndStreams()
}

// current says what keeps the view from being one to judge by, or nil.
func (f *front) current(a *App) error {
	select {
	case <-f.stood:
	default:
		return errors.New("the view is being rebuilt")
	}
	if lag := time.Since(a.pipeline.Time()); lag > 5*time.Second {
		return fmt.Errorf("the view is %s behind", lag.Round(time.Second))
	}
	return nil
}

// decides says that nothing is decided, for want of policy, or nil. Why is for those who may read it.
func decides(a *App) error {
	if a.rollout.Engine().Well() != nil {
		return errors.New("nothing is decided, for want of policy: see salvor policy status")
	}
	return nil
}

// stands says that the view was rebuilt.
func (f *front) stands() { close(f.stood) }

// policyChanged is told when it stands otherwise with policy.
func (f *front) policyChanged() { f.notices.Wake() }

// moved is told of each record of each incident.
func (f *front) moved(rec incident.Sequenced) {
	f.metrics.Recorded(rec.Kind)
	f.api.Moved(rec)
	f.console.Moved(rec)
	f.notices.Wake()
	f.chats.poster.Wake()
}

// comesOn is told that a step of an incident is further than it was.
func (f *front) comesOn(id incident.ID) {
	f.console.ComesOn(id)
	f.chats.poster.Wake()
}

// run serves until ctx ends; then it takes no more posts and lets those in flight end.
func (f *front) run(ctx context.Context) error {
	group, serving := errgroup.WithContext(ctx)
	group.Go(func() error { return f.server.Run(serving) })
	group.Go(func() error { f.people.greet(serving); return nil })
	group.Go(func() error {
		<-serving.Done()
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
		defer cancel()
		return f.intake.Drain(bounded)
	})
	return group.Wait()
}
