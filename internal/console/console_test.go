package console_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/link"
	"github.com/salvor-io/salvor/internal/people"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/test/house"
)

// keys knows one password.
type keys struct{}

func (keys) Empty() bool { return false }

func (keys) Has(name string) bool { return name == "ada" }

func (keys) Check(_ context.Context, name, _, password string) (people.Person, bool) {
	return people.Person{Name: "ada", Role: people.Operator, Groups: []string{"sre-oncall"}}, name == "ada" && password == "correct horse"
}

// links are those that lead to the pages.
var links = link.Signer{Base: "https://salvor.example.org", Secret: []byte("0123456789abcdef")}

// visit is a house that is served.
type visit struct {
	*house.House
	t      *testing.T
	server *httptest.Server
	now    time.Time
}

func newVisit(t *testing.T) *visit {
	t.Helper()
	v := &visit{t: t, now: time.Date(2026, 11, 27, 3, 11, 4, 0, time.UTC)}
	v.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { v.Handler().ServeHTTP(w, r) }))
	var err error
	if v.House, err = house.New(house.Options{Address: "http://" + v.server.Listener.Addr().String() + "/", Clock: func() time.Time { return v.now }, Passwords: keys{}, SignOn: "/login/oidc", Links: links}); err != nil {
		t.Fatal(err)
	}
	v.server.Start()
	t.Cleanup(func() { v.EndStreams(); v.server.Close() })
	return v
}

// asking is an incident of which a zone's evacuation is asked about.
func (v *visit) asking(plan *responders.Plan, votes int) incident.ID {
	v.t.Helper()
	id, err := v.Open(house.Zone())
	if err == nil {
		err = v.Ask(id, plan, votes, 600)
	}
	if err != nil {
		v.t.Fatal(err)
	}
	return id
}

// guest is a browser of somebody, without scripts.
type guest struct {
	v      *visit
	cookie []*http.Cookie
}

func (v *visit) as(name string) *guest {
	v.t.Helper()
	if name == "" {
		return &guest{v: v}
	}
	c, err := v.Cookie(name)
	if err != nil {
		v.t.Fatal(err)
	}
	return &guest{v, []*http.Cookie{c}}
}

// send sends a request and follows nothing.
func (g *guest) send(method, path string, form url.Values, headers ...string) (*http.Response, string) {
	g.v.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(g.v.t.Context(), method, g.v.server.URL+path, body)
	if err != nil {
		g.v.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for _, c := range g.cookie {
		r.AddCookie(c)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		g.v.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		g.v.t.Fatal(err)
	}
	for _, c := range resp.Cookies() {
		if c.MaxAge > 0 {
			g.cookie = append(g.cookie, c)
		}
	}
	return resp, string(text)
}

var hidden = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)">`)

// form is what the page's form for a verb would send: its hidden fields.
func formOf(page, verb string) url.Values {
	out := url.Values{}
	for _, form := range strings.Split(page, "<form ")[1:] {
		form, _, _ = strings.Cut(form, "</form>")
		if !strings.Contains(form, verb) {
			continue
		}
		for _, field := range hidden.FindAllStringSubmatch(form, -1) {
			out.Set(field[1], field[2])
		}
		return out
	}
	return nil
}

func (g *guest) page(id incident.ID) string {
	g.v.t.Helper()
	resp, text := g.send(http.MethodGet, "/incidents/"+string(id), nil)
	if resp.StatusCode != http.StatusOK {
		g.v.t.Fatalf("%s: %s", resp.Status, text)
	}
	return text
}

// says fills in the form of a verb of a page and sends it.
func (g *guest) says(id incident.ID, page, verb string, with ...string) (*http.Response, string) {
	g.v.t.Helper()
	form := formOf(page, `value="`+verb+`"`)
	if form == nil {
		g.v.t.Fatalf("the page has no form to %s", verb)
	}
	form.Set("says", verb)
	for i := 0; i+1 < len(with); i += 2 {
		form.Set(with[i], with[i+1])
	}
	return g.send(http.MethodPost, "/incidents/"+string(id)+"/say", form, "Sec-Fetch-Site", "same-origin")
}

