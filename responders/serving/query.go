package serving

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// maxQuery bounds an expression, in bytes.
const maxQuery = 4096

// Query changes nothing. It verifies that an expression of PromQL comes to numbers for which a comparison holds, all of them. What
// comes to nothing, is no number, or is not of now proves nothing in either direction.
type Query struct{ servers map[string]*Prometheus }

// NewQuery makes the responder prometheus.query of the Prometheus of each cluster that has one.
func NewQuery(servers map[string]*Prometheus) *Query { return &Query{servers} }

// Spec describes prometheus.query. It asks nothing of the API server.
func (q *Query) Spec() responders.Spec {
	return responders.Spec{
		Name:  "prometheus.query",
		About: "verifies by the cluster's Prometheus that every value a query comes to is as it should be; writes nothing",
		Class: policies.Observe,
		Params: []responders.Param{
			{Name: "query", Type: responders.ParamString, Required: true, About: "an expression of PromQL that comes to one number, or one for each series"},
			{Name: "is", Type: responders.ParamComparison, Required: true, About: "what each of the numbers must be, such as >= 0.99"},
		},
	}
}

// expectation is what the plan pinned.
type expectation struct {
	Query string `json:"query"`
	Is    string `json:"is"`
}

// Preview pins the query. A cluster without Prometheus is an error: the author asks for a proof that nobody could give.
func (q *Query) Preview(_ context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := q.Spec().Check(args); err != nil {
		return responders.Change{}, err
	}
	facts := expectation{strings.TrimSpace(args.Text("query")), args.Text("is")}
	if facts.Query == "" || len(facts.Query) > maxQuery {
		return responders.Change{}, fmt.Errorf("prometheus.query: the query must have 1 to %d bytes, not %d", maxQuery, len(facts.Query))
	}
	if _, err := q.server(env.Cluster); err != nil {
		return responders.Change{}, err
	}
	change := responders.Change{Responder: "prometheus.query",
		Targets: []policies.Target{{Kind: "Query", Name: env.Step, UID: uidOf(facts.Query, facts.Is)}},
		Will:    []string{fmt.Sprintf("%s is awaited to be %s", strings.Join(strings.Fields(facts.Query), " "), facts.Is)}}
	return change, pin(&change, facts)
}

func (q *Query) server(cluster string) (*Prometheus, error) {
	if server, ok := q.servers[cluster]; ok {
		return server, nil
	}
	return nil, fmt.Errorf("cluster %s has no Prometheus to ask: set clusters[].prometheus in salvor.yaml, or take prometheus.query out of the runbook", cluster)
}

// Apply does nothing: there is nothing to do but to look.
func (q *Query) Apply(context.Context, responders.Env, responders.Change) error { return nil }

// Verify asks Prometheus once.
func (q *Query) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	var facts expectation
	if err := json.Unmarshal(change.Detail, &facts); err != nil {
		return unknown(fmt.Errorf("read the pinned facts of %s: %w", change.Responder, err))
	}
	is, err := responders.ParseComparison(facts.Is)
	if err != nil {
		return unknown(err)
	}
	server, err := q.server(env.Cluster)
	if err != nil {
		return unknown(err)
	}
	answer, err := server.Query(ctx, facts.Query)
	if err != nil {
		return unknown(err)
	}
	return weigh(facts.Query, is, answer)
}

// weigh holds the values against the comparison.
func weigh(query string, is responders.Comparison, answer Answer) (responders.Finding, error) {
	var missing, empty []string
	for _, sample := range answer.Samples {
		switch {
		case math.IsNaN(sample.Value):
			empty = append(empty, sample.Series+" is no number")
		case !is.Holds(sample.Value):
			missing = append(missing, fmt.Sprintf("%s is %s, not %s", sample.Series, strconv.FormatFloat(sample.Value, 'g', 6, 64), is))
		}
	}
	if why := unproven(answer, empty); len(missing) == 0 && why != "" {
		return unknown(fmt.Errorf("%s: %s%s", shortened(query), why, warned(answer)))
	}
	found := responders.FindingOf(len(answer.Samples), append(missing, empty...))
	if len(found.Detail) > 0 {
		found.Detail[0] = shortened(query) + ": " + found.Detail[0] + warned(answer)
	}
	return found, nil
}

// unproven says why an answer in which nothing speaks against it is no proof, if so.
func unproven(answer Answer, empty []string) string {
	switch {
	case len(answer.Samples) == 0:
		return "it comes to nothing: without data it is neither so nor not so"
	case len(empty) > 0:
		return empty[0] + ": without data it is neither so nor not so"
	case len(answer.Warnings) > 0:
		return "part of the data may be missing"
	}
	return ""
}

func shortened(query string) string {
	text := []rune(strings.Join(strings.Fields(query), " "))
	if len(text) > 100 {
		return string(text[:100]) + "..."
	}
	return string(text)
}

// warned is what Prometheus warned of.
func warned(answer Answer) string {
	if len(answer.Warnings) == 0 {
		return ""
	}
	return " (Prometheus warns: " + quoted(answer.Warnings[0], 200) + ")"
}
