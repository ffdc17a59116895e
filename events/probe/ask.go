package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// maxBody bounds what is read of an answer, in bytes.
const maxBody = 16 << 10

// Transport opens a connection of its own for each request, by HTTP/1.1, and closes it after the answer: a connection that is stuck,
// or one that lives on while new ones are refused, says nothing of the server. It trusts and comes as secure says, nil for the roots
// of the system and nobody. It goes through the proxy that the environment names.
func Transport(secure *tls.Config) *http.Transport {
	dialer := &net.Dialer{Timeout: within, KeepAlive: -1}
	plain := new(http.Protocols)
	plain.SetHTTP1(true)
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSClientConfig: secure, TLSHandshakeTimeout: within,
		DisableKeepAlives: true, DisableCompression: true, Protocols: plain, MaxResponseHeaderBytes: maxBody,
	}
}

// reply is what a server answered.
type reply struct {
	status   int
	body     string    // its beginning
	verified bool      // by a certificate that was verified
	expires  time.Time // when the first of its certificates expires; zero without any
}

// words are the status as people read it: "503 Service Unavailable".
func (r reply) words() string {
	return strings.TrimSpace(strconv.Itoa(r.status) + " " + http.StatusText(r.status))
}

// errOwn is wrapped by what may be the prober's own fault.
var errOwn = errors.New("cannot tell")

// ask sends one GET and follows no redirect. Its error wraps errOwn when the fault may lie with the prober.
func ask(ctx context.Context, via http.RoundTripper, to *url.URL) (reply, error) {
	var way journey
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, way.trace()), http.MethodGet, to.String(), nil)
	if err != nil {
		return reply{}, way.blame(err)
	}
	resp, err := via.RoundTrip(req)
	if err != nil {
		return reply{}, way.blame(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody)) // what was cut short says less, and the status stands
	got := reply{status: resp.StatusCode, body: string(body)}
	if resp.TLS != nil {
		got.verified, got.expires = len(resp.TLS.VerifiedChains) > 0, expiry(resp.TLS.PeerCertificates)
	}
	return got, nil
}

// journey knows how far a request came. Its hooks are called from other goroutines, perhaps after the request has ended.
type journey struct {
	left      atomic.Bool // it was handed to the network, with its credentials
	resolving atomic.Bool // the name of the server was not looked up yet
}

func (j *journey) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:  func(string) { j.left.Store(true) },
		DNSStart: func(httptrace.DNSStartInfo) { j.resolving.Store(true) },
		DNSDone:  func(done httptrace.DNSDoneInfo) { j.resolving.Store(done.Err != nil) },
	}
}
