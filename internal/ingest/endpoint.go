package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/alertmanager"
	"github.com/salvor-io/salvor/events/cloudevents"
)

// endpoint is what differs between the kinds of post.
type endpoint struct {
	name   string
	media  func(http.Header) error // is the content type one that decode reads?
	decode func(p parcel) (harvest, error)
	want   string // what a sender whose post is refused as malformed should send
}

// parcel is a post that was read.
type parcel struct {
	from   Credential
	header http.Header
	url    *url.URL
	path   func(name string) string // what the path says for a wildcard of the endpoint's pattern
	body   []byte
	at     time.Time // when it was received
}

// harvest is what a post held.
type harvest struct {
	events   []events.Event
	rejected []rejected
	remarks  []error // for the log: what was odd and taken all the same
}

// rejected is an item of a post that cannot become an event.
type rejected struct {
	Err  error
	Data json.RawMessage
}

// forbidden says that nothing but what the credential may not post was sent, so that the sender has to be told.
func (h harvest) forbidden() error {
	if len(h.events) > 0 || len(h.rejected) == 0 {
		return nil
	}
	for _, item := range h.rejected {
		if !isForbidden(item.Err) {
			return nil
		}
	}
	return h.rejected[0].Err
}

func isForbidden(err error) bool {
	return errors.Is(err, errNotBound) || errors.Is(err, errWitness) || errors.Is(err, cloudevents.ErrInternal)
}

func alertmanagerHook(clusterLabel string, meaning func(events.Alert) events.Meaning) endpoint {
	return endpoint{
		name: "alertmanager", media: jsonOnly,
		want: "point a webhook_config without a custom payload at this address: salvor print alertmanager-config shows one",
		decode: func(p parcel) (harvest, error) {
			if p.from.Witness != "" {
				return harvest{}, fmt.Errorf("alerts: %w", errWitness)
			}
			decoder := alertmanager.Decoder{Source: "salvor/hooks/alertmanager/" + p.from.Name, ClusterLabel: clusterLabel, Kinds: p.from.Kinds,
				Fault: strings.Join(p.url.Query()[alertmanager.FaultLabel], ","), At: p.at, Meaning: meaning, Bind: p.from.bind}
			group, err := decoder.Decode(p.body)
			out := harvest{events: group.Events, remarks: group.Remarks}
			for _, r := range group.Rejected {
				out.rejected = append(out.rejected, rejected(r))
			}
			return out, err
		},
	}
}

func cloudEvents() endpoint {
	return endpoint{
		name: "events",
		media: func(header http.Header) error {
			if _, err := cloudevents.ModeOf(header); errors.Is(err, cloudevents.ErrMedia) {
				return err
			}
			return nil
		},
		want: "send CloudEvents 1.0 with JSON data: binary, application/cloudevents+json or application/cloudevents-batch+json",
		decode: func(p parcel) (harvest, error) {
			decoder := cloudevents.Decoder{Internal: p.from.Internal, Bind: p.from.bind}
			if p.from.Witness != "" {
				decoder.Internal, decoder.Take = true, p.from.testified
			}
			batch, err := decoder.Decode(p.header, p.body)
			out := harvest{events: batch.Events}
			for _, r := range batch.Rejected {
				out.rejected = append(out.rejected, rejected(r))
			}
			return out, err
		},
	}
}

func jsonOnly(header http.Header) error {
	value := header.Get("Content-Type")
	media, params, err := mime.ParseMediaType(value)
	if err != nil || media != "application/json" {
		return fmt.Errorf("content type is %.80q, want application/json", value)
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return fmt.Errorf("charset is %.40q, want utf-8", charset)
	}
	return nil
}
