package api

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

// decisionFilter says which decisions are wanted, and how.
type decisionFilter struct {
	from, to      time.Time
	after         uint64
	limit         int
	lines         bool
	cluster, kind string
	incident      incident.ID
	verdict       *policies.Verdict
	about         policies.About
}

const listingDecisions = "list decisions"

func (a *API) decisionFilter(r *http.Request) (f decisionFilter, err error) {
	q := r.URL.Query()
	if f.from, f.to, err = a.spanOf(r, listingDecisions, 24*time.Hour); err != nil {
		return f, err
	}
	if f.after, err = numberOf(r, "after", 0, 1<<63); err != nil {
		return f, err
	}
	limit, err := numberOf(r, "limit", pageOf, mostOf)
	if err != nil {
		return f, err
	}
	switch form := q.Get("form"); form {
	case "", "list":
	case "lines":
		f.lines = true
	default:
		return f, &Refusal{http.StatusBadRequest, listingDecisions, fmt.Sprintf("no form is named %q", form), "give form=lines, or none"}
	}
	f.cluster, f.kind, f.about, f.limit = q.Get("cluster"), q.Get("kind"), policies.About(q.Get("about")), max(1, int(limit))
	return f, a.narrow(r, &f)
}

// numberOf is a whole number of the query.
func numberOf(r *http.Request, name string, usual, most uint64) (uint64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n > most {
		return 0, &Refusal{http.StatusBadRequest, listingDecisions, fmt.Sprintf("%s is %q", name, text), fmt.Sprintf("give a whole number up to %d", most)}
	}
	return n, nil
}

// narrow takes in which verdict and which incident are wanted. Of an incident, all that was asked since it was opened is.
func (a *API) narrow(r *http.Request, f *decisionFilter) error {
	q := r.URL.Query()
	if text := q.Get("verdict"); text != "" {
		f.verdict = new(policies.Verdict)
		if err := f.verdict.UnmarshalText([]byte(text)); err != nil {
			return &Refusal{http.StatusBadRequest, listingDecisions, err.Error(), "give deny, ask or act"}
		}
	}
	if err := f.check(); err != nil {
		return err
	}
	name := q.Get("incident")
	if name == "" {
		return nil
	}
	id, err := a.resolve(r.Context(), name)
	if err != nil {
		return err
	}
	inc, err := a.Ledger.Load(r.Context(), id)
	if err != nil {
		return err
	}
	if f.incident = id; q.Get("from") == "" && len(inc.History) > 0 && inc.History[0].StoredAt.Before(f.to) {
		f.from = inc.History[0].StoredAt
	}
	return nil
}

// check refuses kinds and questions that there are none of: a list without any would be taken for an answer.
func (f decisionFilter) check() error {
	if f.kind != "" && !slices.Contains(classifiers.Kinds(), classifiers.Kind(f.kind)) {
		return &Refusal{http.StatusBadRequest, listingDecisions, fmt.Sprintf("no kind of fault is named %q", f.kind), "give node, zone, region, data, config or security"}
	}
	if f.about != "" && f.about != policies.AboutDecision && f.about != policies.AboutGate && f.about != policies.AboutAuthorize {
		return &Refusal{http.StatusBadRequest, listingDecisions, fmt.Sprintf("nothing is asked about %q", f.about), "give decision, gate or authorize"}
	}
	return nil
}

// picks says that not all decisions of the span are wanted, so that each has to be read.
func (f decisionFilter) picks() bool {
	return f.cluster != "" || f.kind != "" || f.about != "" || f.incident != "" || f.verdict != nil
}

// admits says whether a decision is wanted. One that cannot be read is, wherever it may be meant.
func (f decisionFilter) admits(d Decision) bool {
	is := func(want, have string) bool { return want == "" || want == have || d.Unread != "" }
	return is(f.cluster, d.Cluster) && is(f.kind, d.Kind) && is(string(f.about), string(d.About)) &&
		(f.incident == "" || f.incident == d.Incident) && (f.verdict == nil || *f.verdict == d.Verdict || d.Unread != "")
}
