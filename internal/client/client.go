package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/api"
)

const (
	callWithin = 30 * time.Second
	dialWithin = 5 * time.Second
	maxAnswer  = 64 << 20 // bytes
)

// Options say where Salvor is and who calls. Without a Server the Socket is used.
type Options struct {
	Server string // http or https address
	Socket string // path of the Unix socket
	Token  string // bearer token; over the socket it may be empty
}

// Client calls one server. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	place   string // for errors
	token   string
	http    *http.Client
	patient *http.Client // waits longer for an answer to begin
}

// ErrUnreachable is wrapped by the error of a call to a server that did not answer.
var ErrUnreachable = errors.New("salvor does not answer")

// New makes a client. Nothing is called yet.
func New(opt Options) (*Client, error) {
	c := &Client{token: opt.Token}
	transport := &http.Transport{DialContext: (&net.Dialer{Timeout: dialWithin}).DialContext, Proxy: http.ProxyFromEnvironment,
		TLSHandshakeTimeout: dialWithin, ResponseHeaderTimeout: callWithin}
	if opt.Server == "" {
		c.base, c.place = &url.URL{Scheme: "http", Host: "salvor"}, opt.Socket
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: dialWithin}).DialContext(ctx, "unix", opt.Socket)
		}
	} else {
		base, err := url.Parse(strings.TrimSuffix(opt.Server, "/"))
		if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
			return nil, fmt.Errorf("use server %q: want an http or https address", opt.Server)
		}
		c.base, c.place = base, opt.Server
	}
	patient := transport.Clone()
	patient.ResponseHeaderTimeout = prepareWithin
	c.http, c.patient = &http.Client{Transport: transport, CheckRedirect: stay}, &http.Client{Transport: patient, CheckRedirect: stay}
	return c, nil
}

// stay follows no redirect: a token goes nowhere but to the server it is for.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// request is one call. Query and Body may be nil.
type request struct {
	Method, Path string
	Query        url.Values
	Body         any
}

// call sends a request and reads the answer into out, unless that is nil. An answer other than 2xx is an *api.Refusal.
func (c *Client) call(ctx context.Context, what request, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	req, err := c.request(ctx, what)
	if err != nil {
		return err
	}
	resp, err := c.send(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.place, err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, what request) (*http.Request, error) {
	var sent io.Reader
	if what.Body != nil {
		text, err := json.Marshal(what.Body)
		if err != nil {
			return nil, fmt.Errorf("render the request: %w", err)
		}
		sent = bytes.NewReader(text)
	}
	target := c.base.JoinPath(what.Path)
	target.RawQuery = what.Query.Encode()
	req, err := http.NewRequestWithContext(ctx, what.Method, target.String(), sent)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	if what.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return req, nil
}

// send returns the answer when it is 2xx. The caller closes its body.
func (c *Client) send(req *http.Request) (*http.Response, error) { return c.sendBy(c.http, req) }

func (c *Client) sendBy(by *http.Client, req *http.Request) (*http.Response, error) {
	resp, err := by.Do(req)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w: %w", c.place, ErrUnreachable, causeOf(err))
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, refusalOf(resp)
}

// causeOf leaves out the address that url.Error repeats.
func causeOf(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// refusalOf reads what a server that is no Salvor may have answered, too.
func refusalOf(resp *http.Response) error {
	f := &api.Refusal{}
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil || json.Unmarshal(text, f) != nil || f.What == "" {
		f = &api.Refusal{What: "call salvor", Why: "the answer is " + resp.Status + ", and not one of salvor", Do: "see whether the address is that of salvor"}
	}
	f.Status = resp.StatusCode
	return f
}
