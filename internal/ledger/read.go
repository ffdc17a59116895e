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

const (
	readAtOnce = 500                    // messages that one direct read answers with, at most
	askAgain   = 100 * time.Millisecond // after nobody was there to ask
)

// stored is a message as a stream keeps it.
type stored struct {
	Subject string    `json:"subject"`
	Seq     uint64    `json:"seq"`
	Data    []byte    `json:"data"`
	At      time.Time `json:"time"`
	Mark    string    `json:"-"` // incident.SumOf the bytes that were sent, where it was read; see readDirect
}

// query is a question for messages of a stream, as the server reads it.
type query struct {
	Seq       uint64   `json:"seq,omitempty"`
	Last      string   `json:"last_by_subj,omitempty"`
	Next      string   `json:"next_by_subj,omitempty"`
	MultiLast []string `json:"multi_last,omitempty"`
	Batch     int      `json:"batch,omitempty"`

	StartTime *time.Time `json:"start_time,omitempty"` // instead of Seq
	MaxBytes  int        `json:"max_bytes,omitempty"`
}

// last asks the leader of a subject's stream for the last message of the subject, which may hold wildcards. It returns nil when
// there is none.
func (l *Ledger) last(ctx context.Context, subject string) (*stored, error) {
	return l.get(ctx, streamOf(subject), query{Last: subject})
}

// following asks the leader of a subject's stream for its first message after a sequence, nil when there is none.
func (l *Ledger) following(ctx context.Context, subject string, seq uint64) (*stored, error) {
	return l.get(ctx, streamOf(subject), query{Next: subject, Seq: seq + 1})
}

// get asks the leader of a stream for one message, nil when there is none.
func (l *Ledger) get(ctx context.Context, stream string, q query) (*stored, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("render query: %w", err)
	}
	resp, err := l.ask(ctx, &nats.Msg{Subject: l.api + "STREAM.MSG.GET." + stream, Data: body})
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
	ctx, cancel := context.WithTimeout(ctx, l.callWithin)
	defer cancel()
	for {
		resp, err := l.request(ctx, msg)
		if !absent(err) || sleep(ctx, askAgain) != nil {
			return resp, err
		}
	}
}

// absent says that no server has taken what was asked.
func absent(err error) bool {
	return errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrReconnectBufExceeded)
}

// history reads all messages of a subject, which may hold wildcards, from any copy of its stream, up to the last that the
// leader knows; none when the leader knows none. It asks both at once: what a copy lacks is read after that.
func (l *Ledger) history(ctx context.Context, subject string) ([]stored, error) {
	type answer struct {
		last *stored
		err  error
	}
	leader := make(chan answer, 1)
	go func() {
		last, err := l.last(ctx, subject)
		leader <- answer{last, err}
	}()
	all, err := l.direct(ctx, streamOf(subject), query{Next: subject, Seq: 1, Batch: readAtOnce})
	end := <-leader
	if err = errors.Join(end.err, err); err != nil {
		return nil, fmt.Errorf("read %s: %w", subject, err)
	}
	if end.last == nil {
		return nil, l.purged(ctx, subject, all)
	}
	for endOf(all) < end.last.Seq {
		part, err := l.direct(ctx, streamOf(subject), query{Next: subject, Seq: endOf(all) + 1, Batch: readAtOnce})
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", subject, err)
		}
		if len(part) == 0 {
			return nil, l.missing(ctx, subject, end.last.Seq)
		}
		all = append(all, part...)
	}
	return all, nil
}

// purged finds out why the leader knows no last message where a copy has some. That they are being purged is no error.
func (l *Ledger) purged(ctx context.Context, subject string, some []stored) error {
	if len(some) == 0 {
		return nil
	}
	first, err := l.following(ctx, subject, 0)
	if err != nil || first == nil {
		return err
	}
	last, err := l.last(ctx, subject)
	if err == nil && last != nil {
		err = unavailable(errors.New("it is being written"))
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", subject, err)
	}
	return fmt.Errorf("read %s: its last message cannot be read, though others are there from %d on: it was changed where it is stored", subject, first.Seq)
}

// missing is why a history does not come: a copy is behind, or, which is no error, it has been purged meanwhile.
func (l *Ledger) missing(ctx context.Context, subject string, end uint64) error {
	now, err := l.last(ctx, subject)
	if err == nil && now != nil {
		err = unavailable(fmt.Errorf("a copy of the stream ends before %d", end))
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", subject, err)
	}
	return nil
}

// endOf is the sequence of the last of some messages, 0 when there is none.
func endOf(msgs []stored) uint64 {
	if len(msgs) == 0 {
		return 0
	}
	return msgs[len(msgs)-1].Seq
}

// direct asks any copy of a stream and collects what it answers, again while no server is there.
func (l *Ledger) direct(ctx context.Context, stream string, q query) ([]stored, error) {
	ctx, cancel := context.WithTimeout(ctx, l.callWithin)
	defer cancel()
	body, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("render query: %w", err)
	}
	for {
		all, err := l.askMany(ctx, l.api+"DIRECT.GET."+stream, body)
		if err == nil {
			return all, nil
		}
		if !absent(err) || sleep(ctx, askAgain) != nil {
			return nil, unavailable(err)
		}
	}
}

// askMany makes one round trip whose answer has parts.
func (l *Ledger) askMany(ctx context.Context, subject string, body []byte) ([]stored, error) {
	inbox := l.nc.NewRespInbox()
	sub, err := l.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer sub.Unsubscribe() //nolint:errcheck // the connection is closed then, and with it the subscription
	if err := l.nc.PublishRequest(subject, inbox, body); err != nil {
		return nil, err
	}
	return collect(ctx, sub)
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
		case status == "503" && len(all) == 0:
			return nil, nats.ErrNoResponders
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
	return stored{Subject: msg.Header.Get(jetstream.SubjectHeader), Seq: seq, Data: msg.Data, At: at, Mark: msg.Header.Get(markHeader)}, nil
}
