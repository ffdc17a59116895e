package jetstream

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Headers of an atomic batch.
const (
	headerBatchID     = "Nats-Batch-Id"
	headerBatchSeq    = "Nats-Batch-Sequence"
	headerBatchCommit = "Nats-Batch-Commit"
)

const (
	batchFrom  = 24                    // messages from which one batch is faster than as many publishes in a row
	retryPause = 25 * time.Millisecond // after the server could not be reached
)

// publisher writes messages with ids to a stream, durably. Any call may be repeated, since the ids make duplicates known.
type publisher struct {
	js jetstream.JetStream
}

func newPublisher(nc *nats.Conn) (*publisher, error) {
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncTimeout(appendWithin), jetstream.WithPublishAsyncMaxPending(4*maxGroup))
	if err != nil {
		return nil, fmt.Errorf("open jetstream: %w", err)
	}
	return &publisher{js: js}, nil
}

// publish writes the messages in their order and says what became of each. While the server cannot be reached it tries
// again, until ctx ends.
func (p *publisher) publish(ctx context.Context, msgs []*nats.Msg) []outcome {
	out := make([]outcome, 0, len(msgs))
	for len(msgs) > 0 {
		n := chunk(msgs)
		out = append(out, p.persist(ctx, msgs[:n])...)
		msgs = msgs[n:]
	}
	return out
}

// chunk is how many of the messages one batch takes.
func chunk(msgs []*nats.Msg) int {
	size := 0
	for i, m := range msgs {
		size += m.Size()
		if i > 0 && size > maxGroupBytes {
			return i
		}
	}
	return min(len(msgs), maxGroup)
}

// persist tries one chunk until the server spoke about each message.
func (p *publisher) persist(ctx context.Context, msgs []*nats.Msg) []outcome {
	if len(msgs) >= batchFrom {
		out, err := p.batch(ctx, msgs)
		if err == nil {
			return out
		}
		if !answered(err) && !unreached(err) {
			return failed(len(msgs), err)
		}
	}
	out := failed(len(msgs), nats.ErrDisconnected)
	for {
		p.singly(ctx, msgs, out)
		if !slices.ContainsFunc(out, func(o outcome) bool { return unreached(o.err) }) || !pause(ctx, retryPause) {
			return out
		}
	}
}

// batch writes the messages all or none. Of the answers only the last one counts; it has the place of the last message.
func (p *publisher) batch(ctx context.Context, msgs []*nats.Msg) ([]outcome, error) {
	id := rand.Text()
	last := len(msgs) - 1
	for i, m := range msgs[:last] {
		if err := p.js.Conn().PublishMsg(inBatch(m, id, i+1)); err != nil {
			return nil, err
		}
	}
	commit := inBatch(msgs[last], id, last+1)
	commit.Header[headerBatchCommit] = []string{"1"}
	done := p.await(ctx, commit)
	if done.err != nil {
		return nil, done.err
	}
	out := make([]outcome, len(msgs))
	for i := range out {
		out[i].seq = done.seq - uint64(last-i)
	}
	return out, nil
}

func inBatch(m *nats.Msg, id string, seq int) *nats.Msg {
	header := maps.Clone(m.Header)
	header[headerBatchID] = []string{id}
	header[headerBatchSeq] = []string{strconv.Itoa(seq)}
	return &nats.Msg{Subject: m.Subject, Header: header, Data: m.Data}
}

// singly writes by itself each message that no server took so far, all under way at once, in their order.
func (p *publisher) singly(ctx context.Context, msgs []*nats.Msg, out []outcome) {
	acks := make([]jetstream.PubAckFuture, len(msgs))
	for i, m := range msgs {
		if unreached(out[i].err) {
			acks[i], out[i].err = p.js.PublishMsgAsync(m, jetstream.WithRetryAttempts(0))
		}
	}
	for i, ack := range acks {
		if ack != nil {
			out[i] = settle(ctx, ack)
		}
	}
}

func (p *publisher) await(ctx context.Context, m *nats.Msg) outcome {
	ack, err := p.js.PublishMsgAsync(m, jetstream.WithRetryAttempts(0))
	if err != nil {
		return outcome{err: err}
	}
	return settle(ctx, ack)
}

func settle(ctx context.Context, ack jetstream.PubAckFuture) outcome {
	select {
	case got := <-ack.Ok():
		return outcome{seq: got.Sequence, duplicate: got.Duplicate}
	case err := <-ack.Err():
		return outcome{err: err}
	case <-ctx.Done():
		return outcome{err: ctx.Err()}
	}
}

// answered says whether the store itself spoke, be it to refuse.
func answered(err error) bool {
	var refusal *jetstream.APIError
	return err == nil || errors.As(err, &refusal)
}

func failed(n int, err error) []outcome {
	out := make([]outcome, n)
	for i := range out {
		out[i].err = err
	}
	return out
}

// unreached says that no server took the message, or that it went away before it could answer: worth another try at once.
func unreached(err error) bool {
	return errors.Is(err, nats.ErrDisconnected) || errors.Is(err, nats.ErrReconnectBufExceeded) ||
		errors.Is(err, nats.ErrConnectionReconnecting) || errors.Is(err, jetstream.ErrNoStreamResponse)
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
