package supervisor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// cluster is the API server as the supervisor uses it: a few plain requests.
type cluster struct {
	url    string
	token  string
	client *http.Client
}

func newCluster(url, token string, caPEM []byte) *cluster {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(caPEM)
	return &cluster{url: url, token: token, client: &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}},
	}}
}

// get reads the object at path into object, which may be nil.
func (c *cluster) get(ctx context.Context, path string, object any) error {
	return c.do(ctx, http.MethodGet, path, nil, object)
}

// ensure creates an object unless it is there already.
func (c *cluster) ensure(ctx context.Context, path string, object any) error {
	body, err := json.Marshal(object)
	if err != nil {
		return err
	}
	var conflict statusError
	err = c.do(ctx, http.MethodPost, path, body, nil)
	if errors.As(err, &conflict) && conflict.code == http.StatusConflict {
		return nil
	}
	return err
}

func (c *cluster) do(ctx context.Context, method, path string, body []byte, result any) error {
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return statusError{code: response.StatusCode, body: string(data)}
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(data, result)
}

// statusError is an answer of the API server that is not a success.
type statusError struct {
	code int
	body string
}

func (e statusError) Error() string {
	return fmt.Sprintf("status %d: %s", e.code, e.body)
}
