package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// readAtOnce is how many messages one direct read answers with, at most.
const readAtOnce = 500

// stored is a message as a stream keeps it.
type stored struct {
	Subject string    `json:"subject"`
	Seq     uint64    `json:"seq"`
	Data    []byte    `json:"data"`
	At      time.Time `json:"time"`
}

// query is a question for messages of a stream, as the server reads it.
type query struct {
	Seq       uint64   `json:"seq,omitempty"`
	Last      string   `json:"last_by_subj,omitempty"`
	Next      string   `json:"next_by_subj,omitempty"`
	MultiLast []string `json:"multi_last,omitempty"`
	Batch     int      `json:"batch,omitempty"`
}

// last asks the leader of the incidents for the last message of a subject, which may hold wildcards. It returns nil when
// there is none.
func (l *Ledger) last(ctx context.Context, subject string) (*stored, error) {
	return l.get(ctx, query{Last: subject})
}

// following asks the leader of the incidents for the first message of a subject after a sequence, nil when there is none.
func (l *Ledger) following(ctx context.Context, subject string, seq uint64) (*stored, error) {
	return l.get(ctx, query{Next: subject, Seq: seq + 1})
}

func (l *Ledger) get(ctx context.Context, q query) (*stored, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("render query: %w", err)
	}
	resp, err := l.ask(ctx, &nats.Msg{Subject: l.api + "STREAM.MSG.GET." + IncidentsStream, Data: body})
	if err != nil {
		return nil, fmt.Errorf("read %s%s: %w", q.Last, q.Next, unavailable(err))
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message *stored             `json:"message"`
	}
	if err := json.Unmarshal(resp.Data, &answer); err != nil {
		return nil, fmt.Errorf("read %s%s: %w", q.Last, q.Next, unavailable(err))
	}
	if answer.Error == nil && answer.Message != nil {
		return answer.Message, nil
	}
	if answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound {
		return nil, nil
	}
	return nil, fmt.Errorf("read %s%s: %w", q.Last, q.Next, unavailable(fmt.Errorf("the store answered %s", resp.Data)))
}

// ask makes one round trip. A server that is not there has not taken the message, so it is asked again until time is up.
func (l *Ledger) ask(ctx context.Context, msg *nats.Msg) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	for {
		resp, err := l.request(ctx, msg)
		if !errors.Is(err, nats.ErrNoResponders) && !errors.Is(err, nats.ErrReconnectBufExceeded) {
			return resp, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// history reads the messages of a subject from any copy of the incidents, up to a sequence that the leader named.
func (l *Ledger) history(ctx context.Context, subject string, upTo uint64) ([]stored, error) {
	var all []stored
	for seq := uint64(1); seq <= upTo; seq = all[len(all)-1].Seq + 1 {
		part, err := l.direct(ctx, IncidentsStream, query{Next: subject, Seq: seq, Batch: readAtOnce})
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", subject, err)
		}
		if len(part) == 0 {
			return nil, fmt.Errorf("read %s: %w", subject, unavailable(fmt.Errorf("a copy of the stream ends before %d", upTo)))
		}
		all = append(all, part...)
	}
	return all, nil
}

// direct asks any copy of a stream and collects what it answers.
func (l *Ledger) direct(ctx context.Context, stream string, q query) ([]stored, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	body, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("render query: %w", err)
	}
	inbox := l.nc.NewRespInbox()
	sub, err := l.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, unavailable(err)
	}
	defer sub.Unsubscribe() //nolint:errcheck // the connection is closed then, and with it the subscription
	if err := l.nc.PublishRequest(l.api+"DIRECT.GET."+stream, inbox, body); err != nil {
		return nil, unavailable(err)
	}
	all, err := collect(ctx, sub)
	if err != nil {
		return nil, unavailable(err)
	}
	return all, nil
}

// collect reads the parts of an answer until its end. An answer that ends before it is complete is an error: what is missing
// must not pass for what is not there.
func collect(ctx context.Context, sub *nats.Subscription) ([]stored, error) {
	var all []stored
	for {
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return nil, err
		}
		status := msg.Header.Get("Status")
		switch {
		case status == "":
			part, err := readDirect(msg)
			if err != nil {
				return nil, err
			}
			all = append(all, part)
		case status == "204":
			return all, nil
		case status == "404" && len(all) == 0:
			return nil, nil
		default:
			return nil, fmt.Errorf("the store answered %s %s", status, msg.Header.Get("Description"))
		}
	}
}

func readDirect(msg *nats.Msg) (stored, error) {
	seq, err := strconv.ParseUint(msg.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return stored{}, fmt.Errorf("read sequence: %w", err)
	}
	at, err := time.Parse(time.RFC3339Nano, msg.Header.Get(jetstream.TimeStampHeaer))
	if err != nil {
		return stored{}, fmt.Errorf("read time: %w", err)
	}
	return stored{Subject: msg.Header.Get(jetstream.SubjectHeader), Seq: seq, Data: msg.Data, At: at}, nil
}
