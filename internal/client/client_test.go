package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

// seen is what a server was sent.
type seen struct{ Method, URI, Auth, Body string }

// answering serves one answer and notes what it was asked.
func answering(t *testing.T, status int, body string) (*Client, *seen) {
	t.Helper()
	var got seen
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := make([]byte, 4096)
		n, _ := r.Body.Read(text)
		got = seen{r.Method, r.RequestURI, r.Header.Get("Authorization"), string(text[:n])}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(srv.Close)
	c, err := New(Options{Server: srv.URL + "/", Token: "s3cret"})
	if err != nil {
		t.Fatal(err)
	}
	return c, &got
}

func TestCalls(t *testing.T) {
	ctx := t.Context()
	for _, c := range []struct {
		name, answer string
		do           func(*Client) (any, error)
		want         any
		sent         seen
	}{
		{"incidents", `[{"name":"inc-x"}]`, func(c *Client) (any, error) { return c.Incidents(ctx, Filter{}) }, []api.Summary{{Name: "inc-x"}},
			seen{"GET", "/v1/incidents", "", ""}},
		{"filter", `[]`, func(c *Client) (any, error) {
			return c.Incidents(ctx, Filter{Cluster: "a b", State: "held", All: true})
		}, []api.Summary{},
			seen{"GET", "/v1/incidents?all=true&cluster=a+b&state=held", "", ""}},
		{"incident", `{"name":"inc-x"}`, func(c *Client) (any, error) { return c.Incident(ctx, "a/b c") }, api.Incident{Summary: api.Summary{Name: "inc-x"}},
			seen{"GET", "/v1/incidents/a%2Fb%20c", "", ""}},
		{"plan", `{"name":"inc-x"}`, func(c *Client) (any, error) { return c.Plan(ctx, "x") }, api.Plan{Name: "inc-x"}, seen{"GET", "/v1/incidents/x/plan", "", ""}},
		{"pauses", `[{"owner":"me"}]`, func(c *Client) (any, error) { return c.Pauses(ctx) }, []policies.Pause{{Owner: "me"}}, seen{"GET", "/v1/pauses", "", ""}},
		{"pause", `{"owner":"me"}`, func(c *Client) (any, error) { return c.Pause(ctx, api.PauseRequest{For: "1h", Reason: "x"}) }, policies.Pause{Owner: "me"},
			seen{"POST", "/v1/pauses", "", `{"for":"1h","reason":"x"}`}},
		{"resume", ``, func(c *Client) (any, error) {
			return nil, c.Resume(ctx, policies.Pause{Target: "node/x", Kind: "node"})
		}, nil,
			seen{"DELETE", "/v1/pauses?kind=node&target=node%2Fx", "", ""}},
		{"declare", `{"id":"e1","by":"me"}`, func(c *Client) (any, error) {
			return c.Declare(ctx, api.DeclareRequest{Cluster: "a", Kind: "zone", Name: "b", For: "4h", Reason: "x"})
		}, api.Declaration{ID: "e1", Declared: events.Declared{By: "me"}}, seen{"POST", "/v1/declarations", "", `{"cluster":"a","kind":"zone","name":"b","for":"4h","reason":"x"}`}},
		{"take back", ``, func(c *Client) (any, error) { return nil, c.TakeBack(ctx, "a", "config", "Deployment/shop/web") }, nil,
			seen{"DELETE", "/v1/declarations?cluster=a&kind=config&name=Deployment%2Fshop%2Fweb", "", ""}},
		{"take back a region", ``, func(c *Client) (any, error) { return nil, c.TakeBack(ctx, "a", "region", "") }, nil,
			seen{"DELETE", "/v1/declarations?cluster=a&kind=region", "", ""}},
		{"version", `{"version":"v1"}`, func(c *Client) (any, error) { return c.Version(ctx) }, api.Version{Version: "v1"}, seen{"GET", "/v1/version", "", ""}},
		{"me", `{"name":"alice","role":"viewer"}`, func(c *Client) (any, error) { return c.Me(ctx) }, api.Me{Name: "alice", Role: 1}, seen{"GET", "/v1/me", "", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, got := answering(t, http.StatusOK, c.answer)
			answer, err := c.do(client)
			if err != nil {
				t.Fatal(err)
			}
			c.sent.Auth = "Bearer s3cret"
			if diff := cmp.Diff(c.want, answer) + cmp.Diff(c.sent, *got); diff != "" {
				t.Errorf("answer or request differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   api.Refusal
	}{
		{"of salvor", 404, `{"error":"find it","why":"it is not there","do":"look"}`, api.Refusal{Status: 404, What: "find it", Why: "it is not there", Do: "look"}},
		{"of another", 502, `<html>`, api.Refusal{Status: 502, What: "call salvor", Why: "the answer is 502 Bad Gateway, and not one of salvor", Do: "see whether the address is that of salvor"}},
		{"a redirect", 302, ``, api.Refusal{Status: 302, What: "call salvor", Why: "the answer is 302 Found, and not one of salvor", Do: "see whether the address is that of salvor"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, _ := answering(t, c.status, c.body)
			_, err := client.Me(t.Context())
			var got *api.Refusal
			if !errors.As(err, &got) || *got != c.want {
				t.Errorf("error is %v, want %+v", err, c.want)
			}
		})
	}
	client, _ := answering(t, 200, `<html>`)
	if _, err := client.Me(t.Context()); err == nil {
		t.Error("an answer that is no JSON is taken")
	}
}

// TestTokenStaysHome holds that a redirect does not carry the token to another server.
func TestTokenStaysHome(t *testing.T) {
	asked := false
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer thief.Close()
	srv := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusFound))
	defer srv.Close()
	c, err := New(Options{Server: srv.URL, Token: "s3cret"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Me(t.Context()); err == nil || asked {
		t.Errorf("followed: %v, %v", asked, err)
	}
}

func TestUnreachable(t *testing.T) {
	c, err := New(Options{Socket: filepath.Join(t.TempDir(), "none")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Me(t.Context()); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "none") {
		t.Errorf("error is %v", err)
	}
	if err := c.Watch(t.Context(), nil, nil); !errors.Is(err, ErrUnreachable) {
		t.Errorf("watch: %v", err)
	}
	for _, bad := range []string{"salvor:9095", "ftp://x", "http://"} {
		if _, err := New(Options{Server: bad}); err == nil {
			t.Errorf("%q is taken for an address", bad)
		}
	}
}

func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Errorf("a token is sent though none was given")
		}
		_, _ = w.Write([]byte(`{"name":"root"}`))
	}))
	srv.Listener = l
	srv.Start()
	defer srv.Close()
	c, err := New(Options{Socket: path})
	if err != nil {
		t.Fatal(err)
	}
	if me, err := c.Me(t.Context()); err != nil || me.Name != "root" {
		t.Errorf("me is %+v, %v", me, err)
	}
}

