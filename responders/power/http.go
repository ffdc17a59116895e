package power

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const placeholder = "{node}"

// HTTP is a power switch behind a web address.
//
// GET on the address of a node answers {"power":"on"} or {"power":"off"}; POST on that address with /off behind it asks for
// the power to be cut. Redirects are not followed, so that the token goes to nobody else. It may be used by many goroutines.
type HTTP struct {
	address string
	token   string
	client  *http.Client
}

// HTTPOptions say how a switch is reached.
type HTTPOptions struct {
	URL     string        // with {node} in its path, as https://switch.example/machines/{node}
	Token   string        // sent as a bearer token; empty sends none
	Timeout time.Duration // of one request
	TLS     *tls.Config   // nil trusts the system's authorities
}

// NewHTTP makes a switch. The address must name the node in its path, since one switch for all nodes is never meant.
func NewHTTP(o HTTPOptions) (*HTTP, error) {
	if err := checkAddress(o.URL); err != nil {
		return nil, fmt.Errorf("read power switch address %q: %w", o.URL, err)
	}
	if o.Timeout <= 0 {
		return nil, errors.New("make power switch: its timeout must be more than 0")
	}
	return &HTTP{
		address: strings.TrimSuffix(o.URL, "/"),
		token:   strings.TrimSpace(o.Token),
		client: &http.Client{
			Timeout:       o.Timeout,
			Transport:     &http.Transport{TLSClientConfig: o.TLS, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute, MaxIdleConns: 4},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func checkAddress(address string) error {
	u, err := url.Parse(strings.ReplaceAll(address, placeholder, "node"))
	switch {
	case err != nil:
		return err
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("it must begin with http:// or https://")
	case u.Host == "":
		return errors.New("it names no host")
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return errors.New("it must have no user, query or fragment")
	}
	_, path, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "http://"), "/")
	if strings.Count(address, placeholder) == 0 || strings.Count(path, placeholder) != strings.Count(address, placeholder) {
		return errors.New("it must have " + placeholder + " in its path, and only there")
	}
	return nil
}

// Off asks for the power of a node to be cut. It may be repeated.
func (h *HTTP) Off(ctx context.Context, node string) error {
	_, err := h.do(ctx, http.MethodPost, node, "/off")
	return err
}

// IsOff asks whether the machine of a node is off now.
func (h *HTTP) IsOff(ctx context.Context, node string) (bool, error) {
	body, err := h.do(ctx, http.MethodGet, node, "")
	if err != nil {
		return false, err
	}
	var answer struct {
		Power string `json:"power"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return false, fmt.Errorf("read the answer of the power switch (%s): %w", excerpt(body), err)
	}
	return isOff(answer.Power, body)
}

func isOff(power string, answer []byte) (bool, error) {
	switch power {
	case "on":
		return false, nil
	case "off":
		return true, nil
	}
	return false, fmt.Errorf("read the answer of the power switch: it is neither on nor off but %s", excerpt(answer))
}

// do makes one request and returns the body of a 2xx answer.
func (h *HTTP) do(ctx context.Context, method, node, suffix string) ([]byte, error) {
	if err := checkNode(node); err != nil {
		return nil, err
	}
	address := strings.ReplaceAll(h.address, placeholder, url.PathEscape(node)) + suffix
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, fmt.Errorf("make request to the power switch: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	if h.token != "" {
		request.Header.Set("Authorization", "Bearer "+h.token)
	}
	response, err := h.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("reach the power switch: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	return readAnswer(response)
}

func readAnswer(response *http.Response) ([]byte, error) {
	var body bytes.Buffer
	n, err := io.Copy(&body, io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case response.StatusCode < 200 || response.StatusCode > 299:
		return nil, fmt.Errorf("power switch refused with %s: it said %s", response.Status, excerpt(body.Bytes()))
	case err != nil:
		return nil, fmt.Errorf("read the answer of the power switch: %w", err)
	case n > maxAnswer:
		return nil, fmt.Errorf("read the answer of the power switch: it is longer than %d bytes", maxAnswer)
	}
	return body.Bytes(), nil
}
