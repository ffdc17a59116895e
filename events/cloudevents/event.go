package cloudevents

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/salvor-io/salvor/events"
)

// clusterAttribute is the extension attribute that names the cluster of an event.
const clusterAttribute = "cluster"

// internalPrefix begins the types of Salvor's own observations.
const internalPrefix = "io.salvor."

func (d Decoder) convert(ce *event.Event) (events.Event, error) {
	if err := d.check(ce); err != nil {
		return events.Event{}, err
	}
	cluster, err := d.cluster(ce)
	if err != nil {
		return events.Event{}, err
	}
	data, err := payload(ce)
	if err != nil {
		return events.Event{}, err
	}
	id := identity(cluster, ce.Source(), ce.ID())
	entity, err := entityOf(ce, id)
	if err != nil {
		return events.Event{}, err
	}
	at := ce.Time().UTC()
	if at.Year() < 0 || at.Year() > 9999 {
		return events.Event{}, fmt.Errorf("time is in the year %d", at.Year())
	}
	ev := events.Event{
		ID: id, Source: ce.Source(), Type: events.Type(ce.Type()), Cluster: cluster, Entity: entity,
		Time: at, Data: data,
	}
	if err := ev.Validate(); err != nil || d.Take == nil {
		return ev, err
	}
	return d.Take(ev)
}

func (d Decoder) check(ce *event.Event) error {
	if err := ce.Validate(); err != nil {
		return oneLine(err)
	}
	if version := ce.SpecVersion(); version != event.CloudEventsVersionV1 {
		return fmt.Errorf("specversion is %.20q, want %q", version, event.CloudEventsVersionV1)
	}
	for _, attr := range []struct{ name, value string }{
		{"id", ce.ID()}, {"source", ce.Source()}, {"type", ce.Type()}, {"subject", ce.Subject()},
	} {
		if !utf8.ValidString(attr.value) || strings.ContainsFunc(attr.value, unicode.IsControl) {
			return fmt.Errorf("%s holds a control character or is not UTF-8", attr.name)
		}
	}
	if isInternal(ce) && !d.Internal {
		return fmt.Errorf("%w: %.80q", ErrInternal, ce.Type())
	}
	return nil
}

func isInternal(ce *event.Event) bool { return strings.HasPrefix(ce.Type(), internalPrefix) }

func (d Decoder) cluster(ce *event.Event) (string, error) {
	value, given := ce.Extensions()[clusterAttribute]
	if !given {
		return d.Bind("")
	}
	named, isText := value.(string)
	if !isText || named == "" {
		return "", fmt.Errorf("attribute %s is not a text", clusterAttribute)
	}
	return d.Bind(named)
}

// payload is the data as JSON, null when there is none.
func payload(ce *event.Event) (json.RawMessage, error) {
	data := ce.Data()
	if len(data) == 0 {
		if isInternal(ce) {
			return nil, errors.New("event carries no data")
		}
		return json.RawMessage("null"), nil
	}
	media, err := mediaType(ce.DataContentType())
	if err != nil {
		return nil, err
	}
	if media != "" && !isJSON(media) {
		return nil, fmt.Errorf("%w: data is %.80q, only JSON is kept", ErrMedia, media)
	}
	if !json.Valid(data) {
		return nil, errors.New("data is not JSON")
	}
	return data, nil
}

// identity joins what makes a CloudEvent unique. The cluster is part of it, so that a sender that is bound to one cluster
// cannot take the place of an event of another.
func identity(cluster, source, id string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", cluster, source, id))
	return "cloudevent/" + hex.EncodeToString(sum[:])
}

// entityOf is the subject of the event; an event without one is about nothing but itself.
func entityOf(ce *event.Event, id string) (string, error) {
	subject := ce.Subject()
	kind, name, _ := strings.Cut(subject, "/")
	switch {
	case kind != "" && name != "":
		return subject, nil
	case isInternal(ce):
		return "", fmt.Errorf("subject is %.80q, want <kind>/<name>", subject)
	case subject != "":
		return "subject/" + subject, nil
	}
	return id, nil
}
