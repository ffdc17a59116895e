package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
// names, nil being nothing. It returns where the document lies, for the Decided that AppendClaimed is to add. The errors are those
// of AppendIntent. After one, either may be there: a document that no record names is no harm, and a claim is held by the incident
// all the same.
func (l *Ledger) Decide(ctx context.Context, inc *incident.Incident, doc any, claim *Claim) (ref string, err error) {
	msg, err := decisionMessage(inc, doc)
	if err != nil {
		return "", fmt.Errorf("decide upon incident %s: %w", inc.ID, err)
	}
	var seq uint64
	var group errgroup.Group
	group.Go(func() (err error) {
		if seq, err = l.publish(ctx, msg); err != nil {
			return fmt.Errorf("store what policy was asked: %w", err)
		}
		return nil
	})
	if claim != nil {
		err = l.claim(ctx, inc, *claim)
	}
	if err := errors.Join(err, group.Wait()); err != nil {
		return "", fmt.Errorf("decide upon incident %s: %w", inc.ID, err)
	}
	return string(inc.ID) + "/" + strconv.FormatUint(seq, 10), nil
}

// decisionMessage stores a document. The same for the same incident again within two minutes is stored once.
func decisionMessage(inc *incident.Incident, doc any) (*nats.Msg, error) {
	data, err := DecisionDocument(doc)
	if err != nil {
		return nil, err
	}
	msg := nats.NewMsg(decisionPrefix + events.Token(inc.Key.Cluster) + "." + string(inc.ID))
	msg.Data = data
	sum := sha256.Sum256(data)
	msg.Header.Set(jetstream.MsgIDHeader, string(inc.ID)+"/"+hex.EncodeToString(sum[:]))
	return msg, nil
}

// DecisionDocument renders what policy was asked as it is stored. One that is larger than MaxDecision is an error.
func DecisionDocument(doc any) ([]byte, error) {
	data, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("render what policy was asked: %w", err)
	}
	if len(data) > MaxDecision {
		return nil, fmt.Errorf("what policy was asked is %d bytes, at most %d are stored", len(data), MaxDecision)
	}
	return data, nil
}

// ReadDecision reads the document that Decide stored. It returns ErrNotFound when it is not there any more.
func (l *Ledger) ReadDecision(ctx context.Context, ref string) (json.RawMessage, error) {
	id, digits, _ := strings.Cut(ref, "/")
	seq, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("read decision: %q is no reference to one: %w", ref, ErrNotFound)
	}
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	stream, err := l.js.Stream(ctx, DecisionsStream)
	if err != nil {
		return nil, fmt.Errorf("read decision %s: %w", ref, unavailable(err))
	}
	msg, err := stream.GetMsg(ctx, seq)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return nil, fmt.Errorf("read decision %s: %w", ref, ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("read decision %s: %w", ref, unavailable(err))
	case lastToken(msg.Subject) != id:
		return nil, fmt.Errorf("read decision %s: another incident's lies there: %w", ref, ErrNotFound)
	}
	return msg.Data, nil
}
