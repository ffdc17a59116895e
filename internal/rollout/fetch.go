package rollout

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/salvor-io/salvor/policies/rego"
	"github.com/salvor-io/salvor/policies/rego/archive"
)

const (
	fetchWithin = 15 * time.Second
	maxHops     = 5
	maxMisses   = 3 // looks that get no answer before that is told of
)

// FetchOptions say where a signed bundle is, and who may have signed it.
type FetchOptions struct {
	URL     string
	Token   func() (string, error) // reads the bearer token anew; nil when none is sent
	CA      *x509.CertPool         // nil: those of the system
	Keys    []archive.Key          // the public keys that are trusted
	Persons map[string]string      // who a key stands for, by its id
	Poll    time.Duration
	Shipped rego.Source
}

// Fetch is the source that reads a signed bundle from an address, beside the shipped rules. Its author is the person whose key has signed
// it. A bundle that is not signed by one of the keys is refused. While the address does not answer, what came last stays.
type Fetch struct {
	FetchOptions
	client *http.Client

	tag    string // of what came last
	came   bool
	misses int
	holds  Candidate
	err    error
}

// NewFetch makes the source. Nothing is fetched yet.
func NewFetch(opt FetchOptions) *Fetch {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: opt.CA, MinVersion: tls.VersionTLS12}
	return &Fetch{FetchOptions: opt, client: &http.Client{Transport: transport, Timeout: fetchWithin, CheckRedirect: sameHost}}
}

// sameHost follows a redirection within one host alone: a token goes nowhere but to the host that it is for.
func sameHost(next *http.Request, before []*http.Request) error {
	switch first := before[0].URL; {
	case len(before) >= maxHops:
		return fmt.Errorf("more than %d redirections", maxHops)
	case next.URL.Host != first.Host || next.URL.Scheme != first.Scheme:
		return fmt.Errorf("it redirects to %s, which is another host: name that address itself", next.URL.Host)
	}
	return nil
}

// Every implements Source.
func (f *Fetch) Every() time.Duration { return f.Poll }

// Get fetches the bundle, once and as it is: what Look does with it, and with an address that does not answer, is left out.
func (f *Fetch) Get(ctx context.Context) ([]byte, error) {
	data, _, err := f.fetch(ctx)
	return data, err
}

// Look implements Source. An answer that was read before is not sent again by a server that knows ETags.
func (f *Fetch) Look(ctx context.Context) (Candidate, error) {
	data, tag, err := f.fetch(ctx)
	switch {
	case ctx.Err() != nil:
		return Candidate{}, ctx.Err()
	case err != nil:
		return f.missed(err)
	case data == nil:
		f.misses = 0
		return f.holds, f.err
	}
	found, err := f.Open(ctx, data)
	if ctx.Err() != nil {
		return Candidate{}, ctx.Err()
	}
	f.misses, f.came, f.tag = 0, true, tag
	f.holds, f.err = found, err
	return f.holds, f.err
}

// missed is what is known while the address does not answer.
func (f *Fetch) missed(err error) (Candidate, error) {
	switch f.misses++; {
	case f.misses < maxMisses && f.came:
		return f.holds, f.err
	case f.misses < maxMisses:
		return Candidate{}, fmt.Errorf("%w: %w", errUnsettled, err)
	}
	return Candidate{}, &UnfitError{f.URL, sumOf("no answer of " + f.URL), err}
}

// Open reads a bundle that was fetched, beside the shipped rules. Its error is an *UnfitError where none of the keys has signed it, and where
// it holds no policy.
func (f *Fetch) Open(ctx context.Context, data []byte) (Candidate, error) {
	source, key, err := archive.Open(ctx, f.URL, data, f.Keys)
	if err != nil {
		return Candidate{}, &UnfitError{f.URL, sumOf(string(data)), err}
	}
	read, err := rego.Read(ctx, []rego.Source{f.Shipped, source})
	if err != nil {
		return Candidate{}, &UnfitError{f.URL, sumOf(string(data)), err}
	}
	return Candidate{read, f.URL, f.Persons[key], true}, nil
}

// fetch gets the bundle with its ETag; nil when it is what came last.
func (f *Fetch) fetch(ctx context.Context) (data []byte, tag string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil {
		return nil, "", fmt.Errorf("fetch %s: %w", f.URL, err)
	}
	if f.tag != "" {
		req.Header.Set("If-None-Match", f.tag)
	}
	if f.Token != nil {
		token, err := f.Token()
		if err != nil {
			return nil, "", fmt.Errorf("fetch %s: %w", f.URL, err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, "", fmt.Errorf("fetch %s: %w", f.URL, causeOf(err))
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified && f.came:
		return nil, "", nil
	case resp.StatusCode != http.StatusOK:
		return nil, "", fmt.Errorf("fetch %s: the server answers %s", f.URL, resp.Status)
	}
	data, err = io.ReadAll(io.LimitReader(resp.Body, archive.MaxBytes+1)) // one that is larger is refused when it is opened
	if err != nil {
		return nil, "", fmt.Errorf("fetch %s: %w", f.URL, causeOf(err))
	}
	return data, resp.Header.Get("ETag"), nil
}

// passing is what is another in the text of an error each time, though its cause is the same: the own end of a connection, and the time at
// which a certificate was looked at.
var passing = regexp.MustCompile(`\S+->|current time \S+ is `)

// causeOf is the cause of an error, in the same words as long as it is the same. It leaves out the address that url.Error repeats.
func causeOf(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return errors.New(passing.ReplaceAllString(err.Error(), ""))
}
