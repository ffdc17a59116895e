package forgery

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/console"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/internal/ledger/memory"
	"github.com/salvor-io/salvor/internal/oidc"
	"github.com/salvor-io/salvor/internal/oidc/oidctest"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/internal/recovery"
	"github.com/salvor-io/salvor/internal/session"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// house is a desk at which two people on call are asked about a plan, and all that people reach it by. Time stands still in it.
type house struct {
	t        *testing.T
	store    *memory.Store
	id       incident.ID
	now      time.Time
	deny     string // why policy lets nobody
	declared string // who declared the fault
	subject  string // and who that is to the identity provider
	signer   string // of policy
	issuer   *oidctest.Issuer
	sessions *session.Sessions
	people   *people.Directory
	desk     *approval.Desk
	mux      *http.ServeMux
	rightly  int // votes that count, which a case has cast
	site     *httptest.Server

	mu    sync.Mutex
	log   bytes.Buffer
	ended map[string]bool
	down  error // why what has ended cannot be read
}

// answer is what somebody is told.
type answer struct {
	status int
	text   string
}

func newHouse(t *testing.T, issuer *oidctest.Issuer) *house {
	t.Helper()
	h := &house{t: t, issuer: issuer, now: time.Now().UTC().Truncate(time.Second), ended: map[string]bool{}}
	h.store = memory.New(memory.Options{Now: h.clock})
	h.people = h.directory()
	logger := slog.New(slog.NewTextHandler(h, nil))
	provider := oidc.NewProvider(oidc.Options{ClientID: oidctest.ClientID, Clock: h.clock, Log: logger, Mapping: oidc.Mapping{Issuer: issuer.URL, Directory: h.people,
		GroupsClaim: "groups", Roles: map[people.Role][]string{people.Operator: {"oncall"}, people.Viewer: {"everybody"}}}})
	h.desk = &approval.Desk{Ledger: h.store.Writer("desk"), Authorizer: h, Policy: h, Lost: ledger.ErrLost, Log: logger}
	h.mux = http.NewServeMux()
	h.site = httptest.NewServer(h.mux)
	t.Cleanup(h.site.Close)
	key := bytes.Repeat([]byte("k"), 32)
	var err error
	h.sessions, err = session.New(session.Options{Key: key, People: h.people, Ended: h, Role: provider.Role, Clock: h.clock, Log: logger})
	h.must(err)
	calls := api.New(api.Options{Index: h, Ledger: h, Approvals: h.desk, Missing: ledger.ErrNotFound, People: people.Chain{h.people, provider}, Clock: h.clock, Log: logger})
	pages, err := console.New(console.Options{Index: h, Finder: calls, Desk: h.desk, Sessions: h.sessions, Passwords: h, SignOn: oidc.LoginPath, Address: h.site.URL, Clock: h.clock, Log: logger,
		Card: func(inc *incident.Incident) card.Card { return card.Of(inc, card.Words{}) }})
	h.must(err)
	h.mux.Handle("/v1/", calls.Handler())
	h.mux.Handle("/", pages.Handler())
	oidc.NewLogin(oidc.LoginOptions{Provider: provider, Sessions: h.sessions, ExternalURL: h.site.URL, Key: key, Say: pages.Say}).Register(h.mux)
	h.open()
	return h
}

func (h *house) directory() *people.Directory {
	d, err := people.NewDirectory([]people.Entry{
		{Name: "ada", Role: people.Operator, Groups: []string{"oncall"}, TokenSHA256: people.HashToken("ada"), Accounts: []people.Account{{Via: people.ViaOIDC, Place: h.issuer.URL, ID: "sub-ada"}, inSlack("U1")}},
		{Name: "bob", Role: people.Operator, Groups: []string{"oncall"}, TokenSHA256: people.HashToken("bob"), Accounts: []people.Account{inSlack("U2")}},
		{Name: "eve", Role: people.Operator, Groups: []string{"dev"}, TokenSHA256: people.HashToken("eve"), Accounts: []people.Account{inSlack("U3")}},
		{Name: "vera", Role: people.Viewer, Groups: []string{"oncall"}, TokenSHA256: people.HashToken("vera"), Accounts: []people.Account{inSlack("U4")}},
	}, os.Getuid())
	h.must(err)
	return d
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) clock() time.Time { return h.now }

