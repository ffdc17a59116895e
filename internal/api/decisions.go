package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/policies"
)

// DecisionLog is what policy was asked and answered, all of it, in the order in which it was stored.
type DecisionLog interface {
	Decisions(ctx context.Context, from, to time.Time, give func(incident.StoredDecision) error) error
	DecisionsBegin(ctx context.Context) (time.Time, error)
}

// The bounds of a page of decisions.
const (
	pageOf   = 500
	mostOf   = 1000
	pageTime = 20 * time.Second
)

// Decision is what policy was asked about one plan, and what it said, in short.
type Decision struct {
	Ref      string            `json:"ref"`
	Sum      string            `json:"sum"` // SHA-256 of the document, as it is stored
	Seq      uint64            `json:"seq"`
	StoredAt time.Time         `json:"stored_at"`
	Incident incident.ID       `json:"incident"`
	Name     string            `json:"name"`
	Cluster  string            `json:"cluster"`
	Kind     string            `json:"kind"`
	Anchor   string            `json:"anchor"`
	About    policies.About    `json:"about"`
	Phase    string            `json:"phase"`
	Runbook  string            `json:"runbook"` // empty where no plan could be made
	Plan     string            `json:"plan"`    // its digest
	Verdict  policies.Verdict  `json:"verdict"`
	Would    policies.Verdict  `json:"would"`
	Reasons  []policies.Reason `json:"reasons"`
	Held     []policies.Reason `json:"held"`
	Revision string            `json:"revision"`
	Unread   string            `json:"unread,omitempty"` // why nothing can be said of it but where it lies
}

// Decisions are some of what policy was asked, the oldest first.
type Decisions struct {
	Decisions []Decision `json:"decisions"`
	KeptSince time.Time  `json:"kept_since,omitzero"` // before, none is kept any more, or none was asked
	Next      *Place     `json:"next,omitempty"`      // where the next page begins, nil where there is none
}

// Place is a place among the decisions: after one that was stored at a time.
type Place struct {
	From  time.Time `json:"from"`
	After uint64    `json:"after"`
}

// DecisionDocument is one decision in full.
type DecisionDocument struct {
	Ref      string          `json:"ref"`
	Sum      string          `json:"sum"`
	Seq      uint64          `json:"seq,omitzero"`       // in a list
	StoredAt time.Time       `json:"stored_at,omitzero"` // in a list
	Incident incident.ID     `json:"incident"`
	Document json.RawMessage `json:"document"`
}

// listDecisions answers with a page of decisions, or with all of them in full where the form is "lines".
func (a *API) listDecisions(w http.ResponseWriter, r *http.Request) error {
	want, err := a.decisionFilter(r)
	if err != nil {
		return err
	}
	if want.lines {
		return a.pour(w, r, "list decisions", func(ctx context.Context, out io.Writer) error { return a.decisionLines(ctx, out, want) })
	}
	ctx, cancel := context.WithTimeout(r.Context(), pageTime)
	defer cancel()
	page, err := a.decisionPage(ctx, want)
	if err != nil {
		return err
	}
	a.write(w, r, http.StatusOK, page)
	return nil
}

// errFull ends the reading of a page.
var errFull = errors.New("the page is full")

func (a *API) decisionPage(ctx context.Context, want decisionFilter) (Decisions, error) {
	page := Decisions{Decisions: []Decision{}}
	var err error
	if page.KeptSince, err = a.DecisionLog.DecisionsBegin(ctx); err != nil {
		return page, err
	}
	err = a.DecisionLog.Decisions(ctx, want.from, want.to, func(d incident.StoredDecision) error {
		if len(page.Decisions) == want.limit {
			last := page.Decisions[want.limit-1]
			page.Next = &Place{last.StoredAt, last.Seq}
			return errFull
		}
		if short := decisionOf(d); d.Seq > want.after && want.admits(short) {
			page.Decisions = append(page.Decisions, short)
		}
		return nil
	})
	if errors.Is(err, errFull) {
		err = nil
	}
	return page, err
}

func (a *API) decisionLines(ctx context.Context, out io.Writer, want decisionFilter) error {
	buffered := bufio.NewWriterSize(out, 64<<10)
	lines := json.NewEncoder(buffered)
	err := a.DecisionLog.Decisions(ctx, want.from, want.to, func(d incident.StoredDecision) error {
		if d.Seq <= want.after || want.picks() && !want.admits(decisionOf(d)) {
			return nil
		}
		if !json.Valid(d.Document) {
			a.Log.WarnContext(ctx, "a stored decision is no JSON, it is left out: see salvor audit verify", "ref", d.Ref)
			return nil
		}
		return lines.Encode(DecisionDocument{d.Ref, d.Sum, d.Seq, d.StoredAt, d.Incident, d.Document})
	})
	return errors.Join(err, buffered.Flush())
}

// decisionOf is a document in short.
func decisionOf(d incident.StoredDecision) Decision {
	out := Decision{Ref: d.Ref, Sum: d.Sum, Seq: d.Seq, StoredAt: d.StoredAt, Incident: d.Incident, Name: d.Incident.Name()}
	var doc struct {
		Question policies.Question `json:"question"`
		Decision policies.Decision `json:"decision"`
	}
	if err := json.Unmarshal(d.Document, &doc); err != nil {
		out.Unread = err.Error()
		return out
	}
	q := doc.Question
	out.Cluster, out.Kind, out.Anchor, out.About = q.Cluster.Name, q.Fault.Kind, q.Fault.Anchor, q.About
	out.Phase, out.Runbook, out.Plan = q.Plan.Phase, q.Plan.Runbook, q.Plan.Digest
	out.Verdict, out.Would, out.Revision = doc.Decision.Verdict, doc.Decision.Would, doc.Decision.Revision
	out.Reasons, out.Held = doc.Decision.Reasons, doc.Decision.Held
	return out
}

// showDecision answers with one decision in full.
func (a *API) showDecision(w http.ResponseWriter, r *http.Request) error {
	inc, err := a.load(r)
	if err != nil {
		return err
	}
	ref := string(inc.ID) + "/" + r.PathValue("name")
	doc, err := a.Ledger.ReadDecision(r.Context(), ref)
	if errors.Is(err, a.Missing) {
		return &Refusal{http.StatusNotFound, "show decision " + ref, "there is none of that name, or it is not kept any more", "list them: salvor decisions --incident " + inc.Name()}
	}
	if err != nil {
		return err
	}
	if !json.Valid(doc) {
		return &Refusal{http.StatusInternalServerError, "show decision " + ref, "what is stored there is no JSON: it was changed after it was stored", "see what else was: salvor audit verify"}
	}
	a.write(w, r, http.StatusOK, DecisionDocument{Ref: ref, Sum: incident.SumOf(doc), Incident: inc.ID, Document: doc})
	return nil
}
