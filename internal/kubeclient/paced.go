package kubeclient

import (
	"net/http"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
	"k8s.io/client-go/util/flowcontrol"
)

// paced lets requests wait for their turn right before they are sent. Where client-go itself paces, reads that are answered by what is known
// wait too, and take the turns of those that are sent.
type paced struct {
	next    http.RoundTripper
	limiter flowcontrol.RateLimiter
}

func (p paced) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := p.limiter.Wait(req.Context()); err != nil {
		return nil, err
	}
	return p.next.RoundTrip(req)
}

// WrappedRoundTripper lets client-go reach the transport beneath.
func (p paced) WrappedRoundTripper() http.RoundTripper { return p.next }

// pacedBelow is the configuration with its limiter beneath all else that it wraps around the transport.
func pacedBelow(cfg *rest.Config) *rest.Config {
	out, limiter := rest.CopyConfig(cfg), cfg.RateLimiter
	out.RateLimiter, out.QPS = nil, -1
	out.WrapTransport = transport.Wrappers(func(next http.RoundTripper) http.RoundTripper { return paced{next, limiter} }, cfg.WrapTransport)
	return out
}