func (v *visit) inc(id incident.ID) *incident.Incident {
	v.t.Helper()
	inc, err := v.Find(v.t.Context(), string(id))
	if err != nil {
		v.t.Fatal(err)
	}
	return inc
}

func (v *visit) votes(id incident.ID) (n int) {
	for _, rec := range v.inc(id).History {
		if rec.Kind == incident.Voted {
			n++
		}
	}
	return n
}

func want(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s lacks %q", what, part)
		}
	}
}

func TestTwoPeopleApproveWithoutScripts(t *testing.T) {
	v := newVisit(t)
	id := v.asking(house.Evacuation(policies.Disruptive), 2)
	ada, olga := v.as("ada"), v.as("olga")
	page := ada.page(id)
	want(t, "the page", page, "<h1>Evacuate zone eu-west-1b</h1>", "prod-eu", "SEV1", "7 of 7 nodes", "replace 212 pods", "by 03:21 UTC", "10 min left", "1 of sre-oncall", "1 of payments-owners", "salvor approve")
	resp, _ := ada.says(id, page, "approve")
	if resp.StatusCode != http.StatusSeeOther || v.votes(id) != 1 {
		t.Fatalf("%s, %d votes", resp.Status, v.votes(id))
	}
	page = ada.page(id)
	want(t, "what ada is told", page, "Ada approved plan", "1 more to approve", "ada has approved already")
	if formOf(page, `value="approve"`) != nil {
		t.Error("who has approved is asked again")
	}
	if strings.Contains(ada.page(id), `class="told"`) {
		// the cookie of the test is not taken away, as a browser would: what matters is that the server asks for that
		resp, _ := ada.send(http.MethodGet, "/incidents/"+string(id), nil)
		if c := resp.Cookies(); len(c) != 1 || c[0].MaxAge >= 0 {
			t.Error("what became of it is told again and again")
		}
	}
	if resp, _ := olga.says(id, olga.page(id), "approve"); resp.StatusCode != http.StatusSeeOther || v.inc(id).Consent == nil {
		t.Errorf("%s, %s", resp.Status, v.inc(id).State)
	}
}

func TestWhoMayWhat(t *testing.T) {
	v := newVisit(t)
	id := v.asking(house.Evacuation(policies.Disruptive), 1)
	for name, says := range map[string]string{"vera": "Vera is viewer, to vote takes operator", "otto": "otto is not one of those who are asked"} {
		page := v.as(name).page(id)
		want(t, name+"'s page", strings.ToLower(page), strings.ToLower(says), "1 of sre-oncall")
		if formOf(page, `name="says"`) != nil {
			t.Errorf("%s is given a button", name)
		}
		// Nor does it count when the form of somebody else is sent.
		form := formOf(page, "/logout")
		form.Set("says", "approve")
		form.Set("plan", v.inc(id).Approval.Plan.Digest)
		resp, text := v.as(name).send(http.MethodPost, "/incidents/"+string(id)+"/say", form)
		if resp.StatusCode != http.StatusForbidden || v.votes(id) != 0 {
			t.Errorf("%s: %s, %d votes", name, resp.Status, v.votes(id))
		}
		want(t, "the answer", text, "earlier session")
	}
}

