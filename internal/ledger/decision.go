package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

// MaxDecision bounds a decision document as JSON, in bytes.
const MaxDecision = 256 << 10

// Decide stores what policy was asked and what it said for 400 days, and beside that takes what the claim of a plan that may run
// names, nil being nothing. It returns how the Decided that AppendClaimed is to add names the document. The errors are those of
// AppendIntent. After one, either may be there: a document that no record names is no harm, and a claim is held by the incident all
// the same.
func (l *Ledger) Decide(ctx context.Context, inc *incident.Incident, doc any, claim *Claim) (incident.Asked, error) {
	d, err := DecisionOf(inc.ID, doc)
	if err == nil {
		err = l.keeping(ctx, inc, d, func() error {
			if claim == nil {
				return nil
			}
			return l.claim(ctx, inc, *claim)
		})
	}
	if err != nil {
		return incident.Asked{}, fmt.Errorf("decide upon incident %s: %w", inc.ID, err)
	}
	return d.Asked, nil
}

// Keep stores what policy was asked and what it said beside what is decided upon, and returns the names of the documents in their order.
// It may be repeated. A document that no record names is no harm.
func (l *Ledger) Keep(ctx context.Context, inc *incident.Incident, docs ...any) ([]incident.Asked, error) {
	named := make([]incident.Asked, len(docs))
	var group errgroup.Group
	for i, doc := range docs {
		d, err := DecisionOf(inc.ID, doc)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("keep decisions of incident %s: %w", inc.ID, err), group.Wait())
		}
		named[i] = d.Asked
		group.Go(func() error { return l.keep(ctx, inc, d) })
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("keep decisions of incident %s: %w", inc.ID, err)
	}
	return named, nil
}

// AppendAsked stores what policy was asked and what it said, and then appends a record that names it as its Gate, as Append does.
func (l *Ledger) AppendAsked(ctx context.Context, inc *incident.Incident, rec incident.Record, doc any) (uint64, error) {
	d, err := DecisionOf(inc.ID, doc)
	if err == nil {
		err = l.keep(ctx, inc, d)
	}
	if err != nil {
		return 0, fmt.Errorf("append %s to incident %s: %w", rec.Kind, inc.ID, err)
	}
	rec.Gate = &d.Asked
	return l.Append(ctx, inc, rec)
}

// keeping stores a document while f runs, and returns when both have ended: what is named by its bytes may be named before it lies
// where it is named.
func (l *Ledger) keeping(ctx context.Context, inc *incident.Incident, d incident.StoredDecision, f func() error) error {
	var group errgroup.Group
	group.Go(func() error { return l.keep(ctx, inc, d) })
	err := f()
	return errors.Join(err, group.Wait())
}

// keep stores a document. The same for the same incident again within two minutes is stored once.
func (l *Ledger) keep(ctx context.Context, inc *incident.Incident, d incident.StoredDecision) error {
	msg := nats.NewMsg(decisionPrefix + events.Token(inc.Key.Cluster) + "." + string(inc.ID) + "." + lastPart(d.Ref))
	msg.Data = d.Document
	msg.Header.Set(jetstream.MsgIDHeader, string(inc.ID)+"/"+d.Sum)
	if _, err := l.publish(ctx, msg); err != nil {
		return fmt.Errorf("store what policy was asked: %w", err)
	}
	return nil
}

// nameOf is how many digits of its sum name a document among those of its incident.
const nameOf = 16

func refOf(id incident.ID, name string) string { return string(id) + "/" + name }

// DecisionOf renders what policy was asked about an incident as it is stored. One that is larger than MaxDecision is an error.
func DecisionOf(id incident.ID, doc any) (incident.StoredDecision, error) {
	data, err := json.Marshal(doc)
	if err != nil {
		return incident.StoredDecision{}, fmt.Errorf("render what policy was asked: %w", err)
	}
	if len(data) > MaxDecision {
		return incident.StoredDecision{}, fmt.Errorf("what policy was asked is %d bytes, at most %d are stored", len(data), MaxDecision)
	}
	sum := incident.SumOf(data)
	return incident.StoredDecision{Asked: incident.Asked{Ref: refOf(id, sum[:nameOf]), Sum: sum}, Incident: id, Document: data}, nil
}

// ReadDecision reads the document that a record names. It returns ErrNotFound when it is not there any more.
func (l *Ledger) ReadDecision(ctx context.Context, ref string) (json.RawMessage, error) {
	msg, err := l.decision(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("read decision %s: %w", ref, err)
	}
	return msg.Data, nil
}

// decision reads the document of a reference: by what names it among those of its incident, or, where an older version stored it, by
// its place in the stream.
func (l *Ledger) decision(ctx context.Context, ref string) (*stored, error) {
	id, name, _ := strings.Cut(ref, "/")
	if err := checkID(incident.ID(id)); err != nil {
		return nil, err
	}
	q := query{Last: decisionPrefix + "*." + id + "." + name}
	if len(name) != nameOf || strings.Trim(name, "0123456789abcdef") != "" {
		seq, err := strconv.ParseUint(name, 10, 64)
		if err != nil || seq == 0 {
			return nil, fmt.Errorf("%q is no reference to one: %w", ref, ErrNotFound)
		}
		q = query{Seq: seq}
	}
	msg, err := l.get(ctx, DecisionsStream, q)
	switch {
	case err != nil:
		return nil, err
	case msg == nil || storedDecision(*msg).Ref != ref:
		return nil, ErrNotFound
	}
	return msg, nil
}

// storedDecision is a message of the stream of decisions, by the reference that names it.
func storedDecision(msg stored) incident.StoredDecision {
	parts := strings.Split(strings.TrimPrefix(msg.Subject, decisionPrefix), ".")
	name := strconv.FormatUint(msg.Seq, 10) // as an older version stored it
	if len(parts) == 3 {
		name = parts[2]
	}
	id := incident.ID("")
	if len(parts) > 1 {
		id = incident.ID(parts[1])
	}
	return incident.StoredDecision{Asked: incident.Asked{Ref: refOf(id, name), Sum: incident.SumOf(msg.Data)}, Incident: id,
		Seq: msg.Seq, StoredAt: msg.At, Document: msg.Data}
}

// lastPart is what follows the slash of a reference.
func lastPart(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }
