package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/httpserver"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/internal/replay"
	"github.com/salvor-io/salvor/internal/rollout"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

var (
	errMissing = errors.New("not found")
	morning    = time.Date(2026, 3, 1, 3, 11, 4, 0, time.UTC)
)

// records stands in for the pipeline and the ledger.
type records struct {
	mu      sync.Mutex
	inc     incident.Incident
	pauses  []policies.Pause
	asked   []string // documents of what policy was asked, as they are stored
	altered bool     // the last record, in the store
	view    *classifiers.View
}

// Ask implements api.View.
func (r *records) Ask(see func(*classifiers.View)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	see(r.view)
}

// Append implements api.Events: the view knows at once.
func (r *records) Append(_ context.Context, evs ...events.Event) ([]events.Receipt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ev := range evs {
		if err := r.view.Fold(events.Recorded{Event: ev, Seq: r.view.Seq + 1, At: morning}); err != nil {
			return nil, err
		}
	}
	return make([]events.Receipt, len(evs)), nil
}

// fleetOf is a view of a node in a zone.
func fleetOf(t *testing.T) *classifiers.View {
	t.Helper()
	r := &records{view: classifiers.NewView(nil)}
	ev, err := events.New("n", events.TypeNode, "/test", "prod-eu", "node/worker-7", morning,
		events.Node{Name: "worker-7", UID: "9b1c", ResourceVersion: "1", Zone: "eu-1b", Region: "eu-1", Ready: events.Condition{Status: "True"}})
	if err == nil {
		_, err = r.Append(t.Context(), ev)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r.view
}

func (r *records) Incidents() []incident.Incident {
	r.mu.Lock()
	defer r.mu.Unlock()
	return []incident.Incident{r.inc}
}

func (r *records) Since(context.Context, time.Time) ([]incident.Incident, error) {
	return r.Incidents(), nil
}

// Status implements api.Policy: one is in force, one is held, one is refused.
func (r *records) Status() rollout.Status {
	offer := rollout.Offer{Revision: "aaa", Source: "/etc/rules", Author: "ann", Replica: "one"}
	held := rollout.Standing{Offer: offer, Since: morning, By: "one", Report: &rollout.Report{Reference: rollout.Sums{Same: 3, Looser: 1},
		Differ: []rollout.Difference{{Change: policies.Looser, Cluster: "prod-eu", Incident: "inc-1", About: "a plan", Was: "ask 1: look", Is: "act: go"}}}}
	held.Revision = "bbb"
	return rollout.Status{InForce: &rollout.Standing{Offer: offer, Since: morning, By: "one"}, Held: &held,
		Refused: &rollout.Refusal{Offer: offer, At: morning, Problems: []string{"x.rego:1: no\x1b"}}, Shadows: []rollout.ShadowStatus{{Name: "held", Revision: "bbb"}},
		Serving: rollout.Serving{Replica: "one", Revision: "aaa", Since: morning, Slow: &rollout.Slow{Rule: "x.rego:7", About: "node/worker-7: recover", Now: morning}}}
}

// Activate implements api.Policy.
func (r *records) Activate(_ context.Context, person, revision, reason string) (rollout.Standing, error) {
	switch revision {
	case "bbb":
		return rollout.Standing{Offer: rollout.Offer{Revision: revision, Source: reason}, By: person}, nil
	case "own":
		return rollout.Standing{}, fmt.Errorf("%s wrote it: %w", person, rollout.ErrAuthor)
	}
	return rollout.Standing{}, fmt.Errorf("the policy that is held is bbb: %w", rollout.ErrNotHeld)
}

// Export writes a recording of nothing, and dies in the midst of one that begins at noon.
func (r *records) Export(_ context.Context, w io.Writer, from, to time.Time) error {
	out := replay.NewWriter(w, "a recording of nothing")
	out.Config([]byte("clusters: []"))
	out.Span(from, to)
	err := out.Flush()
	if from.Hour() == 12 {
		return errors.New("the store is away")
	}
	return err
}

func (r *records) Load(_ context.Context, id incident.ID) (*incident.Incident, error) {
	inc := r.Incidents()[0]
	if inc.ID != id {
		return nil, errMissing
	}
	return &inc, nil
}

func (r *records) Named(_ context.Context, text string) ([]incident.ID, error) {
	if id := r.Incidents()[0].ID; strings.HasPrefix(id.Name(), text) {
		return []incident.ID{id}, nil
	}
	return nil, nil
}

func (r *records) ReadDecision(ctx context.Context, ref string) (found json.RawMessage, err error) {
	err = r.Decisions(ctx, time.Time{}, time.Time{}, func(d incident.StoredDecision) error {
		if d.Ref == ref {
			found = d.Document
		}
		return nil
	})
	if found == nil {
		err = errMissing
	}
	return found, err
}

// Decisions gives one of a gate, and those that a test has added.
func (r *records) Decisions(_ context.Context, _, _ time.Time, give func(incident.StoredDecision) error) error {
	gate := `{"question":{"about":"gate","cluster":{"name":"prod-eu"},"fault":{"kind":"node","anchor":"node/worker-7"},"plan":{"runbook":"node-failure"}},` +
		`"decision":{"verdict":"deny","would":"act","revision":"r1","reasons":[{"text":"it is small"}],"held":[{"text":"the mode is ask"},{"text":"somebody paused it"}]}}`
	for i, doc := range append([]string{gate}, r.asked...) {
		ref := fmt.Sprintf("%s/%016x", r.inc.ID, 0x1f0c2a7b9d3e4f55+i)
		if err := give(incident.StoredDecision{Asked: incident.Asked{Ref: ref}, Incident: r.inc.ID, Seq: uint64(i + 1), StoredAt: morning, Document: json.RawMessage(doc)}); err != nil {
			return err
		}
	}
	return nil
}

func (r *records) DecisionsBegin(context.Context) (time.Time, error) { return morning, nil }

func (r *records) Pauses(context.Context) ([]policies.Pause, error) { return r.pauses, nil }

func (r *records) SetPause(_ context.Context, p policies.Pause) error {
	r.pauses = append(r.pauses, p)
	return nil
}

func (r *records) EndPause(_ context.Context, scope policies.Pause) error {
	for i, p := range r.pauses {
		if p.Scope() == scope.Scope() {
			r.pauses = append(r.pauses[:i], r.pauses[i+1:]...)
			return nil
		}
	}
	return errMissing
}

// add appends a record, a second after the one before.
func (r *records) add(t *testing.T, rec incident.Record) incident.Sequenced {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.inc.History)
	rec.Schema, rec.At = incident.Schema, morning.Add(time.Duration(n)*time.Second)
	if rec.Incident == "" {
		rec.Incident = r.inc.ID
	}
	out := incident.Sequenced{Record: rec, Seq: uint64(n + 1), StoredAt: rec.At}
	if err := r.inc.Apply(out); err != nil {
		t.Fatal(err)
	}
	return out
}

