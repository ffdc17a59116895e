package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/internal/incident"
)

// The headers of an atomic batch, which nats.go has no names for.
const (
	batchID       = "Nats-Batch-Id"
	batchSequence = "Nats-Batch-Sequence"
	batchCommit   = "Nats-Batch-Commit"
)

// markHeader holds the sum of what a write sent. The chain tells of each record but the last that it was changed; this tells of that one.
const markHeader = "Salvor-Sum"

// write is one message that is stored only when the last of its subject has the expected sequence, 0 being none.
type write struct {
	subject string
	expect  uint64
	data    []byte
	among   string // the subjects whose last message is meant instead, with wildcards
}

// whatever is expected of a write that goes in a batch with one whose expectation says it all.
const whatever = math.MaxUint64

// Document renders v as it is stored. One that is too large to be stored is an error.
func Document(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("render %T: %w", v, err)
	}
	if len(data) > maxDocument {
		return nil, fmt.Errorf("%T is %d bytes, at most %d are stored: name fewer targets", v, len(data), maxDocument)
	}
	return data, nil
}

func (w write) message() *nats.Msg {
	msg := nats.NewMsg(w.subject)
	msg.Data = w.data
	msg.Header.Set(markHeader, incident.SumOf(w.data))
	if w.expect != whatever {
		msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(w.expect, 10))
	}
	if w.among != "" {
		msg.Header.Set(jetstream.ExpectedLastSubjSeqSubjHeader, w.among)
	}
	return msg
}

// put stores all writes or none and returns the sequence of the last. The error is errRefused when an expected sequence was
// not the last; after any other it is not known whether they are stored.
func (l *Ledger) put(ctx context.Context, batch string, writes ...write) (uint64, error) {
	if len(writes) == 1 {
		return l.publish(ctx, writes[0].message())
	}
	for i, w := range writes {
		msg := w.message()
		msg.Header.Set(batchID, batch)
		msg.Header.Set(batchSequence, strconv.Itoa(i+1))
		if i == len(writes)-1 {
			msg.Header.Set(batchCommit, "1")
			return l.publish(ctx, msg)
		}
		if err := l.nc.PublishMsg(msg); err != nil {
			return 0, unavailable(err)
		}
	}
	return 0, errors.New("store a batch: it is empty")
}

// publish sends a message and waits until it is stored.
func (l *Ledger) publish(ctx context.Context, msg *nats.Msg) (uint64, error) {
	resp, err := l.ask(ctx, msg)
	if err != nil {
		return 0, unavailable(err)
	}
	var ack struct {
		Error *jetstream.APIError `json:"error"`
		Seq   uint64              `json:"seq"`
	}
	switch err := json.Unmarshal(resp.Data, &ack); {
	case err != nil:
		return 0, unavailable(fmt.Errorf("read acknowledgement %q: %w", resp.Data, err))
	case ack.Error == nil && ack.Seq > 0:
		return ack.Seq, nil
	case ack.Error == nil:
		return 0, unavailable(fmt.Errorf("acknowledgement %q names no sequence", resp.Data))
	case ack.Error.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence,
		ack.Error.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant:
		return 0, errRefused
	}
	return 0, unavailable(ack.Error)
}

// settle finds out whether a write that failed with cause landed: whether what follows the expected sequence carries its
// nonce. It returns the sequence, or cause when the write did not land, or not yet. The caller's ctx does not hurry it.
func (l *Ledger) settle(ctx context.Context, w write, nonce string, cause error) (uint64, error) {
	found, err := l.following(context.WithoutCancel(ctx), w.subject, w.expect)
	if err != nil || found == nil {
		return 0, cause
	}
	var mark struct {
		Nonce string `json:"nonce"`
	}
	if err := json.Unmarshal(found.Data, &mark); err != nil || mark.Nonce != nonce {
		return 0, errRefused
	}
	l.log.Info("a write landed although its acknowledgement was lost", "subject", w.subject, "seq", found.Seq, "error", cause)
	return found.Seq, nil
}

// store puts the writes, of which the last carries the nonce, and settles what is not known. The error is errRefused or nothing
// is known.
func (l *Ledger) store(ctx context.Context, nonce string, writes ...write) (uint64, error) {
	seq, err := l.put(ctx, nonce, writes...)
	if err == nil || errors.Is(err, errRefused) {
		return seq, err
	}
	return l.settle(ctx, writes[len(writes)-1], nonce, err)
}