func TestRejectAndHold(t *testing.T) {
	v := newVisit(t)
	id := v.asking(house.Evacuation(policies.Disruptive), 1)
	ada := v.as("ada")
	page := ada.page(id)
	if resp, text := ada.says(id, page, "reject"); resp.StatusCode != http.StatusBadRequest || !strings.Contains(text, "A rejection needs a reason") {
		t.Errorf("without a reason: %s", resp.Status)
	}
	if resp, _ := ada.says(id, page, "hold"); resp.StatusCode != http.StatusSeeOther || v.inc(id).Approval.HeldBy != "ada" {
		t.Errorf("hold: %s", resp.Status)
	}
	page = ada.page(id)
	if formOf(page, `value="hold"`) != nil {
		t.Error("what can be said once is asked twice")
	}
	if resp, _ := ada.says(id, page, "reject", "reason", "the rack <b>moves</b>"); resp.StatusCode != http.StatusSeeOther || v.inc(id).State != incident.HandedOver {
		t.Errorf("reject: %s, %s", resp.Status, v.inc(id).State)
	}
	page = ada.page(id)
	want(t, "the page", page, "the rack &lt;b&gt;moves&lt;/b&gt;")
	if formOf(page, `name="says"`) != nil {
		t.Error("a button outlives its stage")
	}
}

// TestPlanChangedUnderTheReader: what they say of the plan that they were shown does not count for another, and the page that says so has
// nothing filled in and wants to be told that they looked.
func TestPlanChangedUnderTheReader(t *testing.T) {
	v := newVisit(t)
	id := v.asking(house.Evacuation(policies.Disruptive), 1)
	ada := v.as("ada")
	old := ada.page(id)
	if err := v.Ask(id, house.Evacuation(policies.Destructive), 1, 600, "step replace is destructive now, and was disruptive"); err != nil {
		t.Fatal(err)
	}
	resp, page := ada.says(id, old, "approve")
	if resp.StatusCode != http.StatusPreconditionFailed || v.votes(id) != 0 {
		t.Fatalf("%s, %d votes", resp.Status, v.votes(id))
	}
	want(t, "the page", page, "The plan has changed", "step replace is destructive now", "I have looked at plan", "Since you opened the page")
	if strings.Contains(page, "checked") {
		t.Error("something is confirmed already")
	}
	if resp, text := ada.says(id, page, "approve"); resp.StatusCode != http.StatusBadRequest || v.votes(id) != 0 || !strings.Contains(text, "I have looked at plan") {
		t.Errorf("without having looked: %s, %d votes", resp.Status, v.votes(id))
	}
	if resp, _ := ada.says(id, page, "approve", "looked", formOf(page, "approve").Get("plan")); resp.StatusCode != http.StatusSeeOther || v.votes(id) != 1 {
		t.Errorf("%s, %d votes", resp.Status, v.votes(id))
	}
}

func TestALinkToAnEarlierPlanSaysSo(t *testing.T) {
	v := newVisit(t)
	id := v.asking(house.Evacuation(policies.Disruptive), 1)
	digest := v.inc(id).Approval.Plan.Digest
	for plan, changed := range map[string]bool{digest: false, digest[:6]: false, "0123abcd": true, "<b>": false, "01": false, "": false} {
		_, page := v.as("ada").send(http.MethodGet, "/incidents/"+string(id)+"?plan="+url.QueryEscape(plan), nil)
		if got := strings.Contains(page, "The plan has changed"); got != changed || strings.Contains(page, "<b>0") {
			t.Errorf("%q: changed %v", plan, got)
		}
	}
}

// TestALinkThatProvesNothingSaysSo, as does one whose plan nobody is asked about; what is asked about is shown all the same.
func TestALinkThatProvesNothingSaysSo(t *testing.T) {
	v := newVisit(t)
	id := v.asking(house.Evacuation(policies.Disruptive), 1)
	plan := v.inc(id).Approval.Plan.Digest
	leads := func(plan string, lasts time.Duration) string {
		return strings.TrimPrefix(links.To(id, plan, v.now.Add(lasts)), links.Base)
	}
	for name, c := range map[string]struct{ to, notice string }{
		"made by Salvor":  {leads(plan, time.Hour), ""},
		"without a seal":  {"/incidents/" + string(id) + "?plan=" + plan, ""},
		"forged":          {leads(plan, time.Hour) + "0", "The link was not made by Salvor"},
		"over":            {leads(plan, -time.Second), "The time of the link is over"},
		"of another plan": {leads("0123abcd", time.Hour), "The plan has changed"},
	} {
		resp, page := v.as("ada").send(http.MethodGet, c.to, nil)
		if resp.StatusCode != http.StatusOK || !strings.Contains(page, "Approve plan "+plan[:6]) || strings.Contains(page, `class="notice"`) != (name == "forged" || name == "over") {
			t.Errorf("%s: %s", name, resp.Status)
		}
		want(t, name, page, c.notice)
	}
	ada := v.as("ada")
	if resp, _ := ada.says(id, ada.page(id), "reject", "reason", "not now"); resp.StatusCode != http.StatusSeeOther {
		t.Fatal(resp.Status)
	}
	_, page := ada.send(http.MethodGet, leads("0123abcd", time.Hour), nil)
	want(t, "after it was decided", page, "The link was about plan 0123ab, which nobody is asked about any more.")
}