// heldIncident is an incident whose plan the mode holds back.
func heldIncident(t *testing.T) *records {
	fault := classifiers.Fault{Kind: classifiers.KindNode, Cluster: "prod-eu", Anchor: classifiers.Anchor{Kind: "node", Name: "worker-7", UID: "9b1c"},
		Sentence: "worker-7 is silent", Signals: []classifiers.Signal{{Name: "lease", Asked: true, Agrees: true, Detail: "not renewed for 26s"}}}
	key := incident.KeyOf(fault)
	plan, err := responders.Plan{Runbook: "node-failure", Cluster: "prod-eu", Steps: []responders.Step{{Name: "cordon", Change: responders.Change{
		Responder: "node.cordon", Class: policies.Reversible, Targets: []policies.Target{{Kind: "Node", Name: "worker-7"}},
		Will: []string{"worker-7 takes no new pods"}, Command: "kubectl cordon worker-7"}}}}.Seal()
	if err != nil {
		t.Fatal(err)
	}
	r := &records{view: fleetOf(t)}
	r.add(t, incident.Record{Kind: incident.Opened, Incident: incident.IDOf(key, 41), Key: &key, Fault: &fault, Text: fault.Sentence})
	r.add(t, incident.Record{Kind: incident.Decided, Text: "deny: the mode is observe: nothing is done", Decided: &incident.Decision{Phase: incident.PhaseRecover, Plan: &plan,
		Answer: policies.Decision{Would: policies.Act, Reasons: []policies.Reason{{Text: "one node", Rule: "node.rego:14"}},
			Held: []policies.Reason{{Text: "the mode is observe: nothing is done", Rule: "mode"}}}}})
	return r
}

// server is a running server, with what the command line needs to reach it.
type server struct {
	*records
	api         *api.API
	spoken      *spoken
	dir, socket string
	url         string
	viewer      string // token file
}

