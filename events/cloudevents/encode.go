package cloudevents

import (
	"encoding/json"
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/salvor-io/salvor/events"
)

// BatchType is the content type of what [Encode] renders.
const BatchType = event.ApplicationCloudEventsBatchJSON

// Encode renders events as one batch of CloudEvents 1.0, for a POST to another Salvor: a [Decoder] that binds to the same clusters
// reads each back, but for its ID, which becomes the identity of source and id within the cluster.
func Encode(evs ...events.Event) ([]byte, error) {
	batch := make([]event.Event, 0, len(evs))
	for _, ev := range evs {
		ce := event.New(event.CloudEventsVersionV1)
		ce.SetID(ev.ID)
		ce.SetSource(ev.Source)
		ce.SetType(string(ev.Type))
		ce.SetSubject(ev.Entity)
		ce.SetTime(ev.Time)
		ce.SetExtension(clusterAttribute, ev.Cluster)
		if err := ce.SetData(event.ApplicationJSON, ev.Data); err != nil {
			return nil, fmt.Errorf("render event %q: %w", ev.ID, err)
		}
		if err := ce.Validate(); err != nil {
			return nil, fmt.Errorf("render event %q: %w", ev.ID, oneLine(err))
		}
		batch = append(batch, ce)
	}
	body, err := json.Marshal(batch)
	if err != nil {
		return nil, fmt.Errorf("render %d events: %w", len(evs), err)
	}
	return body, nil
}
