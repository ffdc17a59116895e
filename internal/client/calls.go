package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/rollout"
	"github.com/salvor-io/salvor/policies"
)

// Login says where people can log in.
func (c *Client) Login(ctx context.Context) (api.Login, error) {
	return answer[api.Login](ctx, c, request{http.MethodGet, "/v1/login", nil, nil})
}

// Filter says which incidents are wanted: the live ones, unless All or State say otherwise.
type Filter struct {
	Cluster, State string
	All            bool
}

// Incidents lists incidents, the oldest first.
func (c *Client) Incidents(ctx context.Context, f Filter) ([]api.Summary, error) {
	query := url.Values{}
	for name, value := range map[string]string{"cluster": f.Cluster, "state": f.State} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if f.All {
		query.Set("all", "true")
	}
	return answer[[]api.Summary](ctx, c, request{http.MethodGet, "/v1/incidents", query, nil})
}

// Incident reads one incident by its id, its short name, or the beginning of one.
func (c *Client) Incident(ctx context.Context, name string) (api.Incident, error) {
	return answer[api.Incident](ctx, c, request{http.MethodGet, "/v1/incidents/" + url.PathEscape(name), nil, nil})
}

// Plan reads the plan of an incident.
func (c *Client) Plan(ctx context.Context, name string) (api.Plan, error) {
	return answer[api.Plan](ctx, c, request{http.MethodGet, "/v1/incidents/" + url.PathEscape(name) + "/plan", nil, nil})
}

// Approvals lists what people are asked now, the most urgent first.
func (c *Client) Approvals(ctx context.Context) ([]api.Approval, error) {
	return answer[[]api.Approval](ctx, c, request{http.MethodGet, "/v1/approvals", nil, nil})
}

// Say says something in the caller's name about what is asked of an incident.
func (c *Client) Say(ctx context.Context, name string, said api.SayRequest) (api.SaidAnswer, error) {
	return answer[api.SaidAnswer](ctx, c, request{http.MethodPost, "/v1/incidents/" + url.PathEscape(name) + "/votes", nil, said})
}

// Stop stops the plan of an incident in the caller's name.
func (c *Client) Stop(ctx context.Context, name string, halt api.StopRequest) (api.SaidAnswer, error) {
	return answer[api.SaidAnswer](ctx, c, request{http.MethodPost, "/v1/incidents/" + url.PathEscape(name) + "/stops", nil, halt})
}

// LoginLink makes a link by which the caller is logged in to the console, once.
func (c *Client) LoginLink(ctx context.Context) (api.LoginLink, error) {
	return answer[api.LoginLink](ctx, c, request{http.MethodPost, "/v1/logins", nil, nil})
}

// BreakGlass has the plan of an incident run without policy in the caller's name, once another has said so, too.
func (c *Client) BreakGlass(ctx context.Context, name string, said api.BreakRequest) (api.SaidAnswer, error) {
	return answer[api.SaidAnswer](ctx, c, request{http.MethodPost, "/v1/incidents/" + url.PathEscape(name) + "/break-glass", nil, said})
}

// Would lists what was held back since a time, the oldest first, in one cluster or, with "", in all.
func (c *Client) Would(ctx context.Context, from time.Time, cluster string) ([]api.Would, error) {
	query := url.Values{"from": {from.UTC().Format(time.RFC3339)}}
	if cluster != "" {
		query.Set("cluster", cluster)
	}
	return answer[[]api.Would](ctx, c, request{http.MethodGet, "/v1/would", query, nil})
}

// Pauses lists the pauses in force, the oldest first.
func (c *Client) Pauses(ctx context.Context) ([]policies.Pause, error) {
	return answer[[]policies.Pause](ctx, c, request{http.MethodGet, "/v1/pauses", nil, nil})
}

// Pause throws a switch in the caller's name.
func (c *Client) Pause(ctx context.Context, p api.PauseRequest) (policies.Pause, error) {
	return answer[policies.Pause](ctx, c, request{http.MethodPost, "/v1/pauses", nil, p})
}

// Resume ends the pause of exactly that scope.
func (c *Client) Resume(ctx context.Context, scope policies.Pause) error {
	query := url.Values{}
	for name, value := range map[string]string{"cluster": scope.Cluster, "kind": scope.Kind, "target": scope.Target} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return c.call(ctx, request{http.MethodDelete, "/v1/pauses", query, nil}, nil)
}

// Declare declares in the caller's name that something is broken.
func (c *Client) Declare(ctx context.Context, d api.DeclareRequest) (api.Declaration, error) {
	return answer[api.Declaration](ctx, c, request{http.MethodPost, "/v1/declarations", nil, d})
}

// Run has a runbook run in the caller's name, as far as policy and people let it.
func (c *Client) Run(ctx context.Context, run api.RunRequest) (api.Declaration, error) {
	return answer[api.Declaration](ctx, c, request{http.MethodPost, "/v1/runs", nil, run})
}

// TakeBack ends what was declared of exactly that.
func (c *Client) TakeBack(ctx context.Context, cluster, kind, name string) error {
	query := url.Values{"cluster": {cluster}, "kind": {kind}}
	if name != "" {
		query.Set("name", name)
	}
	return c.call(ctx, request{http.MethodDelete, "/v1/declarations", query, nil}, nil)
}

// Policy says which policy is in force, and what else is known of it.
func (c *Client) Policy(ctx context.Context) (rollout.Status, error) {
	return answer[rollout.Status](ctx, c, request{http.MethodGet, "/v1/policy", nil, nil})
}

// ActivatePolicy brings the held policy into force in the caller's name.
func (c *Client) ActivatePolicy(ctx context.Context, a api.ActivateRequest) (rollout.Standing, error) {
	return answer[rollout.Standing](ctx, c, request{http.MethodPost, "/v1/policy/activate", nil, a})
}

// Version says which Salvor answers.
func (c *Client) Version(ctx context.Context) (api.Version, error) {
	return answer[api.Version](ctx, c, request{http.MethodGet, "/v1/version", nil, nil})
}

// Me says who the caller is.
func (c *Client) Me(ctx context.Context) (api.Me, error) {
	return answer[api.Me](ctx, c, request{http.MethodGet, "/v1/me", nil, nil})
}

// answer calls and reads the answer.
func answer[T any](ctx context.Context, c *Client, req request) (T, error) {
	var out T
	err := c.call(ctx, req, &out)
	return out, err
}

// Fold makes the incident of an answer, and what policy was asked by Decision.Ref. A history that this version does not know
// is an error.
func Fold(in api.Incident) (*incident.Incident, map[string]policies.Question, error) {
	history := make([]incident.Sequenced, len(in.History))
	for i, rec := range in.History {
		history[i] = rec.Sequenced()
	}
	inc, err := incident.Fold(history)
	if err != nil {
		return nil, nil, fmt.Errorf("read the history of %s: %w", in.Name, err)
	}
	asked := map[string]policies.Question{}
	for ref, doc := range in.Asked {
		var stored struct {
			Question policies.Question `json:"question"`
		}
		if json.Unmarshal(doc, &stored) == nil { // what cannot be read is not shown
			asked[ref] = stored.Question
		}
	}
	return inc, asked, nil
}