func (s *server) Misses(f classifiers.Fault) []classifiers.Miss {
	return []classifiers.Miss{{Rule: "zone", Have: 1, Need: 7, Unit: "nodes", Text: "1 of 12 nodes of " + f.Cluster + " lost within 1m, 7 would make it a zone"}}
}

func (s *server) Link(p people.Person) (string, error) { return "key-of-" + p.Name, nil }

func (s *server) Sentence(f classifiers.Fault) string { return f.Sentence }

func serving(t *testing.T) *server {
	t.Helper()
	s := &server{records: heldIncident(t), dir: t.TempDir()}
	s.spoken = &spoken{inc: &s.inc}
	s.socket, s.viewer = filepath.Join(s.dir, "s"), filepath.Join(s.dir, "viewer.token")
	if err := os.WriteFile(s.viewer, []byte("v-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	known, err := people.NewDirectory([]people.Entry{{Name: "vera", Role: people.Viewer, TokenSHA256: people.HashToken("v-token")}}, os.Getuid())
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	s.api = api.New(api.Options{Index: s, Past: s, Exporter: s, Auditor: s, View: s, Ledger: s, DecisionLog: s, Pauses: s, Policy: s, Approvals: s.spoken, Runbooks: s.spoken, Events: s, Logins: s, Console: "http://salvor", LoginLasts: 15 * time.Minute, Missing: errMissing, Clusters: []string{"prod-eu"}, People: known,
		Clock: func() time.Time { return morning }, Log: quiet})
	srv, err := httpserver.New(httpserver.Options{Address: "127.0.0.1:0", Socket: s.socket, Log: quiet, ConnContext: people.ConnContext,
		OnStop: s.api.EndStreams, Mounts: []httpserver.Mount{{Pattern: "/v1/", Handler: s.api.Handler()}}})
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + srv.Address()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("stop the server: %v", err)
		}
	})
	return s
}

type result struct {
	code        int
	out, talked string
}

// salvor runs a command line in this process.
func salvor(ctx context.Context, env map[string]string, args ...string) result {
	var out, talked bytes.Buffer
	root := newRootCommand(environment{getenv: func(name string) string { return env[name] }, now: func() time.Time { return morning.Add(time.Minute) }})
	root.SetOut(&out)
	root.SetErr(&talked)
	root.SetArgs(args)
	return result{conclude(root.ExecuteContext(ctx), &talked), out.String(), talked.String()}
}

