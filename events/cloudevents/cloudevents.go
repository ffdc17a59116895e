// Package cloudevents turns CloudEvents 1.0 received by HTTP (binary, structured or batched) into events, and events into a batch
// to be sent. It does no I/O: headers and bytes in, values out.
//
// An event's cluster is named by the extension attribute "cluster". Its identity is its source and id within that cluster.
package cloudevents

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/salvor-io/salvor/events"
)

// MaxBatch bounds the events of one batch.
const MaxBatch = 1000

// Errors that a caller answers in its own way.
var (
	ErrTooMany  = errors.New("too many events")                 // more than MaxBatch
	ErrInternal = errors.New("type is reserved for Salvor")     // and this Decoder does not take those
	ErrMedia    = errors.New("content type is no CloudEvent's") // or no JSON's
	errNoEvent  = errors.New("request carries no event: no header ce-specversion and no content type of CloudEvents")
)

// Decoder turns the requests of one sender into events. It keeps nothing between calls.
type Decoder struct {
	Internal bool // take the types that begin with "io.salvor.", which are Salvor's own observations

	// Bind says which cluster an event belongs to, given the one it names ("" for none). Its error rejects the event.
	Bind func(named string) (cluster string, err error)

	// Take has the last word about an event that is well: what it returns is taken in its place, its error rejects it. Nil takes all.
	Take func(ev events.Event) (events.Event, error)
}

// Batch is what one request held: each of its events is either taken or rejected.
type Batch struct {
	Events   []events.Event // all valid, see [events.Event.Validate]
	Rejected []Rejected
}

// Rejected is a member of a batch that cannot become an event.
type Rejected struct {
	Err  error           // why; wraps the error of Bind or Take when that refused it
	Data json.RawMessage // the member as it was sent; part of the body given to Decode
}

// Decode reads one request. A malformed member of a batch costs only itself; an event sent alone that is malformed is an
// error, and so is a body that is no batch.
func (d Decoder) Decode(header http.Header, body []byte) (Batch, error) {
	mode, err := ModeOf(header)
	if err != nil {
		return Batch{}, err
	}
	if mode == Batched {
		return d.batch(body)
	}
	read := structured
	if mode == Binary {
		read = func(body []byte) (*event.Event, error) { return binary(header, body) }
	}
	ev, err := d.one(body, read)
	if err != nil {
		return Batch{}, err
	}
	return Batch{Events: []events.Event{ev}}, nil
}

func (d Decoder) batch(body []byte) (Batch, error) {
	var members []json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return Batch{}, fmt.Errorf("body is not a JSON array of events: %w", err)
	}
	if members == nil {
		return Batch{}, errors.New("body is null, want a JSON array of events")
	}
	if len(members) > MaxBatch {
		return Batch{}, fmt.Errorf("%w: %d, at most %d are taken", ErrTooMany, len(members), MaxBatch)
	}
	out := Batch{Events: make([]events.Event, 0, len(members))}
	for _, raw := range members {
		ev, err := d.one(raw, structured)
		if err != nil {
			out.Rejected = append(out.Rejected, Rejected{Err: err, Data: raw})
			continue
		}
		out.Events = append(out.Events, ev)
	}
	return out, nil
}

// one reads and converts an event. The SDK's own reader is not trusted with hostile bytes: a panic in it is an error.
func (d Decoder) one(body []byte, read func([]byte) (*event.Event, error)) (ev events.Event, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("read event: %v", r)
		}
	}()
	if !utf8.Valid(body) {
		return events.Event{}, errors.New("body is not UTF-8")
	}
	ce, err := read(body)
	if err != nil {
		return events.Event{}, oneLine(err)
	}
	return d.convert(ce)
}

func structured(body []byte) (*event.Event, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, fmt.Errorf("event is not a JSON object: %w", err)
	}
	if len(members["specversion"]) == 0 {
		return nil, errors.New("event has no specversion")
	}
	ce := new(event.Event)
	return ce, ce.UnmarshalJSON(body)
}

func binary(header http.Header, body []byte) (*event.Event, error) {
	for name, values := range header {
		if strings.HasPrefix(name, "Ce-") && len(values) > 1 {
			return nil, fmt.Errorf("header %s is given %d times", name, len(values))
		}
	}
	return binding.ToEvent(context.Background(), cehttp.NewMessage(header, io.NopCloser(bytes.NewReader(body))))
}

// oneLine is err without line breaks, which the SDK's validation errors hold.
func oneLine(err error) error {
	text := strings.Join(strings.Fields(err.Error()), " ")
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}