func TestTheRiskiestIsTyped(t *testing.T) {
	v := newVisit(t)
	id := v.asking(house.Evacuation(policies.Irreversible), 1)
	ada := v.as("ada")
	page := ada.page(id)
	want(t, "the page", page, "type the name of the cluster", "prod-eu")
	for _, typed := range []string{"", "prod", "PROD-EU", "prod-us"} {
		if resp, text := ada.says(id, page, "approve", "typed", typed); resp.StatusCode != http.StatusBadRequest || v.votes(id) != 0 || !strings.Contains(text, "has to be typed: prod-eu") {
			t.Errorf("%q: %s", typed, resp.Status)
		}
	}
	if resp, _ := ada.says(id, page, "approve", "plan", formOf(page, "approve").Get("plan")[:6]); resp.StatusCode != http.StatusBadRequest || v.votes(id) != 0 {
		t.Errorf("with the plan's short name: %s, %d votes", resp.Status, v.votes(id))
	}
	if resp, _ := ada.says(id, page, "approve", "typed", " prod-eu "); resp.StatusCode != http.StatusSeeOther || v.votes(id) != 1 {
		t.Errorf("%s", resp.Status)
	}
}

func TestStop(t *testing.T) {
	v := newVisit(t)
	plan := house.Evacuation(policies.Disruptive)
	id, err := v.Open(house.Zone())
	for _, do := range []func() error{func() error { return v.Begin(id, plan) }, func() error { return v.Do(id, incident.Intent, plan, 0) }, func() error { return v.Do(id, incident.Done, plan, 0) }} {
		if err == nil {
			err = do()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	stop := func(name string) int {
		g := v.as(name)
		form := formOf(g.page(id), "/logout")
		form.Set("plan", plan.Digest)
		form.Set("reason", "wrong zone")
		resp, _ := g.send(http.MethodPost, "/incidents/"+string(id)+"/stop", form)
		return resp.StatusCode
	}
	if status := stop("vera"); status != http.StatusForbidden || !v.inc(id).Working() {
		t.Errorf("a viewer: %d, %s", status, v.inc(id).State)
	}
	if status := stop("ada"); status != http.StatusSeeOther || v.inc(id).Working() {
		t.Errorf("an operator: %d, %s", status, v.inc(id).State)
	}
	want(t, "the page", v.as("ada").page(id), "wrong zone")
	if status := stop("ada"); status != http.StatusGone {
		t.Errorf("once more: %d", status)
	}
}

// TestReadingChangesNothing: whatever is asked for by GET, nothing is recorded, and a one-time link is still good.
func TestReadingChangesNothing(t *testing.T) {
	v := newVisit(t)
	id := v.asking(house.Evacuation(policies.Disruptive), 1)
	link, err := v.Sessions.Link(people.Person{Name: "ada", Role: people.Operator, Groups: []string{"sre-oncall"}})
	if err != nil {
		t.Fatal(err)
	}
	before := v.inc(id).Seq
	for _, path := range []string{"/", "/incidents/" + string(id), "/incidents/" + string(id) + "/say?says=approve", "/incidents/" + string(id) + "/stop", "/logout", "/login?key=" + link, "/assets/x", "/nowhere"} {
		v.as("ada").send(http.MethodGet, path, nil)
	}
	if v.inc(id).Seq != before {
		t.Error("a GET was recorded")
	}
	if resp, _ := v.as("ada").send(http.MethodGet, "/incidents/"+string(id)+"/say", nil); resp.Header.Get("Location") != "/incidents/"+string(id) {
		t.Errorf("the address of a form leads to %s", resp.Header.Get("Location"))
	}
	g := v.as("")
	if resp, _ := g.send(http.MethodPost, "/login", url.Values{"key": {link}, "next": {"/incidents/x"}}); resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/incidents/x" {
		t.Errorf("the link was used up: %s", resp.Status)
	}
	if resp, _ := g.send(http.MethodGet, "/", nil); resp.StatusCode != http.StatusOK {
		t.Errorf("the link led nowhere: %s", resp.Status)
	}
	if resp, text := v.as("").send(http.MethodPost, "/login", url.Values{"key": {link}}); resp.StatusCode != http.StatusForbidden || !strings.Contains(text, "used already") {
		t.Errorf("the link is good twice: %s", resp.Status)
	}
}

// TestForgeries: none of it counts.
func TestForgeries(t *testing.T) {
	v := newVisit(t)
	id := v.asking(house.Evacuation(policies.Disruptive), 1)
	path := "/incidents/" + string(id) + "/say"
	page := v.as("ada").page(id)
	form := func(change ...string) url.Values {
		f := formOf(page, `value="approve"`)
		f.Set("says", "approve")
		for i := 0; i+1 < len(change); i += 2 {
			f.Set(change[i], change[i+1])
		}
		return f
	}
	same := v.as("ada")
	page = same.page(id)
	for name, try := range map[string]struct {
		by      *guest
		form    url.Values
		headers []string
		status  int
	}{
		"not logged in":         {v.as(""), form(), nil, 403},
		"from another site":     {same, form(), []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"from a sibling":        {same, form(), []string{"Sec-Fetch-Site", "same-site"}, 403},
		"of another origin":     {same, form(), []string{"Origin", "https://evil.example"}, 403},
		"without a token":       {same, form("token", ""), nil, 403},
		"with another token":    {same, form("token", strings.Repeat("A", 43)), nil, 403},
		"a token of olga's":     {same, form("token", formOf(v.as("olga").page(id), "/logout").Get("token")), nil, 403},
		"no voice":              {same, form("says", "maybe"), nil, 400},
		"no plan":               {same, form("plan", ""), nil, 400},
		"too long":              {same, form("reason", strings.Repeat("x", 20<<10)), nil, 400},
		"a reason without end":  {same, form("reason", strings.Repeat("x", 501)), nil, 400},
		"another plan":          {same, form("plan", "0123456789"), nil, 412},
		"of a forged session":   {&guest{v, []*http.Cookie{{Name: "salvor", Value: "e30.AAAA"}}}, form(), nil, 403},
		"of no incident at all": {same, form(), []string{"X-Path", "/incidents/inc-none/say"}, 404},
	} {
		to := path
		if len(try.headers) == 2 && try.headers[0] == "X-Path" {
			to = try.headers[1]
		}
		resp, _ := try.by.send(http.MethodPost, to, try.form, try.headers...)
		if resp.StatusCode != try.status || v.votes(id) != 0 {
			t.Errorf("%s: %s, %d votes", name, resp.Status, v.votes(id))
		}
	}
	if resp, _ := same.send(http.MethodPost, path, form(), "Origin", v.server.URL); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("the honest one is refused: %s", resp.Status)
	}
}

func TestLateVote(t *testing.T) {
	v := newVisit(t)
	id := v.asking(house.Evacuation(policies.Disruptive), 1)
	ada := v.as("ada")
	page := ada.page(id)
	v.now = v.now.Add(11 * time.Minute)
	if resp, text := ada.says(id, page, "approve"); resp.StatusCode != http.StatusGone || v.votes(id) != 0 || !strings.Contains(text, "The time to answer was over at") {
		t.Errorf("%s, %d votes", resp.Status, v.votes(id))
	}
}

func TestHeaders(t *testing.T) {
	v := newVisit(t)
	id := v.asking(house.Evacuation(policies.Disruptive), 1)
	for _, path := range []string{"/", "/incidents/" + string(id), "/login", "/nowhere"} {
		resp, page := v.as("ada").send(http.MethodGet, path, nil)
		for name, part := range map[string]string{"Content-Security-Policy": "default-src 'none'", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
			if !strings.Contains(resp.Header.Get(name), part) {
				t.Errorf("%s: %s is %q", path, name, resp.Header.Get(name))
			}
		}
		if inline := regexp.MustCompile(`(?i)<script>|<style|\sstyle=|\son\w+=|https?://`).FindString(page); inline != "" {
			t.Errorf("%s has %q, which the policy does not let run", path, inline)
		}
		for _, asset := range regexp.MustCompile(`/assets/[\w.]+`).FindAllString(page, -1) {
			if resp, _ := v.as("").send(http.MethodGet, asset, nil); resp.StatusCode != http.StatusOK || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
				t.Errorf("%s: %s", asset, resp.Status)
			}
		}
	}
}

