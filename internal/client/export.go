package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	prepareWithin = 5 * time.Minute  // for the server to read all there is, before it writes
	stalledAfter  = 90 * time.Second // without anything that comes, once it writes
)

// Export writes to w what was recorded in a span. After an error what was written is not whole.
func (c *Client) Export(ctx context.Context, from, to time.Time, w io.Writer) error {
	return c.pour(ctx, "export", request{http.MethodGet, "/v1/export", spanOf(from, to), nil}, func(r io.Reader) error {
		_, err := io.Copy(w, r)
		return err
	})
}

func spanOf(from, to time.Time) url.Values {
	return url.Values{"from": {from.UTC().Format(time.RFC3339Nano)}, "to": {to.UTC().Format(time.RFC3339Nano)}}
}

// pour gives read an answer that may be long. What read has seen of it after an error is not whole.
func (c *Client) pour(ctx context.Context, what string, of request, read func(io.Reader) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := c.request(ctx, of)
	if err != nil {
		return err
	}
	resp, err := c.sendBy(c.patient, req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	stalled := time.AfterFunc(stalledAfter, func() { cancel(fmt.Errorf("nothing came for %s", stalledAfter)) })
	defer stalled.Stop()
	err = read(alive{resp.Body, func() { stalled.Reset(stalledAfter) }})
	switch cause := context.Cause(ctx); {
	case err == nil:
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s from %s: %w: it cut the answer off, see its log", what, c.place, ErrUnreachable)
	case cause != nil:
		return fmt.Errorf("%s from %s: %w", what, c.place, cause)
	}
	return fmt.Errorf("%s from %s: %w", what, c.place, err)
}

// alive tells of each read that brought something.
type alive struct {
	io.Reader
	heard func()
}

// Read implements io.Reader.
func (a alive) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if n > 0 {
		a.heard()
	}
	return n, err
}
