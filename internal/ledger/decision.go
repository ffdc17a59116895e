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

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

// MaxDecision bounds a decision document as JSON, in bytes.
const MaxDecision = 256 << 10

// StoreDecision stores what policy was asked and what it said for 400 days and returns where it lies. Storing the same document
// for the same incident again within two minutes returns the same place.
func (l *Ledger) StoreDecision(ctx context.Context, cluster string, id incident.ID, doc any) (ref string, err error) {
	if err := checkID(id); err != nil {
		return "", fmt.Errorf("store decision: %w", err)
	}
	data, err := json.Marshal(doc)
	if err != nil {
		return "", fmt.Errorf("store decision of incident %s: render it: %w", id, err)
	}
	if len(data) > MaxDecision {
		return "", fmt.Errorf("store decision of incident %s: it is %d bytes, at most %d are stored", id, len(data), MaxDecision)
	}
	msg := nats.NewMsg(decisionPrefix + events.Token(cluster) + "." + string(id))
	msg.Data = data
	sum := sha256.Sum256(data)
	msg.Header.Set(jetstream.MsgIDHeader, string(id)+"/"+hex.EncodeToString(sum[:]))
	seq, err := l.publish(ctx, msg)
	if err != nil {
		return "", fmt.Errorf("store decision of incident %s: %w", id, err)
	}
	return string(id) + "/" + strconv.FormatUint(seq, 10), nil
}

// ReadDecision reads what StoreDecision stored. It returns ErrNotFound when it is not there any more.
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
