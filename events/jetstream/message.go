package jetstream

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/events"
)

// The headers of an event: the binary content mode of CloudEvents 1.0 over NATS. Values are percent-encoded as the
// binding over HTTP says, so that no text can end a header.
const (
	headerSpec    = "ce-specversion"
	headerID      = "ce-id"
	headerSource  = "ce-source"
	headerType    = "ce-type"
	headerEntity  = "ce-subject"
	headerTime    = "ce-time"
	headerCluster = "ce-cluster"
	headerContent = "content-type"

	specVersion = "1.0"
	contentType = "application/json"
)

// encode renders an event as the message it is recorded as. Its error is Permanent.
func encode(ev events.Event) (*nats.Msg, error) {
	if err := ev.Validate(); err != nil {
		return nil, events.Permanent(err)
	}
	msg := &nats.Msg{Subject: ev.Subject(eventPrefix), Data: ev.Data, Header: nats.Header{
		jetstream.MsgIDHeader: {messageID(ev.ID)},
		headerSpec:            {specVersion},
		headerID:              {escape(ev.ID)},
		headerSource:          {escape(ev.Source)},
		headerType:            {escape(string(ev.Type))},
		headerEntity:          {escape(ev.Entity)},
		headerCluster:         {escape(ev.Cluster)},
		headerContent:         {contentType},
	}}
	if ev.Time.IsZero() {
		return msg, nil
	}
	at := ev.Time.UTC()
	if at.Year() < 0 || at.Year() > 9999 {
		return nil, events.Permanent(fmt.Errorf("event %q has a time in the year %d", ev.ID, at.Year()))
	}
	msg.Header[headerTime] = []string{at.Format(time.RFC3339Nano)}
	return msg, nil
}

// decode reads an event from a message, strictly: what encode cannot have written is an error.
func decode(msg jetstream.Msg) (events.Recorded, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return events.Recorded{}, fmt.Errorf("read place of message: %w", err)
	}
	ev, err := decodeEvent(msg)
	if err != nil {
		return events.Recorded{}, fmt.Errorf("decode message %d on %s: %w", meta.Sequence.Stream, msg.Subject(), err)
	}
	return events.Recorded{Event: ev, Seq: meta.Sequence.Stream, At: meta.Timestamp.UTC()}, nil
}

func decodeEvent(msg jetstream.Msg) (events.Event, error) {
	h := attributes{header: msg.Headers()}
	if spec := h.text(headerSpec); h.err == nil && spec != specVersion {
		return events.Event{}, fmt.Errorf("cloudevents version is %q, only %s is understood", spec, specVersion)
	}
	if content := h.text(headerContent); h.err == nil && content != contentType {
		return events.Event{}, fmt.Errorf("content type is %q, only %s is understood", content, contentType)
	}
	ev := events.Event{
		ID:      h.text(headerID),
		Source:  h.text(headerSource),
		Type:    events.Type(h.text(headerType)),
		Cluster: h.text(headerCluster),
		Entity:  h.text(headerEntity),
		Time:    h.time(headerTime),
		Data:    msg.Data(),
	}
	if h.err != nil {
		return events.Event{}, h.err
	}
	if err := ev.Validate(); err != nil {
		return events.Event{}, err
	}
	if subject := ev.Subject(eventPrefix); subject != msg.Subject() {
		return events.Event{}, fmt.Errorf("its attributes belong on %s", subject)
	}
	return ev, nil
}

// attributes reads headers and remembers the first that is wrong.
type attributes struct {
	header nats.Header
	err    error
}

func (a *attributes) text(name string) string {
	values := a.header[name]
	if len(values) != 1 {
		a.fail(fmt.Errorf("header %s is there %d times", name, len(values)))
		return ""
	}
	text, err := unescape(values[0])
	if err != nil {
		a.fail(fmt.Errorf("header %s: %w", name, err))
	}
	return text
}

// time reads the one attribute that may be missing.
func (a *attributes) time(name string) time.Time {
	if len(a.header[name]) == 0 {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339Nano, a.text(name))
	if err != nil {
		a.fail(fmt.Errorf("header %s: %w", name, err))
	}
	return at.UTC()
}

func (a *attributes) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

// messageID is the event ID as JetStream compares it: of fixed length, whatever is in the ID.
func messageID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

const hexDigits = "0123456789ABCDEF"

// escape percent-encodes everything but printable ASCII, and of that the space, '"' and '%'.
func escape(text string) string {
	var out strings.Builder
	for i := range len(text) {
		if c := text[i]; c > ' ' && c < 0x7f && c != '"' && c != '%' {
			out.WriteByte(c)
			continue
		}
		out.Write([]byte{'%', hexDigits[text[i]>>4], hexDigits[text[i]&15]})
	}
	return out.String()
}

func unescape(text string) (string, error) {
	if strings.IndexByte(text, '%') < 0 {
		return text, nil
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			out = append(out, text[i])
			continue
		}
		if i+2 >= len(text) {
			return "", errors.New("its percent-encoding is cut off")
		}
		high, low := hexValue(text[i+1]), hexValue(text[i+2])
		if high < 0 || low < 0 {
			return "", fmt.Errorf("%q is no percent-encoding", text[i:i+3])
		}
		out = append(out, byte(high<<4|low))
		i += 2
	}
	return string(out), nil
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}