func TestCommands(t *testing.T) {
	s := serving(t)
	name := s.inc.Name()
	header := name + "  node worker-7  prod-eu  HELD BACK for 59s\n"
	for _, c := range []struct {
		args string
		want []string // begins with the first, holds the others
		talk string
	}{
		{"incidents", []string{"NAME      CLUSTER  WHAT           STATE  SINCE (UTC)          WHY\n" + name + "  prod-eu  node/worker-7  held   2026-03-01 03:11:05  deny: the mode is observe"}, ""},
		{"console --token-file " + s.viewer, []string{"http://salvor/login?key=key-of-vera\n"}, "good once, until 03:26:04 UTC:\n"},
		{"incidents --state closed", []string{""}, "no incidents\n"},
		{"incidents -o json", []string{"[\n  {\n    \"id\": "}, ""},
		{"incidents --all --cluster prod-eu -o yaml", []string{"- id: ", "\n  cluster: prod-eu\n"}, ""},
		{"incidents show " + name, []string{header, "03:11:05 held back because the mode is observe", "now not because of\n  zone  1 of 12 nodes of ", "Next: salvor plan " + name + "\n"}, ""},
		{"incidents show " + string(s.inc.ID) + " -o json", []string{"{\n  \"id\": ", `"kind": "decided"`, `"rule": "zone",`}, ""},
		{"incidents report " + strings.TrimPrefix(name, "inc-"), []string{"# " + name + ": node worker-7, prod-eu\n", "kubectl cordon worker-7"}, ""},
		{"incidents --would", []string{"TIME (UTC)           NAME      CLUSTER  WHAT           WOULD HAVE                         HELD BACK BY\n2026-03-01 03:11:05  " + name +
			"  prod-eu  node/worker-7  run node-failure on node/worker-7  the mode is observe: nothing is done\n"}, ""},
		{"incidents --would --since 90m --cluster prod-us", []string{""}, "nothing was held back\n"},
		{"incidents --would -o json", []string{"[\n  {\n    \"at\": ", `"would": "act"`}, ""},
		{"export", []string{"a recording of nothing\n", "-- span --\n2026-02-28T03:12:04Z\n2026-03-01T03:12:04Z\n", "-- events.jsonl --\n"}, ""},
		{"export --from 2026-02-01T00:00:00Z --to 2026-02-02T00:00:00Z", []string{"a recording", "2026-02-01T00:00:00Z\n2026-02-02T00:00:00Z\n"}, ""},
		{"decisions", []string{"TIME (UTC)           DECISION                   CLUSTER  WHAT           ABOUT  PLAN          VERDICT  WOULD  REVISION  WHY\n2026-03-01 03:11:04  " + name +
			"/1f0c2a7b9d3e4f55  prod-eu  node/worker-7  gate   node-failure  deny     act    r1        the mode is ask; somebody paused it\n"}, "the oldest decision that is kept is of 2026-03-01 03:11:04 UTC\n"},
		{"decisions --verdict act --incident " + name, []string{""}, "no decisions\n"},
		{"decisions -o json --since 2m --about gate", []string{"[\n  {\n    \"ref\": ", `"would": "act"`}, "the oldest decision that is kept is of 2026-03-01 03:11:04 UTC\n"},
		{"plan " + name, []string{"plan ", "  not started\n", "$ kubectl cordon worker-7\n"}, ""},
		{"plan " + name + " -o yaml", []string{"incident: ", "runbook: node-failure"}, ""},
		{"policy status", []string{"POLICY    REVISION  AUTHOR  SINCE (UTC)          BY   SOURCE\nin force  aaa       ann     2026-03-01 03:11:04  one  /etc/rules\nheld      bbb ",
			"\none: x.rego:7 takes too long, and so denies: last at 2026-03-01 03:11:04, asked about node/worker-7: recover\n",
			"\nheld, since it would decide so: of 4 reference questions: 3 the same, 0 tighter, 1 looser; of 0 recorded questions", "  looser  inc-tbas prod-eu  a plan\n      was  ask 1: look\n      is   act: go\n",
			"\nrefused:\n  x.rego:1: no\\x1b\n", "shadow held: 0 the same"}, "next: have another person than ann look at it: salvor policy activate bbb\n"},
		{"policy status -o json", []string{"{\n  \"in_force\": {\n    \"revision\": \"aaa\"", `"change": "looser"`}, "next: have another person than ann look at it: salvor policy activate bbb\n"},
		{"policy activate bbb --reason well", []string{"policy bbb of well is in force\n"}, ""},
		{"pauses", []string{""}, "nothing is paused\n"},
		{"pause --reason moving --for 90m --cluster prod-eu --kind node", []string{"paused cluster prod-eu, kind node until 2026-03-01 04:41:04 UTC\n"}, "next: end it earlier with: salvor resume --cluster prod-eu --kind node\n"},
		{"pauses", []string{"SCOPE ", "cluster prod-eu, kind node", "moving\n"}, ""},
		{"resume --kind node --cluster prod-eu", []string{"resumed cluster prod-eu, kind node\n"}, ""},
		{"declare zone eu-1b --reason darkness --cluster prod-eu", []string{"declared zone/eu-1b of prod-eu until 2026-03-01 07:11:04 UTC\n"},
			"next: see what comes of it: salvor incidents; take it back with: salvor declare --end zone eu-1b --cluster prod-eu\n"},
		{"declare security Node worker-7 --reason darkness --cluster prod-eu --for 90m -o json",
			[]string{"{\n  \"id\": \"declared/prod-eu/security/node/worker-7/", `"by": "`, `"until": "2026-03-01T04:41:04Z"`}, ""},
		{"declare region --reason darkness --cluster prod-eu", []string{"declared region/eu-1 of prod-eu"},
			"next: see what comes of it: salvor incidents; take it back with: salvor declare --end region eu-1 --cluster prod-eu\n"},
		{"declare --end zone eu-1b --cluster prod-eu", []string{"took back zone eu-1b of prod-eu\n"}, ""},
		{"declare --end security node/worker-7 --cluster prod-eu", []string{"took back security node/worker-7 of prod-eu\n"}, ""},
		{"declare --end region --cluster prod-eu", []string{"took back region of prod-eu\n"}, ""},
	} {
		t.Run(c.args, func(t *testing.T) {
			got := salvor(t.Context(), nil, append(strings.Fields(c.args), "--socket", s.socket)...)
			if got.code != exitOK || got.talked != c.talk {
				t.Errorf("exit %d, talk %q, want %q", got.code, got.talked, c.talk)
			}
			for i, want := range c.want {
				if i == 0 && !strings.HasPrefix(got.out, want) || !strings.Contains(got.out, want) {
					t.Errorf("output lacks %q:\n%s", want, got.out)
				}
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	s := serving(t)
	here := []string{"--socket", s.socket}
	there := []string{"--server", s.url, "--token-file", s.viewer}
	for _, c := range []struct {
		name string
		args []string
		at   []string
		code int
		talk string // that is held in what is said
	}{
		{"well", []string{"incidents"}, there, exitOK, ""},
		{"no such command", []string{"incident"}, nil, exitUsage, "did you mean incidents?"},
		{"no such command below", []string{"incidents", "shwo"}, nil, exitUsage, "did you mean show?"},
		{"no such flag", []string{"incidents", "--nope"}, nil, exitUsage, "next: salvor incidents --help"},
		{"no argument", []string{"incidents", "show"}, nil, exitUsage, "accepts 1 arg"},
		{"no such form", []string{"incidents", "-o", "xml"}, here, exitUsage, "there are table, json, yaml"},
		{"two places", []string{"incidents", "--server", s.url}, here, exitUsage, "keep one"},
		{"no file of a witness", []string{"witness", "--config", filepath.Join(s.dir, "none")}, nil, exitError, "next: see what the file of a witness holds"},
		{"too much for a witness", []string{"witness", "now"}, nil, exitUsage, "next: salvor witness --help"},
		{"no such role", []string{"print", "rbac", "--role", "root"}, nil, exitUsage, "root"},
		{"two beginnings", []string{"export", "--since", "1h", "--from", "2026-02-01T00:00:00Z"}, here, exitUsage, "keep one"},
		{"no time", []string{"export", "--since", "soon"}, here, exitUsage, "how far back"},
		{"no span", []string{"export", "--from", "2026-02-02T00:00:00Z", "--to", "2026-02-01T00:00:00Z"}, here, exitUsage, "ends before it begins"},
		{"exported over a directory", []string{"export", "--out", s.dir}, here, exitError, "no plain file"},
		{"nowhere to export to", []string{"export", "--out", filepath.Join(s.dir, "none", "x")}, here, exitError, "none"},
		{"since without would", []string{"incidents", "--since", "1h"}, here, exitUsage, "goes with --would"},
		{"would in a state", []string{"incidents", "--would", "--all"}, here, exitUsage, "leave out"},
		{"no reason", []string{"pause"}, here, exitUsage, "--reason"},
		{"wrong state", []string{"incidents", "--state", "x"}, here, exitError, "the states are"},
		{"wrong cluster", []string{"pause", "--reason", "x", "--cluster", "prod-us"}, here, exitError, "[prod-eu]"},
		{"no such incident", []string{"incidents", "show", "inc-zzzz"}, here, exitNotFound, "next: list them: salvor incidents --all"},
		{"no such plan", []string{"plan", "inc-zzzz"}, here, exitNotFound, ""},
		{"no such pause", []string{"resume"}, here, exitNotFound, "next: list the pauses: salvor pauses"},
		{"no kind", []string{"declare", "--reason", "x", "--cluster", "prod-eu"}, here, exitUsage, "arg"},
		{"no cluster", []string{"declare", "zone", "eu-1b", "--reason", "x"}, here, exitUsage, "--cluster"},
		{"no reason to declare", []string{"declare", "zone", "eu-1b", "--cluster", "prod-eu"}, here, exitUsage, "--reason"},
		{"a reason to take back", []string{"declare", "--end", "zone", "eu-1b", "--cluster", "prod-eu", "--reason", "x"}, here, exitUsage, "neither"},
		{"another kind", []string{"declare", "zones", "eu-1b", "--cluster", "prod-eu", "--reason", "x"}, here, exitError, "they are [node zone"},
		{"for too long", []string{"declare", "zone", "eu-1b", "--cluster", "prod-eu", "--reason", "x", "--for", "25h"}, here, exitError, "24h0m0s"},
		{"no such zone", []string{"declare", "zone", "eu-1c", "--cluster", "prod-eu", "--reason", "x"}, here, exitNotFound, "there are eu-1b"},
		{"nothing declared", []string{"declare", "--end", "zone", "eu-1b", "--cluster", "prod-eu"}, here, exitNotFound, "nobody declared that"},
		{"a viewer declares", []string{"declare", "zone", "eu-1b", "--cluster", "prod-eu", "--reason", "x"}, there, exitNotAuthorised, "takes operator"},
		{"not held", []string{"policy", "activate", "ccc"}, here, exitNotFound, "next: see which one is held: salvor policy status"},
		{"its author", []string{"policy", "activate", "own"}, here, exitNotAuthorised, "wrote it"},
		{"a viewer activates", []string{"policy", "activate", "bbb"}, there, exitNotAuthorised, "takes admin"},
		{"nowhere to build to", []string{"policy", "build", s.dir}, nil, exitUsage, "--out FILE"},
		{"half a key", []string{"policy", "build", "--out", "x", "--key", "k"}, nil, exitUsage, "both --key and --key-id"},
		{"no key to sign with", []string{"policy", "sign", "x"}, nil, exitUsage, "name the key"},
		{"no such key", []string{"policy", "sign", "x", "--key", filepath.Join(s.dir, "none"), "--key-id", "k"}, nil, exitError, "openssl genpkey"},
		{"nobody", []string{"incidents"}, []string{"--server", s.url}, exitNotAuthorised, "--token-file"},
		{"a viewer", []string{"pause", "--reason", "x"}, there, exitNotAuthorised, "takes operator"},
		{"nobody there", []string{"incidents"}, []string{"--socket", filepath.Join(s.dir, "none")}, exitUnreachable, "next: start it: salvor serve"},
		{"no token", []string{"incidents", "--token-file", filepath.Join(s.dir, "none")}, here, exitError, "next: name the file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := salvor(t.Context(), nil, append(c.args, c.at...)...)
			if got.code != c.code || !strings.Contains(got.talked, c.talk) {
				t.Errorf("exit %d, want %d; said %q, want %q in it", got.code, c.code, got.talked, c.talk)
			}
			if c.code != exitOK && (got.out != "" || !strings.HasPrefix(got.talked, "error: ") || !strings.Contains(got.talked, "\nnext: ")) {
				t.Errorf("an error wants no data, what is wrong, and what comes next: %q, %q", got.out, got.talked)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	s := serving(t)
	env := map[string]string{serverVariable: s.url, tokenFileVariable: s.viewer}
	if got := salvor(t.Context(), env, "incidents"); got.code != exitOK {
		t.Errorf("by the environment: %+v", got)
	}
	if got := salvor(t.Context(), env, "incidents", "--server", "http://127.0.0.1:1"); got.code != exitUnreachable {
		t.Errorf("a flag does not count more: %+v", got)
	}
	env[serverVariable] = "http://127.0.0.1:1"
	if got := salvor(t.Context(), env, "incidents", "--socket", s.socket); got.code != exitOK {
		t.Errorf("--socket does not count more: %+v", got)
	}
}

// follower is a writer that tells of each line.
type follower struct{ lines chan string }

func (f follower) Write(p []byte) (int, error) {
	f.lines <- string(p)
	return len(p), nil
}

func TestWatch(t *testing.T) {
	s := serving(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f := follower{make(chan string, 1000)}
	root := newRootCommand(environment{getenv: func(string) string { return "" }, now: time.Now})
	root.SetOut(f)
	root.SetErr(f)
	root.SetArgs([]string{"incidents", "watch", "--socket", s.socket})
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(ctx) }()
	// Only what comes after the watching began is told: say it until it is heard.
	var got string
	for got == "" {
		s.api.Moved(s.add(t, incident.Record{Kind: incident.Noted, Text: "hello"}))
		select {
		case got = <-f.lines:
		case <-time.After(20 * time.Millisecond):
		}
	}
	if want := " " + s.inc.Name() + " prod-eu node/worker-7 note hello\n"; !strings.HasSuffix(got, want) {
		t.Errorf("watched %q, want it to end in %q", got, want)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("interrupted: %v", err)
	}
}

func TestConfigCheck(t *testing.T) {
	dir := t.TempDir()
	at := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := at("good.yaml", "clusters: [{name: prod-eu, environment: production, observe: {kubeconfig: k}, modes: {node: suggest}}]\n")
	at("k", "")
	got := salvor(t.Context(), nil, "config", "check", good)
	want := good + " is well\n  listens on 127.0.0.1:9095 and " + dir + "/salvor-data/salvor.sock\n  NATS embedded in " + dir + "/salvor-data, at most 2GiB\n" +
		"  1 clusters, 0 intakes, 0 people, 0 alertmanagers\n" +
		"  CLUSTER  ENVIRONMENT  MODES                       ACT             POWER\n" +
		"  prod-eu  production   node suggest, else observe  no credentials  no switch\n"
	if diff := cmp.Diff(want, got.out); diff != "" || got.code != exitOK || got.talked != "" {
		t.Errorf("well: exit %d, %q (-want +got):\n%s", got.code, got.talked, diff)
	}
	if got := salvor(t.Context(), nil, "config", "check", at("warn.yaml", "")); got.code != exitOK || !strings.HasPrefix(got.talked, "warning: ") {
		t.Errorf("with a warning: %+v", got)
	}
	bad := at("bad.yaml", "listn: 1\nlog: {level: loud}\n")
	if got := salvor(t.Context(), nil, "config", "check", bad); got.code != exitError || got.out != "" ||
		!strings.HasPrefix(got.talked, bad+":1: listn: unknown key") || !strings.Contains(got.talked, bad+":2: log.level: ") || !strings.HasSuffix(got.talked, "\n2 wrong in "+bad+"\n") {
		t.Errorf("bad: %+v", got)
	}
	if got := salvor(t.Context(), nil, "config", "check", filepath.Join(dir, "none")); got.code != exitError {
		t.Errorf("none: %+v", got)
	}
}

func TestPrintAlertmanager(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "salvor.yaml")
	if err := os.WriteFile(path, []byte("external_url: https://salvor.example.org/\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--config", path}, "https://salvor.example.org/v1/hooks/alertmanager"},
		{[]string{"--url", "http://10.0.0.1:9095", "--receiver", "mine"}, "http://10.0.0.1:9095/v1/hooks/alertmanager"},
	} {
		if got := salvor(t.Context(), nil, append([]string{"print", "alertmanager-config"}, c.args...)...); got.code != exitOK || !strings.Contains(got.out, c.want) {
			t.Errorf("%v: %+v", c.args, got)
		}
	}
	if got := salvor(t.Context(), nil, "print", "alertmanager-config", "--config", filepath.Join(dir, "none")); got.code != exitError || !strings.Contains(got.talked, "next: name the configuration") {
		t.Errorf("without either: %+v", got)
	}
}

func TestPrintRBAC(t *testing.T) {
	if got := salvor(t.Context(), nil, "print", "rbac", "--role", "act", "--user", "salvor-act"); got.code != exitOK || !strings.Contains(got.out, "kind: ClusterRole\n") || !strings.Contains(got.out, "salvor-act") {
		t.Errorf("print rbac: %+v", got)
	}
}

func TestVersion(t *testing.T) {
	var v api.Version
	got := salvor(t.Context(), nil, "version", "-o", "json")
	if err := json.Unmarshal([]byte(got.out), &v); err != nil || v.Go == "" || v.Version == "" {
		t.Errorf("version: %+v, %v", got, err)
	}
}

// TestHelp holds that a command that only holds others lists them.
func TestHelp(t *testing.T) {
	if got := salvor(t.Context(), nil); got.code != exitOK || !strings.Contains(got.out, "incidents") {
		t.Errorf("salvor alone: %+v", got)
	}
	for _, args := range [][]string{{"config"}, {"print"}} {
		if got := salvor(t.Context(), nil, args...); got.code != exitOK || !strings.Contains(got.out, "Usage:") {
			t.Errorf("salvor %v: %+v", args, got)
		}
	}
}

// TestReplayAStoryAsJSON: what a program reads is JSON, whether or not the story wants something, and whatever it is compared with.
func TestReplayAStoryAsJSON(t *testing.T) {
	story := filepath.Join("..", "..", "test", "scenarios", "node-dies.txtar")
	other := filepath.Join(t.TempDir(), "salvor.yaml")
	if err := os.WriteFile(other, []byte("clusters: [{name: prod, observe: {in_cluster: true}}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args      []string
		code      int
		different bool
	}{{nil, exitOK, false}, {[]string{"--config", other}, exitOK, false}, {[]string{"--against", other}, exitError, true}} {
		var said struct {
			Records []struct {
				Seq      uint64    `json:"seq"`
				StoredAt time.Time `json:"stored_at"`
			} `json:"records"`
			Diff string `json:"diff"`
		}
		got := salvor(t.Context(), nil, append([]string{"replay", story, "-o", "json"}, c.args...)...)
		if err := json.Unmarshal([]byte(got.out), &said); err != nil || got.code != c.code || len(said.Records) == 0 || said.Records[0].Seq == 0 ||
			said.Records[0].StoredAt.IsZero() || (said.Diff != "") != c.different {
			t.Errorf("%v: %v, exit %d: %.300s", c.args, err, got.code, got.out)
		}
	}
}

// TestExportToAFile: a file has its name once it is whole, and is what replay reads.
func TestExportToAFile(t *testing.T) {
	s := serving(t)
	path := filepath.Join(s.dir, "day.gz")
	if got := salvor(t.Context(), nil, "export", "--out", path, "--socket", s.socket); got.code != exitOK || got.out != "" {
		t.Fatalf("%+v", got)
	}
	want := "2026-02-28 03:12:04 to 2026-03-01 03:12:04: 0 events, 0 faults, 0 decisions with 0 changes, 0 steps, 0 other moves: all the same\n"
	if got := salvor(t.Context(), nil, "replay", path); got.code != exitOK || got.out != want {
		t.Errorf("replayed: %+v", got)
	}
	if got := salvor(t.Context(), nil, "replay", path, "-o", "json"); got.code != exitOK || !strings.Contains(got.out, `"differences": []`) {
		t.Errorf("replayed as JSON: %+v", got)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	again := salvor(t.Context(), nil, "export", "--out", path, "--since", "7d", "--socket", s.socket)
	if after, err := os.ReadFile(path); err != nil || again.code != exitError || !strings.Contains(again.talked, "it is there already") || !bytes.Equal(before, after) {
		t.Errorf("exported to it again: %v, %+v", err, again)
	}
	broken := filepath.Join(s.dir, "broken.gz")
	got := salvor(t.Context(), nil, "export", "--out", broken, "--from", "2026-02-28T12:00:00Z", "--socket", s.socket)
	if got.code != exitUnreachable || !strings.Contains(got.talked, "cut the answer off") {
		t.Errorf("cut off: %+v", got)
	}
	left, err := filepath.Glob(filepath.Join(s.dir, "*broken*"))
	hidden, _ := filepath.Glob(filepath.Join(s.dir, ".*"))
	if err != nil || len(left)+len(hidden) > 0 {
		t.Errorf("what is not whole is left: %v %v %v", left, hidden, err)
	}
}

// TestWhatAppearsMeanwhileStays: an export may take minutes, and somebody else may write the same file.
func TestWhatAppearsMeanwhileStays(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "day")
	err := toFile(path, func(io.Writer) error { return os.WriteFile(path, []byte("theirs"), 0o600) })
	if err == nil || !strings.Contains(err.Error(), "it is there already") {
		t.Errorf("written: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "theirs" {
		t.Errorf("it reads %q, %v", text, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

const recorded = `-- salvor.yaml --
clusters: [{name: prod, observe: {in_cluster: true}, act: {kubeconfig: none}, modes: {node: act}}]
-- events.jsonl --
-- end --
`

// TestReplayARecording: exit code 1 says that something is different, by one configuration or between two.
func TestReplayARecording(t *testing.T) {
	dir := t.TempDir()
	at := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := at("r.txtar", recorded)
	next := at("next.yaml", "clusters: [{name: prod, observe: {in_cluster: true}}]\n")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{file}, exitOK, "all the same"},
		{[]string{file, "--config", next}, exitOK, "all the same"},
		{[]string{file, "--against", next}, exitOK, "all the same"},
		{[]string{"-", "--against", next}, exitUsage, "twice"},
		{[]string{file, "--config", filepath.Join(dir, "none")}, exitError, "none"},
		{[]string{at("bare.txtar", "-- events.jsonl --\n")}, exitUsage, "brings no salvor.yaml"},
		{[]string{at("cut.txtar", strings.TrimSuffix(recorded, "-- end --\n"))}, exitError, "next: export it again"},
	} {
		root := newRootCommand(environment{getenv: func(string) string { return "" }, now: time.Now})
		var out bytes.Buffer
		root.SetIn(strings.NewReader(recorded))
		root.SetOut(&out)
		root.SetArgs(append([]string{"replay"}, c.args...))
		if code := conclude(root.ExecuteContext(t.Context()), &out); code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("%v: exit %d, want %d: %s", c.args, code, c.code, out.String())
		}
	}
}