// Write takes the log.
func (h *house) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.Write(p)
}

// logged is what was logged as worth a look.
func (h *house) logged() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []string
	for _, line := range strings.Split(h.log.String(), "\n") {
		if strings.Contains(line, "level=WARN") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// End implements session.Ended.
func (h *house) End(_ context.Context, id string, _ time.Time) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := !h.ended[id]
	h.ended[id] = true
	return first, h.down
}

// HasEnded implements session.Ended.
func (h *house) HasEnded(_ context.Context, id string) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ended[id], h.down
}

// Check implements console.Passwords: nobody has one.
func (h *house) Check(context.Context, string, string, string) (people.Person, bool) {
	return people.Person{}, false
}

// Empty implements console.Passwords.
func (h *house) Empty() bool { return false }

// Has implements console.Passwords.
func (h *house) Has(string) bool { return false }

// Signer implements approval.Policy.
func (h *house) Signer() string { return h.signer }

// Authorize implements approval.Authorizer, with a policy of one sentence.
func (h *house) Authorize(_ context.Context, inc *incident.Incident, p policies.Person) (recovery.Stored, uint64, error) {
	q := policies.Question{About: policies.AboutAuthorize, Now: h.now, Person: p, Incident: policies.IncidentFacts{ID: string(inc.ID), Declared: h.declared}}
	said := policies.Said{}
	if h.deny != "" {
		said.Deny = []policies.Reason{{Text: h.deny, Rule: "own.rego:3"}}
	}
	return recovery.Stored{Question: q, Decision: policies.Settle(said, q), Declarer: h.subject}, inc.ViewSeq, nil
}

// Incidents implements api.Index and console.Index.
func (h *house) Incidents() []incident.Incident { return []incident.Incident{*h.inc()} }

// Load implements api.Ledger.
func (h *house) Load(ctx context.Context, id incident.ID) (*incident.Incident, error) {
	return h.store.Writer("api").Load(ctx, id)
}

// Named implements api.Ledger.
func (h *house) Named(context.Context, string) ([]incident.ID, error) {
	return []incident.ID{h.id}, nil
}

// ReadDecision implements api.Ledger.
func (h *house) ReadDecision(context.Context, string) (json.RawMessage, error) {
	return nil, ledger.ErrNotFound
}

func (h *house) inc() *incident.Incident {
	h.t.Helper()
	inc, err := h.Load(context.Background(), h.id)
	h.must(err)
	return inc
}

// open asks two people on call about a plan.
func (h *house) open() {
	f := classifiers.Fault{Kind: classifiers.KindNode, Cluster: "prod", Anchor: classifiers.Anchor{Kind: "node", Name: "w1", UID: "uid-1"}, Sentence: "<!channel> <script>alert(1)</script> *w1*"}
	key := incident.KeyOf(f)
	inc, err := h.store.Writer("engine").OpenIncident(h.t.Context(), incident.Record{Kind: incident.Opened, At: h.now, Key: &key, Fault: &f}, 0)
	h.must(err)
	h.id = inc.ID
	h.ask("first")
}

func planOf(name string) *responders.Plan {
	p, err := responders.Plan{Runbook: name, Cluster: "prod", Steps: []responders.Step{{Name: "cordon", Change: responders.Change{Class: policies.Reversible, Will: []string{"cordon w1"}}}}}.Seal()
	if err != nil {
		panic(err)
	}
	return &p
}

