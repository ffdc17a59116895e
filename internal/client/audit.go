package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Trails gives read the trails that are kept, as they are stored.
func (c *Client) Trails(ctx context.Context, read func(io.Reader) error) error {
	return c.pour(ctx, "audit", request{http.MethodGet, "/v1/audit", url.Values{"only": {"trails"}}, nil}, read)
}

// Audit gives read all that is kept, as it is stored: of incidents that had a record at from or later, or of one. What read has seen of
// it after an error is not whole.
func (c *Client) Audit(ctx context.Context, from time.Time, incident string, read func(io.Reader) error) error {
	query := url.Values{}
	if !from.IsZero() {
		query.Set("from", from.UTC().Format(time.RFC3339Nano))
	}
	if incident != "" {
		query.Set("incident", incident)
	}
	return c.pour(ctx, "audit", request{http.MethodGet, "/v1/audit", query, nil}, read)
}