// TestWatch breaks the connection at every awkward place: each record is seen once, in order.
func TestWatch(t *testing.T) {
	event := func(seq int) string {
		body, err := json.Marshal(api.Moved{Name: "inc-x", Record: api.Record{Seq: uint64(seq), Record: incident.Record{Kind: incident.Noted}}})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("id: %d\nevent: record\ndata: %s\n\n", seq, body)
	}
	turns := []struct{ after, text string }{
		{"", "id: 7\n\n"}, // cut off before the first record
		{"7", "id: 7\n\n: alive\n\n" + event(8) + "id: 9\n"},                // cut off within a record
		{"8", "id: 8\n\n" + event(9) + strings.TrimSuffix(event(10), "\n")}, // cut off at its last byte
		{"9", "id: 9\n\n" + event(10) + event(11)},
	}
	turn := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if turn == len(turns) {
			http.Error(w, "", http.StatusServiceUnavailable)
			return
		}
		if got := r.Header.Get("Last-Event-ID"); got != turns[turn].after {
			t.Errorf("turn %d goes on from %q, want %q", turn, got, turns[turn].after)
		}
		_, _ = w.Write([]byte(turns[turn].text))
		turn++
	}))
	defer srv.Close()
	c, err := New(Options{Server: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	var got []uint64
	lost := 0
	enough := errors.New("enough")
	err = c.watch(ctx, watch{client: c, again: time.Millisecond, each: func(m api.Moved) error {
		if got = append(got, m.Record.Seq); len(got) == 4 {
			return enough
		}
		return nil
	}, lost: func(error) { lost++ }})
	if diff := cmp.Diff([]uint64{8, 9, 10, 11}, got); diff != "" || !errors.Is(err, enough) || lost != 3 {
		t.Errorf("watched with %v, lost %d times:\n%s", err, lost, diff)
	}
}

func TestWatchRefused(t *testing.T) {
	c, _ := answering(t, http.StatusForbidden, `{"error":"a","why":"b","do":"c"}`)
	var refused *api.Refusal
	if err := c.Watch(t.Context(), nil, nil); !errors.As(err, &refused) || refused.Status != http.StatusForbidden {
		t.Errorf("watch: %v", err)
	}
}

func TestFold(t *testing.T) {
	if _, _, err := Fold(api.Incident{History: []api.Record{{Seq: 1, Record: incident.Record{Schema: 99}}}}); err == nil {
		t.Error("a history of another version is folded")
	}
	_, asked, err := Fold(api.Incident{Asked: map[string]json.RawMessage{"a": json.RawMessage(`{"question":{"mode":"act"}}`), "b": json.RawMessage(`[]`)}})
	if err != nil || len(asked) != 1 || asked["a"].Mode != policies.ModeAct {
		t.Errorf("asked %v, %v", asked, err)
	}
}