func (h *house) ask(name string) {
	var worse []string
	if name != "first" {
		worse = []string{"another runbook"}
	}
	h.add(incident.Record{Kind: incident.Decided, Decided: &incident.Decision{Phase: incident.PhaseRecover, Plan: planOf(name), Worse: worse, Answer: policies.Decision{Verdict: policies.Ask, Would: policies.Ask,
		Asks: &policies.Asks{Needs: []policies.Need{{Groups: []string{"oncall"}, Votes: 2}}, Votes: 2, WithinS: 600, OnTimeout: "expire"}}}})
}

func (h *house) add(rec incident.Record) {
	h.t.Helper()
	rec.At = h.now
	_, err := h.store.Writer("engine").Append(h.t.Context(), h.inc(), rec)
	h.must(err)
}

// count is how many records of a kind there are.
func (h *house) count(kind incident.RecordKind) (n int) {
	for _, rec := range h.inc().History {
		if rec.Kind == kind {
			n++
		}
	}
	return n
}

// posts says something over the API, with the header Authorization as it is given.
func (h *house) posts(body string, authorization ...string) answer {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.site.URL+"/v1/incidents/"+string(h.id)+"/votes", strings.NewReader(body))
	h.must(err)
	req.Header["Authorization"] = authorization
	resp, err := http.DefaultClient.Do(req)
	h.must(err)
	defer resp.Body.Close()
	var said struct {
		Why string `json:"why"`
	}
	h.must(json.NewDecoder(resp.Body).Decode(&said))
	return answer{resp.StatusCode, said.Why}
}

// says says something of a plan over the API, with a token.
func (h *house) says(token string, voice incident.Voice, plan string) answer {
	h.t.Helper()
	body, err := json.Marshal(map[string]string{"says": string(voice), "plan": plan, "reason": "because"})
	h.must(err)
	return h.posts(string(body), "Bearer "+token)
}

func (h *house) plan() string { return planOf("first").Digest }

// browser is one of somebody who is logged in, or of nobody.
func (h *house) browser(who ...people.Person) *http.Client {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	h.must(err)
	site, err := url.Parse(h.site.URL)
	h.must(err)
	for _, p := range who {
		w := httptest.NewRecorder()
		h.must(h.sessions.Open(w, httptest.NewRequest(http.MethodGet, h.site.URL, nil), p))
		jar.SetCookies(site, w.Result().Cookies())
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

var (
	formToken = regexp.MustCompile(`name="token" value="([^"]*)"`)
	refusal   = regexp.MustCompile(`(?s)<h1[^>]*>(.*?)</h1>`)
	refused   = regexp.MustCompile(`(?s)role="alert"[^>]*>(.*?)</(?:div|p|section)>`)
	tags      = regexp.MustCompile(`<[^>]*>`)
)

// token is that of the forms on somebody's page.
func (h *house) token(by *http.Client) string {
	h.t.Helper()
	page := h.page(by.Get(h.site.URL + "/incidents/" + url.PathEscape(string(h.id))))
	found := formToken.FindStringSubmatch(page.text)
	if found == nil {
		h.t.Fatalf("there is no form on the page: %s", page.text)
	}
	return html.UnescapeString(found[1])
}

func (h *house) page(resp *http.Response, err error) answer {
	h.t.Helper()
	h.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	h.must(err)
	return answer{resp.StatusCode, string(text)}
}

// sends sends the form of the console, and says what the page tells.
func (h *house) sends(by *http.Client, form url.Values, headers ...string) answer {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.site.URL+"/incidents/"+url.PathEscape(string(h.id))+"/say", strings.NewReader(form.Encode()))
	h.must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for n := 0; n+1 < len(headers); n += 2 {
		req.Header.Set(headers[n], headers[n+1])
	}
	return told(h.page(by.Do(req)))
}

// told leaves of a page the sentence that it tells.
func told(page answer) answer {
	found := refused.FindStringSubmatch(page.text)
	if found == nil {
		found = refusal.FindStringSubmatch(page.text)
	}
	if found != nil {
		page.text = strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(found[1], " "))), " ")
	}
	return page
}
