package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/salvor-io/salvor/internal/api"
)

// DecisionFilter says which decisions are wanted; what is empty does not matter. With no From that is a day, or since the incident
// that is named was opened.
type DecisionFilter struct {
	From, To                                time.Time
	Cluster, Kind, Incident, Verdict, About string
}

func (f DecisionFilter) query() url.Values {
	query := url.Values{}
	for name, at := range map[string]time.Time{"from": f.From, "to": f.To} {
		if !at.IsZero() {
			query.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	for name, value := range map[string]string{"cluster": f.Cluster, "kind": f.Kind, "incident": f.Incident, "verdict": f.Verdict, "about": f.About} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query
}

// Decisions lists what policy was asked and said, the oldest first, and since when such is kept.
func (c *Client) Decisions(ctx context.Context, f DecisionFilter) (api.Decisions, error) {
	query, all := f.query(), api.Decisions{Decisions: []api.Decision{}}
	for {
		page, err := answer[api.Decisions](ctx, c, request{http.MethodGet, "/v1/decisions", query, nil})
		if err != nil {
			return all, err
		}
		all.Decisions, all.KeptSince = append(all.Decisions, page.Decisions...), page.KeptSince
		if page.Next == nil {
			return all, nil
		}
		query.Set("from", page.Next.From.UTC().Format(time.RFC3339Nano))
		query.Set("after", strconv.FormatUint(page.Next.After, 10))
	}
}

// DecisionLines gives each decision in full, the oldest first, until each returns an error (it returns that). It holds one of them.
func (c *Client) DecisionLines(ctx context.Context, f DecisionFilter, each func(api.DecisionDocument) error) error {
	query := f.query()
	query.Set("form", "lines")
	return c.pour(ctx, "list decisions", request{http.MethodGet, "/v1/decisions", query, nil}, func(r io.Reader) error {
		lines := json.NewDecoder(r)
		for {
			var d api.DecisionDocument
			err := lines.Decode(&d)
			if err == nil {
				err = each(d)
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
		}
	})
}

// Decision reads one decision in full, by its reference: that of its record, or one whose incident is named shortly.
func (c *Client) Decision(ctx context.Context, incident, name string) (api.DecisionDocument, error) {
	return answer[api.DecisionDocument](ctx, c, request{http.MethodGet, "/v1/decisions/" + url.PathEscape(incident) + "/" + url.PathEscape(name), nil, nil})
}
