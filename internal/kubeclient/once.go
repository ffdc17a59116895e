package kubeclient

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"

	"golang.org/x/sync/singleflight"
)

type onceKey struct{}

// answers are what was read within one context.
type answers struct {
	asking singleflight.Group
	mu     sync.Mutex
	known  map[string]answer
}

// answer is one that was read to its end.
type answer struct {
	resp http.Response // without a body
	body []byte
}

// ReadOnce makes a context in which observing clients ask each thing once: reads that are the same share one answer, also when
// they are made at once. So what is worked out in it rests on one sight of each object. Watches are not shared, and neither is
// an answer that is no success. It is for something short, such as making a plan: answers are kept as long as the context is.
func ReadOnce(ctx context.Context) context.Context {
	return context.WithValue(ctx, onceKey{}, &answers{known: map[string]answer{}})
}

// once gives the reads of a context made by ReadOnce the answer that is known.
type once struct{ next http.RoundTripper }

func (o once) RoundTrip(req *http.Request) (*http.Response, error) {
	shared, ok := req.Context().Value(onceKey{}).(*answers)
	if !ok || req.Method != http.MethodGet || isWatch(req) {
		return o.next.RoundTrip(req)
	}
	key := req.URL.String() + " " + req.Header.Get("Accept")
	got, err, _ := shared.asking.Do(key, func() (any, error) { return shared.ask(key, req, o.next) })
	if err != nil {
		return nil, err
	}
	return got.(answer).response(req), nil
}

// WrappedRoundTripper lets client-go reach the transport beneath.
func (o once) WrappedRoundTripper() http.RoundTripper { return o.next }

func (a *answers) ask(key string, req *http.Request, next http.RoundTripper) (answer, error) {
	a.mu.Lock()
	known, ok := a.known[key]
	a.mu.Unlock()
	if ok {
		return known, nil
	}
	resp, err := next.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return answer{}, err
	}
	got := answer{*resp, body}
	got.resp.Body = nil
	if resp.StatusCode == http.StatusOK {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.known[key] = got
	}
	return got, nil
}

// response is the answer as one who asked by himself would have got it.
func (a answer) response(req *http.Request) *http.Response {
	resp := a.resp
	resp.Header = a.resp.Header.Clone()
	resp.Body = io.NopCloser(bytes.NewReader(a.body))
	resp.Request = req
	return &resp
}
