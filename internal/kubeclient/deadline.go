package kubeclient

import (
	"context"
	"io"
	"net/http"
	"time"
)

// deadline ends each request after a while, its body included, but leaves watches and upgraded connections alone.
type deadline struct {
	next  http.RoundTripper
	after time.Duration
}

func (d deadline) RoundTrip(req *http.Request) (*http.Response, error) {
	if isWatch(req) || req.Header.Get("Upgrade") != "" {
		return d.next.RoundTrip(req)
	}
	ctx, cancel := context.WithTimeout(req.Context(), d.after)
	resp, err := d.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = cancelling{ReadCloser: resp.Body, cancel: cancel}
	return resp, nil
}

func isWatch(req *http.Request) bool {
	w := req.URL.Query().Get("watch")
	return w == "true" || w == "1"
}

// WrappedRoundTripper lets client-go reach the transport beneath.
func (d deadline) WrappedRoundTripper() http.RoundTripper { return d.next }

type cancelling struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (c cancelling) Close() error {
	defer c.cancel()
	return c.ReadCloser.Close()
}
