package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// serverAnswering is a TLS server that answers everything alike. It speaks HTTP/2, too.
func serverAnswering(t *testing.T, status int, body string) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func addressOf(t *testing.T, s *httptest.Server) *url.URL {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// trusting is a transport that believes the server.
func trusting(s *httptest.Server) *http.Transport {
	return Transport(&tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs})
}

// said is an answer in short: "up", "down: why", or "? why".
func said(a Answer, err error) string {
	switch {
	case err != nil:
		return "? " + err.Error()
	case a.Up:
		return "up"
	}
	return "down: " + a.Reason
}

const readyz = "[+]ping ok\n[-]etcd failed: reason withheld\n[+]log ok\n[-]shutdown failed: reason withheld\nreadyz check failed\n"

func TestChecksOfAnAPIServer(t *testing.T) {
	for _, c := range []struct {
		status      int
		body        string
		ready, etcd string // beginnings
	}{
		{200, "ok", "up", "up"},
		{401, "", "up", "? cannot tell: the API server answers 401 Unauthorized to GET /readyz/etcd: grant it"},
		{403, "", "up", "? cannot tell: the API server answers 403 Forbidden to GET /readyz/etcd: grant it"},
		{500, readyz, "down: it answers 500 Internal Server Error, failed: etcd, shutdown", "down: the API server does not reach it"},
		{500, "oops", "down: it answers 500 Internal Server Error", "? "},
		{503, "no backend\n", "down: it answers 503 Service Unavailable", "? "},
		{302, "", "down: it answers 302 Found", "? "},
		{404, "404 page not found", "down: it answers 404 Not Found", "? "},
		{500, strings.Repeat("[-]x\x00\x1b failed\n", 200), "down: it answers 500 Internal Server Error, failed: x", "? "},
	} {
		s := serverAnswering(t, c.status, c.body)
		at, via := addressOf(t, s), trusting(s)
		a, err := APIServer(at, via)(t.Context())
		if got := said(a, err); !strings.HasPrefix(got, c.ready) || len(a.Reason) > maxReason || !isLine(a.Reason) {
			t.Errorf("%d: said %q, want %q", c.status, got, c.ready)
		}
		if want := s.Certificate().NotAfter; !a.Expires.Equal(want) {
			t.Errorf("%d: expires %s, want %s", c.status, a.Expires, want)
		}
		a, err = EtcdBehind(at, via)(t.Context())
		if got := said(a, err); !strings.HasPrefix(got, c.etcd) || !a.Expires.IsZero() {
			t.Errorf("%d: etcd is said %q, want %q", c.status, got, c.etcd)
		}
	}
}

func TestWhoIsNotVerifiedAndRefusesDoesNotTell(t *testing.T) {
	s := serverAnswering(t, 401, "")
	via := Transport(&tls.Config{InsecureSkipVerify: true})
	if got := said(APIServer(addressOf(t, s), via)(t.Context())); !strings.HasPrefix(got, "? ") {
		t.Errorf("said %q", got)
	}
}

func TestChecksOfAServerThatIsNotThere(t *testing.T) {
	s := serverAnswering(t, 200, "ok")
	stranger, misnamed := Transport(&tls.Config{RootCAs: x509.NewCertPool()}), trusting(s)
	misnamed.TLSClientConfig.ServerName = "another.example.net"
	closing := closer(t)
	dead := addressOf(t, s)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Host = l.Addr().String()
	l.Close()
	for _, c := range []struct {
		at   *url.URL
		via  http.RoundTripper
		want string
	}{
		{dead, trusting(s), "down: connection refused"},
		{addressOf(t, s), stranger, "down: its certificate is signed by an authority that is not trusted"},
		{addressOf(t, s), misnamed, "down: its certificate is for other names"},
		{closing, trusting(s), "down: it closed the connection without an answer"},
	} {
		if got := said(APIServer(c.at, c.via)(t.Context())); got != c.want {
			t.Errorf("%s: said %q, want %q", c.at, got, c.want)
		}
		if got := said(EtcdBehind(c.at, c.via)(t.Context())); !strings.HasPrefix(got, "? ") {
			t.Errorf("%s: etcd behind it is said %q", c.at, got)
		}
	}
}

// closer is the address of somebody who accepts connections and closes them.
func closer(t *testing.T) *url.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	return &url.URL{Scheme: "https", Host: l.Addr().String()}
}

func TestAnExpiredCertificateSaysSo(t *testing.T) {
	s := serverAnswering(t, 200, "ok")
	via := trusting(s)
	ends := s.Certificate().NotAfter
	via.TLSClientConfig.Time = func() time.Time { return ends.Add(time.Hour) }
	a, err := APIServer(addressOf(t, s), via)(t.Context())
	if err != nil || a.Up || !strings.Contains(a.Reason, ends.UTC().Format(time.RFC3339)) || !a.Expires.Equal(ends) {
		t.Errorf("said %+v, %v", a, err)
	}
}

func TestAHangingServerIsDownAtTheDeadline(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // it accepts, and never says a word
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at := &url.URL{Scheme: "https", Host: l.Addr().String()}
	got := ""
	for _, deadline := range []time.Duration{50 * time.Millisecond, time.Second, 4 * time.Second} { // a busy machine may not have asked before the first
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		got = said(APIServer(at, Transport(nil))(ctx))
		cancel()
		if got == "down: no answer within 4s" {
			return
		}
	}
	t.Errorf("said %q", got)
}

