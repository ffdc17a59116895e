package kubeclient

import (
	"fmt"
	"net/http"
	"net/url"

	"k8s.io/client-go/rest"
)

// Apart is a way to the same address with the same credentials and rules that shares no connection with the clients: via makes the
// connections, and is given whom to trust and as whom to come. It is for one who asks whether the server can be reached at all.
func (c Clients) Apart(via *http.Transport) (server *url.URL, way http.RoundTripper, err error) {
	if server, _, err = rest.DefaultServerUrlFor(c.Config); err != nil {
		return nil, nil, fmt.Errorf("read server address %q: %w", c.Config.Host, err)
	}
	if via.TLSClientConfig, err = rest.TLSConfigFor(c.Config); err != nil {
		return nil, nil, fmt.Errorf("read TLS settings for %s: %w", c.Config.Host, err)
	}
	if c.Config.Proxy != nil {
		via.Proxy = c.Config.Proxy
	}
	if way, err = rest.HTTPWrappersForConfig(c.Config, via); err != nil {
		return nil, nil, fmt.Errorf("read credentials for %s: %w", c.Config.Host, err)
	}
	return server, way, nil
}
