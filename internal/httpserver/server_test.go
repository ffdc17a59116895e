package httpserver

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// quiet logs nowhere.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// start serves until the test ends, which then sees Run return without an error.
func start(t *testing.T, opts Options) (s *Server, stop func() error) {
	t.Helper()
	opts.Address = "127.0.0.1:0"
	if opts.Log == nil {
		opts.Log = quiet()
	}
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return s, serve(t, s)
}

func serve(t *testing.T, s *Server) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stopped := false
	stop = func() error {
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if !stopped {
			if err := stop(); err != nil {
				t.Errorf("stop: %v", err)
			}
		}
	})
	return stop
}

func get(t *testing.T, c *http.Client, url string) (status int, header http.Header, body string) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

func viaUnix(t *testing.T, path string) *http.Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func answering(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

func TestServesBoth(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "sub", "s")
	s, stop := start(t, Options{Socket: socket, Mounts: []Mount{{"GET /hello/{name}", answering("hello")}}})
	for name, url := range map[string]string{"tcp": "http://" + s.Address(), "unix": "http://salvor"} {
		c := http.DefaultClient
		if name == "unix" {
			c = viaUnix(t, socket)
		}
		status, header, body := get(t, c, url+"/hello/x")
		if status != http.StatusOK || body != "hello" || header.Get(RequestIDHeader) == "" {
			t.Errorf("%s: %d %q, id %q", name, status, body, header.Get(RequestIDHeader))
		}
		if status, _, _ := get(t, c, url+"/other"); status != http.StatusNotFound {
			t.Errorf("%s: other path: %d", name, status)
		}
		if status, _, body := get(t, c, url+"/livez"); status != http.StatusOK || body != "ok\n" {
			t.Errorf("%s: livez: %d %q", name, status, body)
		}
	}
	info, err := os.Stat(socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v %v, want mode 0600", info.Mode(), err)
	}
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestSocketTaken(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, "stale")
	l, err := net.Listen("unix", stale)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, Options{Socket: stale}) // what a dead process left is replaced

	if _, err := New(Options{Address: "127.0.0.1:0", Socket: stale, Log: quiet()}); err == nil || !strings.Contains(err.Error(), "another salvor") {
		t.Errorf("a socket that is served is taken: %v", err)
	}
	other := filepath.Join(dir, "file")
	if err := os.WriteFile(other, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Address: "127.0.0.1:0", Socket: other, Log: quiet()}); err == nil {
		t.Error("a file is taken for a socket")
	}
	if text, err := os.ReadFile(other); err != nil || string(text) != "precious" {
		t.Errorf("the file is gone: %q %v", text, err)
	}
}

func TestReady(t *testing.T) {
	var behind atomic.Bool
	view := func() error {
		if behind.Load() {
			return errors.New("9s behind")
		}
		return nil
	}
	s, _ := start(t, Options{Checks: []Check{{"store", func() error { return nil }}, {"view", view}}})
	if status, _, body := get(t, http.DefaultClient, "http://"+s.Address()+"/readyz"); status != http.StatusOK || body != "store: ok\nview: ok\nready\n" {
		t.Errorf("ready: %d %q", status, body)
	}
	behind.Store(true)
	if status, _, body := get(t, http.DefaultClient, "http://"+s.Address()+"/readyz"); status != http.StatusServiceUnavailable || body != "store: ok\nview: not ready: 9s behind\n" {
		t.Errorf("not ready: %d %q", status, body)
	}
	noted, _ := start(t, Options{Checks: []Check{{"store", func() error { return nil }}}, Notes: []Check{{"policy", func() error { return errors.New("none") }}}})
	if status, _, body := get(t, http.DefaultClient, "http://"+noted.Address()+"/readyz"); status != http.StatusOK || body != "store: ok\npolicy: none\nready\n" {
		t.Errorf("ready, with a note: %d %q", status, body)
	}
}

func TestPanic(t *testing.T) {
	s, _ := start(t, Options{Mounts: []Mount{
		{"/early", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("early") })},
		{"/late", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic("late")
		})},
	}})
	status, _, body := get(t, http.DefaultClient, "http://"+s.Address()+"/early")
	if status != http.StatusInternalServerError || !strings.Contains(body, `"do":`) || strings.Contains(body, "early") {
		t.Errorf("early: %d %q", status, body)
	}
	resp, err := http.Get("http://" + s.Address() + "/late")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("an answer cut off by a panic looks whole: %q", text)
	}
	if status, _, _ := get(t, http.DefaultClient, "http://"+s.Address()+"/livez"); status != http.StatusOK {
		t.Errorf("after panics: %d", status)
	}
}