func TestLogin(t *testing.T) {
	v := newVisit(t)
	resp, _ := v.as("").send(http.MethodGet, "/incidents/inc-1?plan=4f2a91", nil)
	if at := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || at != "/login?next=%2Fincidents%2Finc-1%3Fplan%3D4f2a91" {
		t.Errorf("%s to %s", resp.Status, at)
	}
	_, page := v.as("").send(http.MethodGet, "/login?next=%2Fincidents%2Finc-1", nil)
	want(t, "the page", page, `name="password"`, `value="/incidents/inc-1"`, "/login/oidc?next=%2fincidents%2finc-1", "salvor console")
	for next, to := range map[string]string{"/incidents/inc-1?plan=4f": "/incidents/inc-1?plan=4f", "https://evil.example/incidents/": "/", "//evil.example/incidents/x": "/", `/\evil.example`: "/", "/login": "/", "javascript:alert(1)": "/", "": "/"} {
		g := v.as("")
		resp, _ := g.send(http.MethodPost, "/login", url.Values{"name": {"ada"}, "password": {"correct horse"}, "next": {next}})
		if at := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || at != to {
			t.Errorf("%q: %s to %s", next, resp.Status, at)
		}
		if resp, _ := g.send(http.MethodGet, "/", nil); resp.StatusCode != http.StatusOK {
			t.Errorf("not logged in: %s", resp.Status)
		}
	}
	for _, name := range []string{"ada", "nobody"} {
		resp, page := v.as("").send(http.MethodPost, "/login", url.Values{"name": {name}, "password": {"wrong"}})
		want(t, "the refusal", page, "The name or the password is wrong")
		if resp.StatusCode != http.StatusForbidden || len(resp.Cookies()) > 0 {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
	ada := v.as("ada")
	_, page = ada.send(http.MethodGet, "/", nil)
	if resp, _ := ada.send(http.MethodPost, "/logout", formOf(page, "Log out")); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("log out: %s", resp.Status)
	}
	if resp, _ := ada.send(http.MethodGet, "/", nil); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("who logged out is let in: %s", resp.Status)
	}
}

