package jetstream

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/events"
)

// Headers of a dead letter, beside those of the message it was.
const (
	headerReason  = "Salvor-Reason"
	headerSubject = "Salvor-Subject" // subject of the message
	headerSeq     = "Salvor-Seq"     // its place in SALVOR_EVENTS
)

// DeadLetter keeps bytes that could not be handled in SALVOR_DEAD, under salvor.dead.<subject>, with the reason and the
// headers given. Any text may be a subject: dots separate its tokens, each is made safe by [events.Token]. When it returns
// an error the letter may or may not have been kept, and repeating it may keep it twice.
func (l *Log) DeadLetter(ctx context.Context, subject, reason string, data []byte, header map[string][]string) error {
	ctx, cancel := context.WithTimeout(ctx, appendWithin)
	defer cancel()
	msg := &nats.Msg{Subject: deadSubject(subject), Data: data, Header: nats.Header{}}
	for name, values := range header {
		for _, value := range values {
			msg.Header.Add(escape(name), escape(value))
		}
	}
	msg.Header.Set(headerReason, escape(reason))
	if _, err := l.conn.JetStream().PublishMsg(ctx, msg); err != nil {
		return fmt.Errorf("dead-letter to %s: %w", msg.Subject, unavailable(err))
	}
	l.dead.Add(1)
	return nil
}

// bury keeps a message of SALVOR_EVENTS in SALVOR_DEAD. Its subject ends in the message's place, and only the first letter
// about it is kept: burying may be repeated, by any number of replicas.
func (l *Log) bury(ctx context.Context, who string, msg jetstream.Msg, seq uint64, reason error) error {
	ctx, cancel := context.WithTimeout(ctx, appendWithin)
	defer cancel()
	place := strconv.FormatUint(seq, 10)
	letter := &nats.Msg{Subject: deadSubject(who + "." + place), Data: msg.Data(), Header: maps.Clone(msg.Headers())}
	if letter.Header == nil {
		letter.Header = nats.Header{}
	}
	maps.DeleteFunc(letter.Header, func(name string, _ []string) bool { return strings.HasPrefix(name, "Nats-") })
	letter.Header.Set(headerReason, escape(reason.Error()))
	letter.Header.Set(headerSubject, escape(msg.Subject()))
	letter.Header.Set(headerSeq, place)
	_, err := l.conn.JetStream().PublishMsg(ctx, letter, jetstream.WithExpectLastSequencePerSubject(0))
	if code := refusal(err); err != nil && code != codeWrongLastSequence && code != codeWrongLastOnR3 { // else it is there already
		return fmt.Errorf("dead-letter message %d: %w", seq, unavailable(err))
	}
	l.dead.Add(1)
	l.log.Warn("event went to the dead letters", "seq", seq, "subject", msg.Subject(), "by", who, "reason", reason)
	return nil
}

func deadSubject(subject string) string {
	tokens := strings.Split(subject, ".")
	for i, token := range tokens {
		tokens[i] = events.Token(token)
	}
	return deadPrefix + "." + strings.Join(tokens, ".")
}