// TestEachAttemptHasAConnectionOfItsOwn holds that nothing is learned from a connection that was there before.
func TestEachAttemptHasAConnectionOfItsOwn(t *testing.T) {
	var mu sync.Mutex
	from, protos := map[string]bool{}, map[string]bool{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		from[r.RemoteAddr], protos[r.Proto] = true, true
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	check := APIServer(addressOf(t, s), trusting(s))
	for range 5 {
		if got := said(check(t.Context())); got != "up" {
			t.Fatal(got)
		}
	}
	if len(from) != 5 || len(protos) != 1 || !protos["HTTP/1.1"] {
		t.Errorf("5 attempts came by %d connections, as %v", len(from), protos)
	}
}

// tripper fails after the request was, or was not, handed to the network.
type tripper struct {
	sent bool
	err  error
}

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.sent {
		httptrace.ContextClientTrace(r.Context()).GetConn("")
	}
	return nil, f.err
}

func TestOwnFaultsDoNotTell(t *testing.T) {
	at := &url.URL{Scheme: "https", Host: "api.example.org"}
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for _, c := range []struct {
		name string
		via  tripper
		want string
	}{
		{"a token file that is gone", tripper{false, &fs.PathError{Op: "open", Path: "token", Err: fs.ErrNotExist}}, "? "},
		{"a name server that does not answer", tripper{true, dial(&net.DNSError{Err: "i/o timeout", IsTimeout: true})}, "? "},
		{"a name server in trouble", tripper{true, dial(&net.DNSError{Err: "server misbehaving", IsTemporary: true})}, "? "},
		{"a name that does not exist", tripper{true, dial(&net.DNSError{Err: "no such host", IsNotFound: true})}, "down: its name is not known"},
		{"a proxy that is away", tripper{true, &net.OpError{Op: "proxyconnect", Err: syscall.ECONNREFUSED}}, "? "},
		{"no file descriptors", tripper{true, dial(os.NewSyscallError("socket", syscall.EMFILE))}, "? "},
		{"the network is off", tripper{true, dial(os.NewSyscallError("connect", syscall.ENETDOWN))}, "? "},
		{"no route", tripper{true, dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH))}, "down: there is no route to it"},
		{"something else", tripper{true, errors.New("a\nb\x00c")}, "down: a b c"},
	} {
		if got := said(APIServer(at, c.via)(t.Context())); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: said %q, want %q", c.name, got, c.want)
		}
	}
}

func TestEtcd(t *testing.T) {
	const healthy, sick = `{"health":"true","reason":""}`, `{"health":"false","reason":"RAFT NO LEADER"}`
	for _, c := range []struct {
		name    string
		members []string // body, "refused" or "?"
		want    string
	}{
		{"all healthy", []string{healthy, healthy, healthy}, "up"},
		{"a majority", []string{healthy, sick, healthy}, "up"},
		{"a majority beside one that cannot be told", []string{healthy, "?", healthy}, "up"},
		{"no leader", []string{sick, sick, sick}, "down: 0 of 3 members are healthy; M: RAFT NO LEADER; M: RAFT NO LEADER; M: RAFT NO LEADER"},
		{"one left of three", []string{healthy, "refused", "refused"}, "down: 1 of 3 members are healthy; M: connection refused; M: connection refused"},
		{"it depends on the one that cannot be told", []string{healthy, "?", sick}, "? "},
		{"half of two is no majority", []string{healthy, sick}, "down: 1 of 2 members are healthy; M: RAFT NO LEADER"},
		{"something else", []string{"<html>"}, "down: 0 of 1 members are healthy; M: it answers 200 OK and no health"},
		{"health of another form", []string{`{"health":true}`}, "down: 0 of 1 members are healthy; M: it answers 200 OK and no health"},
		{"not healthy, and no reason", []string{`{"health":"false"}`}, "down: 0 of 1 members are healthy; M: it says that it is not healthy"},
	} {
		via := &fleet{answers: map[string]string{}}
		var at []*url.URL
		for i, body := range c.members {
			host := fmt.Sprintf("etcd-%d:2379", i)
			via.answers[host] = body
			at = append(at, &url.URL{Scheme: "https", Host: host})
		}
		got := said(members(at, via)(t.Context()))
		for host := range via.answers {
			got = strings.ReplaceAll(got, host, "M")
		}
		if c.want == "? " && strings.HasPrefix(got, c.want) {
			continue
		}
		if got != c.want {
			t.Errorf("%s: said %q, want %q", c.name, got, c.want)
		}
	}
}

// fleet answers for several members of an etcd.
type fleet struct{ answers map[string]string }

func (f *fleet) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/health" || r.Method != http.MethodGet {
		return nil, fmt.Errorf("%s %s is not asked", r.Method, r.URL)
	}
	switch body := f.answers[r.URL.Host]; body {
	case "?":
		return nil, errors.New("no credentials")
	case "refused":
		httptrace.ContextClientTrace(r.Context()).GetConn("")
		return nil, syscall.ECONNREFUSED
	default:
		rec := httptest.NewRecorder()
		fmt.Fprint(rec, body)
		return rec.Result(), nil
	}
}

func TestSecure(t *testing.T) {
	s := serverAnswering(t, 200, "ok")
	dir := t.TempDir()
	ca, bad := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "bad")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := errors.Join(os.WriteFile(ca, text, 0o600), os.WriteFile(bad, []byte("x"), 0o600)); err != nil {
		t.Fatal(err)
	}
	cfg, err := Secure{CAFile: ca}.Config()
	if err != nil {
		t.Fatal(err)
	}
	if got := said(APIServer(addressOf(t, s), Transport(cfg))(t.Context())); got != "up" {
		t.Errorf("said %q", got)
	}
	for _, wrong := range []Secure{{CAFile: bad}, {CAFile: filepath.Join(dir, "none")}, {CertFile: bad, KeyFile: bad}, {CertFile: ca}} {
		if _, err := wrong.Config(); err == nil {
			t.Errorf("%+v: taken", wrong)
		}
	}
}
