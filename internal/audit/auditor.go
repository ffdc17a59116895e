package audit

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

// Ledger gives what is kept as it is stored, with the promises of package ledger.
type Ledger interface {
	Named(ctx context.Context, text string) ([]incident.ID, error)
	KeptIncident(ctx context.Context, id incident.ID) ([]incident.Kept, error)
	KeptDecision(ctx context.Context, ref string) (incident.Kept, error)
	KeptTrails(ctx context.Context, give func(trail string, entries []incident.Kept, unread error) error) error
}

// Auditor writes audits. All of its parts are needed.
type Auditor struct {
	Ledger  Ledger
	Missing error // what Ledger returns where there is none
	Version string
	Clock   func() time.Time
}

// everyName is how the short name of every incident begins.
const everyName = "inc-"

// keptDays is for how many days what has ended is kept.
const keptDays = 400

// Span says what is wanted: the incidents that had a record at From or later, and one before To, and all trails; or only one incident;
// or the trails alone.
type Span struct {
	From, To time.Time
	Only     incident.ID
	Trails   bool
}

// admits says whether an incident is wanted.
func (s Span) admits(history []incident.Kept) bool {
	return s.Only != "" || len(history) == 0 || !history[len(history)-1].StoredAt.Before(s.From) && history[0].StoredAt.Before(s.To)
}

// Audit writes an audit: each incident of the span with what policy was asked about it, and all trails. After an error what was written
// is not whole.
func (a *Auditor) Audit(ctx context.Context, w io.Writer, span Span) error {
	out := bufio.NewWriterSize(w, 64<<10)
	t := &telling{Auditor: a, out: out}
	err := write(out, Line{Is: IsBegin, Begin: &Begin{Schema: Schema, Version: a.Version, At: a.Clock().UTC(), From: span.From.UTC(), To: span.To.UTC(),
		Only: span.Only, OnlyTrails: span.Trails, KeptDays: keptDays}})
	if err == nil && !span.Trails {
		err = t.incidents(ctx, span)
	}
	if err == nil && span.Only == "" {
		err = a.Ledger.KeptTrails(ctx, t.trail)
	}
	if err == nil {
		err = write(out, Line{Is: IsEnd, Count: &t.count})
	}
	return errors.Join(err, out.Flush())
}

// telling is one audit being written.
type telling struct {
	*Auditor
	out   io.Writer
	count Count
}

func (t *telling) incidents(ctx context.Context, span Span) error {
	ids := []incident.ID{span.Only}
	if span.Only == "" {
		var err error
		if ids, err = t.Ledger.Named(ctx, everyName); err != nil {
			return err
		}
	}
	for _, id := range ids {
		if err := t.incident(ctx, id, span); err != nil {
			return err
		}
	}
	return nil
}

// incident tells of an incident. One that the archive has let go of meanwhile is left out.
func (t *telling) incident(ctx context.Context, id incident.ID, span Span) error {
	history, err := t.Ledger.KeptIncident(ctx, id)
	switch {
	case errors.Is(err, events.ErrUnavailable), errors.Is(err, t.Missing) && span.Only != "":
		return err
	case errors.Is(err, t.Missing):
		return nil
	case err != nil:
		t.count.Incidents++
		return write(t.out, Line{Is: IsUnread, Of: string(id), Why: err.Error()})
	case !span.admits(history):
		return nil
	}
	t.count.Incidents++
	for _, kept := range history {
		t.count.Records++
		if err := t.kept(IsRecord, string(id), kept); err != nil {
			return err
		}
	}
	return t.documents(ctx, history)
}

// documents tells of the documents that a history names, each once, as far as they are there.
func (t *telling) documents(ctx context.Context, history []incident.Kept) error {
	told := map[string]bool{}
	for _, kept := range history {
		var rec linked
		_ = json.Unmarshal(kept.Bytes, &rec) // of one that cannot be read, whoever checks it says so
		for _, asked := range rec.documents() {
			if told[asked.Ref] {
				continue
			}
			told[asked.Ref] = true
			if err := t.document(ctx, asked.Ref); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *telling) document(ctx context.Context, ref string) error {
	doc, err := t.Ledger.KeptDecision(ctx, ref)
	if errors.Is(err, t.Missing) {
		return nil
	}
	if err != nil {
		return err
	}
	t.count.Documents++
	return t.kept(IsDocument, ref, doc)
}

func (t *telling) trail(name string, entries []incident.Kept, unread error) error {
	t.count.Trails++
	if unread != nil {
		return write(t.out, Line{Is: IsUnreadTrail, Of: name, Why: unread.Error()})
	}
	for _, kept := range entries {
		t.count.Entries++
		if err := t.kept(IsEntry, name, kept); err != nil {
			return err
		}
	}
	return nil
}

func (t *telling) kept(is Is, of string, kept incident.Kept) error {
	return write(t.out, Line{Is: is, Of: of, Seq: kept.Seq, StoredAt: kept.StoredAt.UTC(), Mark: kept.Mark, Bytes: kept.Bytes})
}