func TestStopWaitsForRequests(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	s, stop := start(t, Options{Mounts: []Mount{{"/slow", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-goOn
		_, _ = io.WriteString(w, "done")
	})}}, OnStop: func() { close(goOn) }})
	got := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + s.Address() + "/slow")
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		got <- string(text)
	}()
	<-begun
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if text := <-got; text != "done" {
		t.Errorf("the request in flight got %q", text)
	}
}

func TestStopIsBounded(t *testing.T) {
	begun := make(chan struct{})
	s, stop := start(t, Options{StopWithin: 50 * time.Millisecond, Mounts: []Mount{{"/stuck", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done() // ends when the connection is cut off
	})}}})
	go func() {
		if resp, err := http.Get("http://" + s.Address() + "/stuck"); err == nil {
			_ = resp.Body.Close()
		}
	}()
	<-begun
	if err := stop(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stop with a request that never ends: %v", err)
	}
}

// TestHeaderDeadline holds that a client which never ends its header is cut off.
func TestHeaderDeadline(t *testing.T) {
	s, err := New(Options{Address: "127.0.0.1:0", Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	s.http.ReadHeaderTimeout = 50 * time.Millisecond
	serve(t, s)
	c, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /livez HTTP/1.1\r\nHost: x\r\nX-"); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err = bufio.NewReader(c).ReadString(0)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		t.Error("a client that never ends its header is waited for")
	}
}

func TestAccessLog(t *testing.T) {
	var lines strings.Builder
	log := slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, stop := start(t, Options{Log: log, Mounts: []Mount{{"/x", answering("four")}}})
	_, header, _ := get(t, http.DefaultClient, "http://"+s.Address()+"/x?token=secret")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{header.Get(RequestIDHeader), "path=/x ", "status=200", "bytes=4", "method=GET"} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("log lacks %q: %s", want, lines.String())
		}
	}
	if strings.Contains(lines.String(), "secret") {
		t.Errorf("the query is logged: %s", lines.String())
	}
}

// authority signs certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	plan := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, plan, plan, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{cert, key}
}

// issue writes a certificate and its key for a name.
func (a authority) issue(t *testing.T, dir, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	plan := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, plan, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	writePEM(t, certFile, "CERTIFICATE", der)
	writePEM(t, keyFile, "PRIVATE KEY", secret)
	return certFile, keyFile
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTLS(t *testing.T) {
	ca, dir := newAuthority(t), t.TempDir()
	caFile := filepath.Join(dir, "ca.crt")
	writePEM(t, caFile, "CERTIFICATE", ca.cert.Raw)
	certFile, keyFile := ca.issue(t, dir, "first")
	cfg, err := LoadTLS(certFile, keyFile, caFile)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := start(t, Options{TLS: cfg, Mounts: []Mount{{"/who", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.VerifiedChains) > 0 {
			_, _ = io.WriteString(w, r.TLS.VerifiedChains[0][0].Subject.CommonName)
		}
	})}}})
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	call := func(certs ...tls.Certificate) (served, said string, err error) {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: certs}, DisableKeepAlives: true}
		resp, err := (&http.Client{Transport: transport}).Get("https://" + s.Address() + "/who")
		if err != nil {
			return "", "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return resp.TLS.PeerCertificates[0].Subject.CommonName, string(body), err
	}
	pair := func(a authority, name string) tls.Certificate {
		cert, err := tls.LoadX509KeyPair(a.issue(t, t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	if served, said, err := call(); err != nil || served != "first" || said != "" {
		t.Errorf("without a certificate: %q %q %v", served, said, err)
	}
	if _, said, err := call(pair(ca, "falco")); err != nil || said != "falco" {
		t.Errorf("with a certificate: %q %v", said, err)
	}
	// Against a foreign signer the client offers nothing unless it is made to; the server must refuse it.
	foreign := pair(newAuthority(t), "mallory")
	foreign.Leaf = nil
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &foreign, nil }}}
	if resp, err := (&http.Client{Transport: transport}).Get("https://" + s.Address() + "/who"); err == nil {
		resp.Body.Close()
		t.Error("a certificate of a foreign signer is let in")
	}

	ca.issue(t, dir, "second")
	later := time.Now().Add(time.Minute) // so that the change shows whatever the clock's grain
	if err := os.Chtimes(certFile, later, later); err != nil {
		t.Fatal(err)
	}
	if served, _, err := call(); err != nil || served != "second" {
		t.Errorf("after renewal: %q %v", served, err)
	}
	if err := os.WriteFile(certFile, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if served, _, err := call(); err != nil || served != "second" {
		t.Errorf("with a broken renewal: %q %v", served, err)
	}
	if _, err := LoadTLS(certFile, keyFile, ""); err == nil {
		t.Error("a broken certificate is taken at start")
	}
	if _, err := LoadTLS(keyFile, keyFile, keyFile); err == nil {
		t.Error("a client CA without a certificate is taken")
	}
}
