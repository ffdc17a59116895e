package power

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func serve(t *testing.T, handler http.HandlerFunc) (*HTTP, *httptest.Server) {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	h, err := NewHTTP(HTTPOptions{URL: server.URL + "/machines/{node}/", Token: "s3cret\n", Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return h, server
}

func TestHTTPAsksAsPromised(t *testing.T) {
	var got []string
	h, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
		_, _ = io.WriteString(w, `{"power":"off","since":"ages"}`)
	})
	off, err := h.IsOff(t.Context(), "worker-1.east")
	if err != nil || !off {
		t.Errorf("IsOff: %t, %v", off, err)
	}
	if err := h.Off(t.Context(), "worker-1.east"); err != nil {
		t.Error(err)
	}
	want := "GET /machines/worker-1.east Bearer s3cret, POST /machines/worker-1.east/off Bearer s3cret"
	if strings.Join(got, ", ") != want {
		t.Errorf("asked %v, want %s", got, want)
	}
}

// Not to know is never off.
func TestHTTPAnswersThatAreNone(t *testing.T) {
	for name, c := range map[string]struct {
		code int
		body string
		says string
	}{
		"neither":      {200, `{"power":"maybe"}`, "neither on nor off"},
		"upper case":   {200, `{"power":"OFF"}`, "neither on nor off"},
		"empty object": {200, `{}`, "neither on nor off"},
		"empty":        {200, ``, "(nothing)"},
		"plain text":   {200, `off`, "read the answer"},
		"a list":       {200, `["off"]`, "read the answer"},
		"two answers":  {200, `{"power":"off"}{"power":"on"}`, "read the answer"},
		"endless":      {200, `{"power":"off","x":"` + strings.Repeat("x", maxAnswer) + `"}`, "longer than 65536 bytes"},
		"refusal":      {403, `{"power":"off"}`, "refused with 403"},
		"not found":    {404, "no such machine", `it said "no such machine"`},
		"broken":       {500, `{"power":"off"}`, "refused with 500"},
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.code)
				_, _ = io.WriteString(w, c.body)
			})
			off, err := h.IsOff(t.Context(), "a")
			if off || err == nil || !strings.Contains(strings.Replace(err.Error(), "switch, nothing", "(nothing)", 1), c.says) {
				t.Errorf("IsOff: %t, %v, want an error that says %q", off, err, c.says)
			}
		})
	}
}

func TestHTTPOffIsRefused(t *testing.T) {
	h, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "locked by maintenance", http.StatusConflict)
	})
	if err := h.Off(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "locked by maintenance") {
		t.Errorf("Off: %v", err)
	}
}

func TestHTTPFollowsNobody(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("asked %s with %q", r.URL, r.Header.Get("Authorization"))
		_, _ = io.WriteString(w, `{"power":"off"}`)
	}))
	t.Cleanup(elsewhere.Close)
	h, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	if off, err := h.IsOff(t.Context(), "a"); off || err == nil {
		t.Errorf("IsOff: %t, %v", off, err)
	}
	if err := h.Off(t.Context(), "a"); err == nil {
		t.Error("a redirect was taken for an agreement")
	}
}

func TestHTTPEndsWithItsContextAndItsTimeout(t *testing.T) {
	release := make(chan struct{})
	h, server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if off, err := h.IsOff(ctx, "a"); off || err == nil {
		t.Errorf("IsOff: %t, %v", off, err)
	}
	short, err := NewHTTP(HTTPOptions{URL: server.URL + "/{node}", Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := short.Off(t.Context(), "a"); err == nil {
		t.Error("a late answer was taken for an agreement")
	}
}

func TestHTTPRefusesWhatIsNoNode(t *testing.T) {
	h, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("asked %s", r.URL) })
	for _, node := range []string{"", "..", ".", "a/b", "a/../b", "A", "a b", "a?x=y", "a%2fb", "-a", "{node}"} {
		if _, err := h.IsOff(t.Context(), node); err == nil {
			t.Errorf("IsOff(%q) asked", node)
		}
		if err := h.Off(t.Context(), node); err == nil {
			t.Errorf("Off(%q) asked", node)
		}
	}
}

func TestHTTPAddresses(t *testing.T) {
	for address, good := range map[string]bool{
		"http://127.0.0.1:1/nodes/{node}":      true,
		"https://switch.example/{node}/v1":     true,
		"https://switch.example/all":           false,
		"https://{node}.switch.example/{node}": false,
		"https://switch.example/?n={node}":     false,
		"https://switch.example/{node}?a=b":    false,
		"https://u:p@switch.example/{node}":    false,
		"ftp://switch.example/{node}":          false,
		"/{node}":                              false,
		"https:///{node}":                      false,
		"":                                     false,
	} {
		if _, err := NewHTTP(HTTPOptions{URL: address, Timeout: time.Second}); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := NewHTTP(HTTPOptions{URL: "http://a/{node}"}); err == nil {
		t.Error("a switch without a timeout was made")
	}
}
