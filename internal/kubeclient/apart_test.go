package kubeclient_test

import (
	"errors"
	"net/http"
	"net/http/httptrace"
	"testing"

	"github.com/salvor-io/salvor/internal/kubeclient"
)

// TestApartSharesCredentialsAndNoConnection holds that who comes apart is known as the clients are, may not do more, and does not come
// by a connection of theirs.
func TestApartSharesCredentialsAndNoConnection(t *testing.T) {
	srv := newServer(t)
	clients, err := kubeclient.Observe(kubeclient.Access{Kubeconfig: kubeconfig(t, srv.URL)}, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if err := reads["get"](t.Context(), clients); err != nil {
		t.Fatal(err)
	}
	server, way, err := clients.Apart(&http.Transport{DisableKeepAlives: true})
	if err != nil {
		t.Fatal(err)
	}
	send := func(method string) (reused bool, err error) {
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused }})
		req, err := http.NewRequestWithContext(ctx, method, server.JoinPath("readyz").String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := way.RoundTrip(req)
		if err == nil {
			err = resp.Body.Close()
		}
		return reused, err
	}
	for range 2 {
		if reused, err := send(http.MethodGet); err != nil || reused {
			t.Errorf("read: %v, by a connection that was there: %v", err, reused)
		}
	}
	if srv.agent != "salvor/1.2.3" || srv.auth != "Bearer eyes" {
		t.Errorf("came as %q with %q", srv.agent, srv.auth)
	}
	if _, err := send(http.MethodPost); !errors.Is(err, kubeclient.ErrReadOnly) {
		t.Errorf("write: %v", err)
	}
}