// TestLogOfLogins: the log has the names of people, not what else was typed for one, and no more lines than strangers are worth.
func TestLogOfLogins(t *testing.T) {
	v := newVisit(t)
	var log bytes.Buffer
	v.Log = slog.New(slog.NewTextHandler(&log, nil))
	for _, name := range []string{"ada", "correct horse"} {
		if resp, _ := v.as("").send(http.MethodPost, "/login", url.Values{"name": {name}, "password": {"wrong"}}); resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
	if text := log.String(); !strings.Contains(text, "name=ada") || strings.Contains(text, "horse") {
		t.Errorf("the log says %s", text)
	}
	for range 100 {
		v.as("").send(http.MethodPost, "/login", url.Values{"name": {"ada"}})
		v.as("").send(http.MethodPost, "/incidents/x/say", url.Values{})
	}
	if n := strings.Count(log.String(), "\n"); n > 30 {
		t.Errorf("the log has %d lines", n)
	}
}

func TestListIsByUrgency(t *testing.T) {
	v := newVisit(t)
	for i, within := range []float64{1200, 300, 600} {
		node := fmt.Sprintf("worker-%d", i)
		id, err := v.Open(house.Node(node))
		if err == nil {
			err = v.Ask(id, house.Recovery(node), 1, within)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := v.Open(house.Node("watched")); err != nil {
		t.Fatal(err)
	}
	_, page := v.as("ada").send(http.MethodGet, "/", nil)
	want(t, "the list", page, "3 incidents ask for a decision", "you may decide")
	last := -1
	for _, name := range []string{"worker-1", "worker-2", "worker-0", "watched"} {
		at := strings.Index(page, "<strong>"+map[bool]string{true: "Broken: node ", false: "Recover node "}[name == "watched"]+name)
		if at <= last {
			t.Errorf("%s is not where it belongs", name)
		}
		last = at
	}
}

func TestPages(t *testing.T) {
	v := newVisit(t)
	for i := range 120 {
		if _, err := v.Open(house.Node(fmt.Sprintf("w%03d", i))); err != nil {
			t.Fatal(err)
		}
	}
	for path, rows := range map[string]int{"/": 50, "/?page=2": 50, "/?page=3": 20, "/?page=99": 20, "/?page=-1": 50, "/?page=x": 50} {
		if _, page := v.as("ada").send(http.MethodGet, path, nil); strings.Count(page, "<li ") != rows {
			t.Errorf("%s has %d rows", path, strings.Count(page, "<li "))
		}
	}
}

// TestHostileNames: nothing that a label says becomes part of the page.
func TestHostileNames(t *testing.T) {
	v := newVisit(t)
	f := house.Node("<script>alert(1)</script>\"'><img src=x onerror=alert(2)>")
	f.Sentence = "</p><script>alert(3)</script>" + strings.Repeat("x", 5000)
	id, err := v.Open(f)
	if err == nil {
		err = v.Ask(id, house.Recovery("<i>x</i>"), 1, 600, "<b>worse</b>")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/incidents/" + string(id)} {
		_, page := v.as("ada").send(http.MethodGet, path, nil)
		for _, raw := range []string{"<script>alert", "<img", "<i>x", "<b>worse"} {
			if strings.Contains(page, raw) {
				t.Errorf("%s has %s", path, raw)
			}
		}
	}
}

func TestNewsOfOneIncident(t *testing.T) {
	v := newVisit(t)
	id, other := v.asking(house.Evacuation(policies.Disruptive), 1), incident.ID("")
	other, err := v.Open(house.Node("worker-1"))
	if err != nil {
		t.Fatal(err)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, v.server.URL+"/incidents/"+string(id)+"/events", nil)
	r.AddCookie(v.as("ada").cookie[0])
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		for lines.Scan() {
			if name, found := strings.CutPrefix(lines.Text(), "event: "); found {
				lines.Scan()
				return name + " " + strings.TrimPrefix(lines.Text(), "data: ")
			}
		}
		return "end"
	}
	if got, want := next(), fmt.Sprintf("current %d", v.inc(id).Seq); got != want {
		t.Errorf("at first %q, want %q", got, want)
	}
	for _, of := range []incident.ID{other, id} {
		if err := v.Add(of, incident.Record{Kind: incident.Noted, Text: "something"}); err != nil {
			t.Fatal(err)
		}
	}
	if got := next(); got != "moved data:" && got != "moved " {
		t.Errorf("then %q", got)
	}
	v.EndStreams()
	if got := next(); got != "end" {
		t.Errorf("it goes on with %q", got)
	}
	if resp, _ := v.as("ada").send(http.MethodGet, "/events", nil); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("after the end: %s", resp.Status)
	}
}
