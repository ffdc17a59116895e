package serving

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestWhatAProbeSays(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a probe went elsewhere with %q", r.Header.Get("Authorization"))
	}))
	t.Cleanup(elsewhere.Close)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, elsewhere.URL+"/?token=s3cret", http.StatusFound)
		case "/here":
			http.Redirect(w, r, "/well", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/well":
			_, _ = w.Write([]byte("status: ok"))
		case "/long":
			_, _ = w.Write([]byte(strings.Repeat("x", maxBody) + "ok"))
		case "/broken":
			panic(http.ErrAbortHandler)
		case "/late":
			<-r.Context().Done()
		default:
			w.WriteHeader(599)
		}
	}))
	t.Cleanup(s.Close)
	for name, c := range map[string]struct {
		path   string
		set    func(*ProbeOptions)
		says   string // empty when it is as expected
		silent string // must not be said
	}{
		"as expected":             {path: "/well"},
		"with its text":           {path: "/well", set: func(o *ProbeOptions) { o.Contains = "ok" }},
		"without its text":        {path: "/well", set: func(o *ProbeOptions) { o.Contains = "fine" }, says: `it answers 200 OK, but "fine" is not in`},
		"text too far behind":     {path: "/long", set: func(o *ProbeOptions) { o.Contains = "ok" }, says: "is not in the first 64 KiB"},
		"another status":          {path: "/well", set: func(o *ProbeOptions) { o.Status = 204 }, says: "it answers 200 OK, not 204"},
		"a status nobody knows":   {path: "/odd", says: "it answers 599, not 200"},
		"a redirect on the host":  {path: "/here"},
		"a redirect elsewhere":    {path: "/away", says: `it answers 302 Found, not 200, and leads to "` + elsewhere.URL + `", which was not followed`, silent: "s3cret"},
		"an expected redirect":    {path: "/away", set: func(o *ProbeOptions) { o.Status = 302 }},
		"a redirect without end":  {path: "/round", says: "it answers 302 Found, not 200"},
		"a connection broken off": {path: "/broken?k=s3cret", says: "it breaks the connection off before it has answered", silent: "s3cret"},
		"late":                    {path: "/late?k=s3cret", set: func(o *ProbeOptions) { o.Timeout = 50 * time.Millisecond }, says: "it does not answer within 50ms", silent: "s3cret"},
	} {
		t.Run(name, func(t *testing.T) {
			set := func(*ProbeOptions) {}
			if c.set != nil {
				set = c.set
			}
			err := aProbe(t, "orders", s.URL+c.path, set, func(o *ProbeOptions) { o.Token = "t0ken" }).Ask(t.Context())
			switch {
			case (err == nil) != (c.says == ""), err != nil && !strings.Contains(err.Error(), c.says):
				t.Errorf("says %v, want %q", err, c.says)
			case err != nil && c.silent != "" && strings.Contains(err.Error(), c.silent):
				t.Errorf("a secret is said: %v", err)
			}
		})
	}
}

func TestProbeComesAsSomebody(t *testing.T) {
	var got []string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = append(got, r.Method+" "+r.URL.String()+" "+r.Header.Get("Authorization")+" "+r.Header.Get("Connection"))
	}))
	t.Cleanup(s.Close)
	if err := aProbe(t, "orders", s.URL+"/a?b=c", func(o *ProbeOptions) { o.Token = "t0ken\n" }).Ask(t.Context()); err != nil {
		t.Error(err)
	}
	if want := "GET /a?b=c Bearer t0ken close"; strings.Join(got, ", ") != want {
		t.Errorf("asked %q, want %q", got, want)
	}
}

func TestNobodyIsThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	if err := aProbe(t, "orders", "http://"+address).Ask(t.Context()); err == nil || err.Error() != "it refuses the connection" {
		t.Errorf("says %v", err)
	}
}

func TestCertificatesAreVerified(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	trusting := func(o *ProbeOptions) { o.TLS = &tls.Config{RootCAs: roots} }
	if err := aProbe(t, "orders", s.URL, trusting).Ask(t.Context()); err != nil {
		t.Errorf("whom ca_file names: %v", err)
	}
	if err := aProbe(t, "orders", s.URL).Ask(t.Context()); err == nil || !strings.Contains(err.Error(), "name who did in ca_file") {
		t.Errorf("whom nobody knows: %v", err)
	}
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	other := func(o *ProbeOptions) { o.TLS = &tls.Config{RootCAs: roots, ServerName: "elsewhere.test"} }
	if err := aProbe(t, "orders", "https://127.0.0.1:"+port, other).Ask(t.Context()); err == nil || err.Error() != "its certificate is not one for elsewhere.test" {
		t.Errorf("of another name: %v", err)
	}
}

func TestACancelledProbeSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := aProbe(t, "orders", "http://127.0.0.1:1/").Ask(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("says %v", err)
	}
}

func TestAddresses(t *testing.T) {
	for address, good := range map[string]bool{"http://a": true, "https://a:1/b?c=d": true, "https://u:p@a/": false, "https://a/#b": false,
		"ftp://a": false, "//a": false, "https:///b": false, "https://:80/": false, "": false, "http://a b": false} {
		if _, err := NewProbe(ProbeOptions{Access: Access{URL: address, Timeout: time.Second}}); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := NewProbe(ProbeOptions{Access: Access{URL: "http://a"}}); err == nil {
		t.Error("a probe without a timeout was made")
	}
	if _, err := NewPrometheus(Access{URL: "http://a/?b=c", Timeout: time.Second}); err == nil {
		t.Error("a Prometheus with a query in its address was made")
	}
}
