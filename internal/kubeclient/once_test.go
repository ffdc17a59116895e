package kubeclient

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

// counting is a server that says how often it was asked, and answers 503 to the first question about flaky.
func counting(t *testing.T) (url string, asked func() int32) {
	var n, flaky atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/flaky" && flaky.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = fmt.Fprint(w, n.Add(1))
	}))
	t.Cleanup(srv.Close)
	return srv.URL, n.Load
}

func ask(t *testing.T, ctx context.Context, method, url, accept string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	resp, err := once{http.DefaultTransport}.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(resp.StatusCode, " ", string(body))
}

func TestReadOnce(t *testing.T) {
	url, asked := counting(t)
	ctx := ReadOnce(t.Context())
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if got := ask(t, ctx, http.MethodGet, url+"/nodes/a", "json"); got != "200 1" {
				t.Errorf("got %s, want the first answer", got)
			}
		})
	}
	group.Wait()
	for _, c := range []struct {
		name, method, path, accept string
		ctx                        context.Context
		asks                       int32
	}{
		{"known", http.MethodGet, "/nodes/a", "json", ctx, 0},
		{"another object", http.MethodGet, "/nodes/b", "json", ctx, 1},
		{"another form", http.MethodGet, "/nodes/a", "protobuf", ctx, 1},
		{"another query", http.MethodGet, "/nodes/a?x=1", "json", ctx, 1},
		{"a watch", http.MethodGet, "/nodes/c?watch=true", "json", ctx, 1},
		{"the watch again", http.MethodGet, "/nodes/c?watch=true", "json", ctx, 1},
		{"no read", http.MethodPost, "/nodes/a", "json", ctx, 1},
		{"no success", http.MethodGet, "/flaky", "json", ctx, 1},
		{"success after that", http.MethodGet, "/flaky", "json", ctx, 1},
		{"and then known", http.MethodGet, "/flaky", "json", ctx, 0},
		{"another time", http.MethodGet, "/nodes/a", "json", ReadOnce(t.Context()), 1},
		{"not asked to share", http.MethodGet, "/nodes/a", "json", t.Context(), 1},
	} {
		before := asked()
		ask(t, c.ctx, c.method, url+c.path, c.accept)
		if n := asked() - before; n != c.asks {
			t.Errorf("%s: the server was asked %d times, want %d", c.name, n, c.asks)
		}
	}
}
