package jetstream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	batchFrom  = 24                    // messages from which one batch is faster than as many publishes in a row
	retryPause = 25 * time.Millisecond // after the server could not be reached
)

// Refusals of JetStream that are acted upon.
const (
	codeDuplicateInBatch  = 10201
	codeDuplicatePending  = 10158 // the same id is being recorded now
	codeWrongLastSequence = 10071
	codeWrongLastOnR3     = 10164
)

// errUntried is the outcome of a message before the server spoke about it.
var errUntried = errors.New("not tried")

// item is a message and what became of it.
type item struct {
	msg       *nats.Msg
	seq       uint64
	duplicate bool
	err       error
}

// publisher writes messages with ids to a stream, durably. Any call may be repeated, since the ids make duplicates known.
type publisher struct {
	js         jetstream.JetStream
	replicated bool
}

func newPublisher(conn *Conn) (*publisher, error) {
	js, err := jetstream.New(conn.NATS(), jetstream.WithPublishAsyncTimeout(appendWithin), jetstream.WithPublishAsyncMaxPending(4*maxGroup))
	if err != nil {
		return nil, fmt.Errorf("open jetstream: %w", err)
	}
	return &publisher{js: js, replicated: conn.Replicas() > 1}, nil
}

// publish writes the messages in their order and notes what became of each. While the server cannot be reached it tries
// again, until ctx ends.
func (p *publisher) publish(ctx context.Context, items []*item) {
	for _, it := range items {
		it.err = errUntried
	}
	for len(items) > 0 {
		n := chunk(items)
		p.persist(ctx, items[:n])
		items = items[n:]
	}
}

// chunk is how many of the messages one batch takes.
func chunk(items []*item) int {
	size := 0
	for i, it := range items {
		size += it.msg.Size()
		if i > 0 && size > maxGroupBytes {
			return i
		}
	}
	return min(len(items), maxGroup)
}

// persist tries one chunk until the server spoke about each message. One known id would refuse a whole batch: the known
// ones are then found without writing anything, and the others make a batch of their own.
func (p *publisher) persist(ctx context.Context, items []*item) {
	err := p.batch(ctx, items)
	if refusal(err) == codeDuplicateInBatch {
		p.probe(ctx, items)
		items = pending(items)
		err = p.batch(ctx, items)
	}
	if err != nil && refusal(err) == 0 && !again(err) {
		fail(items, err)
		return
	}
	for ; len(pending(items)) > 0; items = pending(items) {
		p.singly(ctx, items)
		if len(pending(items)) > 0 && !pause(ctx, retryPause) {
			return
		}
	}
}

// singly writes each message by itself, all under way at once, in their order.
func (p *publisher) singly(ctx context.Context, items []*item) {
	acks := make([]jetstream.PubAckFuture, len(items))
	for i, it := range items {
		acks[i], it.err = p.send(it.msg)
	}
	for i, it := range items {
		if acks[i] != nil {
			it.settle(ctx, acks[i])
		}
	}
}

// probe finds the messages whose ids are known already. It asks by messages that could not be recorded: JetStream looks
// for a duplicate first, and then at an expectation that never holds. Where the stream is replicated that is so of the
// expected sequence, else of the expected id; with the wrong one nothing would be found and nothing be harmed.
func (p *publisher) probe(ctx context.Context, items []*item) {
	asked := make([]*item, len(items))
	for i, it := range items {
		msg := &nats.Msg{Subject: it.msg.Subject, Header: nats.Header{jetstream.MsgIDHeader: {idOf(it.msg)}}}
		if p.replicated {
			msg.Header[jetstream.ExpectedLastSeqHeader] = []string{strconv.FormatUint(math.MaxUint64, 10)}
		} else {
			msg.Header[jetstream.ExpectedLastMsgIDHeader] = []string{"none has this id"}
		}
		asked[i] = &item{msg: msg}
	}
	p.singly(ctx, asked)
	for i, it := range items {
		if answer := asked[i]; answer.err == nil && answer.duplicate {
			it.seq, it.duplicate, it.err = answer.seq, true, nil
		}
	}
}

func (p *publisher) send(msg *nats.Msg) (jetstream.PubAckFuture, error) {
	return p.js.PublishMsgAsync(msg, jetstream.WithRetryAttempts(0))
}

// settle waits for the answer and notes it.
func (it *item) settle(ctx context.Context, ack jetstream.PubAckFuture) {
	select {
	case got := <-ack.Ok():
		it.seq, it.duplicate, it.err = got.Sequence, got.Duplicate, nil
	case it.err = <-ack.Err():
	case <-ctx.Done():
		it.err = ctx.Err()
	}
}

// pending are the items worth another try.
func pending(items []*item) []*item {
	return slices.DeleteFunc(slices.Clone(items), func(it *item) bool { return !again(it.err) })
}

func fail(items []*item, err error) {
	for _, it := range items {
		it.err = err
	}
}

// again says that no server took the message, that it went away before it could answer, or that it is busy with the same
// message: worth another try at once.
func again(err error) bool {
	for _, passing := range []error{
		errUntried, nats.ErrDisconnected, nats.ErrReconnectBufExceeded, nats.ErrConnectionReconnecting, jetstream.ErrNoStreamResponse,
	} {
		if errors.Is(err, passing) {
			return true
		}
	}
	return refusal(err) == codeDuplicatePending
}

// refusal is the code with which the store refused, 0 when it did not speak.
func refusal(err error) jetstream.ErrorCode {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode
	}
	return 0
}

// pause waits and returns false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// idOf is the id that JetStream knows the message by.
func idOf(m *nats.Msg) string { return m.Header[jetstream.MsgIDHeader][0] }
