package jetstream

import (
	"context"
	"crypto/rand"
	"maps"
	"strconv"

	"github.com/nats-io/nats.go"
)

// Headers of an atomic batch.
const (
	headerBatchID     = "Nats-Batch-Id"
	headerBatchSeq    = "Nats-Batch-Sequence"
	headerBatchCommit = "Nats-Batch-Commit"
)

// batch writes the messages all or none, when there are enough of them to be faster so. The server answers the last one
// only, with the place of the last message.
func (p *publisher) batch(ctx context.Context, items []*item) error {
	if len(items) < batchFrom {
		return nil
	}
	id := rand.Text()
	last := len(items) - 1
	for i, it := range items[:last] {
		if err := p.js.Conn().PublishMsg(inBatch(it.msg, id, i+1)); err != nil {
			return err
		}
	}
	commit := &item{msg: inBatch(items[last].msg, id, last+1)}
	commit.msg.Header[headerBatchCommit] = []string{"1"}
	p.singly(ctx, []*item{commit})
	if commit.err != nil {
		return commit.err
	}
	for i, it := range items {
		it.seq, it.duplicate, it.err = commit.seq-uint64(last-i), false, nil
	}
	return nil
}

func inBatch(m *nats.Msg, id string, seq int) *nats.Msg {
	header := maps.Clone(m.Header)
	header[headerBatchID] = []string{id}
	header[headerBatchSeq] = []string{strconv.Itoa(seq)}
	return &nats.Msg{Subject: m.Subject, Header: header, Data: m.Data}
}
