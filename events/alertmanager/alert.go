package alertmanager

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/common/model"

	"github.com/salvor-io/salvor/events"
)

// Bounds of one alert. An alert beyond them is rejected rather than cut: its labels are its identity.
const (
	maxPairs      = 64       // labels, and annotations
	maxKey        = 256      // bytes of a label's or annotation's name
	maxLabel      = 4 << 10  // bytes of a label's value
	maxAnnotation = 16 << 10 // bytes of an annotation's value
	maxText       = 16 << 10 // bytes of generatorURL and receiver
)

// alert is one alert as it is sent. Values are pointers because null is not a text.
type alert struct {
	Status       string             `json:"status"`
	Labels       map[string]*string `json:"labels"`
	Annotations  map[string]*string `json:"annotations"`
	StartsAt     time.Time          `json:"startsAt"`
	EndsAt       time.Time          `json:"endsAt"`
	GeneratorURL string             `json:"generatorURL"`
	Fingerprint  string             `json:"fingerprint"`
}

// take adds one alert to the group: as an event, or as rejected. The alert of a dead man's switch that fires is heard as well.
func (d Decoder) take(group *Group, raw json.RawMessage, msg message) {
	seen, cluster, err := d.see(raw, msg)
	if err == nil {
		var odd error
		seen.Kinds, odd = narrow(d.Kinds, seen.Labels.Of(FaultLabel))
		group.remark("alert "+seen.Name, odd)
		err = d.render(group, seen, cluster)
	}
	if err != nil {
		group.Rejected = append(group.Rejected, Rejected{Err: err, Data: raw})
		return
	}
	d.hear(group, seen, cluster)
}

// see reads an alert and which cluster it belongs to.
func (d Decoder) see(raw json.RawMessage, msg message) (events.Alert, string, error) {
	seen, err := readAlert(raw)
	if err != nil {
		return events.Alert{}, "", err
	}
	seen.Receiver = msg.Receiver
	seen.Truncated = msg.TruncatedAlerts > 0
	if len(seen.Receiver)+len(seen.GeneratorURL) > maxText {
		return events.Alert{}, "", fmt.Errorf("receiver and generatorURL are longer than %d bytes", maxText)
	}
	cluster, err := d.Bind(seen.Labels.Of(d.ClusterLabel))
	return seen, cluster, err
}

// hear adds the heartbeat of a dead man's switch that fires. A name that is too long for an event costs the heartbeat alone.
func (d Decoder) hear(group *Group, seen events.Alert, cluster string) {
	if d.Meaning == nil || seen.Status != firing || d.Meaning(seen).Topic != events.TopicWatchdog {
		return
	}
	ev, err := events.NewHeartbeat(d.Source, cluster, d.At, events.Heartbeat{Name: seen.Name})
	if err == nil {
		err = ev.Validate()
	}
	if err != nil {
		group.remark("heartbeat of alert "+seen.Name, err)
		return
	}
	group.Events = append(group.Events, ev)
}

func (d Decoder) render(group *Group, seen events.Alert, cluster string) error {
	at := seen.StartsAt
	if seen.Status == resolved && !seen.EndsAt.IsZero() {
		at = seen.EndsAt
	}
	ev, err := events.New(identity(seen, cluster), events.TypeAlert, d.Source, cluster, "alert/"+seen.Fingerprint, at, seen)
	if err == nil {
		err = ev.Validate()
	}
	if err != nil {
		return err
	}
	group.Events = append(group.Events, ev)
	return nil
}

// identity is equal for all reports of one alert's start, and for all reports of its end.
func identity(seen events.Alert, cluster string) string {
	return "alert/" + cluster + "/" + seen.Fingerprint + "/" + seen.StartsAt.UTC().Format(time.RFC3339Nano) + "/" + seen.Status
}

const (
	firing   = "firing"
	resolved = "resolved"
)

func readAlert(raw json.RawMessage) (events.Alert, error) {
	var sent alert
	if err := json.Unmarshal(raw, &sent); err != nil {
		return events.Alert{}, plain(err)
	}
	if sent.Status != firing && sent.Status != resolved {
		return events.Alert{}, fmt.Errorf("status is %.20q, want %q or %q", sent.Status, firing, resolved)
	}
	if sent.StartsAt.IsZero() {
		return events.Alert{}, errors.New("alert has no startsAt")
	}
	labels, err := texts("label", sent.Labels, maxLabel)
	if err != nil {
		return events.Alert{}, err
	}
	annotations, err := texts("annotation", sent.Annotations, maxAnnotation)
	if err != nil {
		return events.Alert{}, err
	}
	name := nameOf(labels)
	if name == "" {
		return events.Alert{}, fmt.Errorf("alert has no label %s", model.AlertNameLabel)
	}
	fp, err := fingerprint(sent.Fingerprint, labels)
	return events.Alert{
		Fingerprint: fp, Status: sent.Status, Name: name, Labels: events.NewLabelSet(labels), Annotations: events.NewLabelSet(annotations),
		StartsAt: sent.StartsAt.UTC(), EndsAt: sent.EndsAt.UTC(), GeneratorURL: sent.GeneratorURL,
	}, err
}

// nameOf is what an alert is called. The alerts of falcosidekick have no alertname, but the rule that they are about.
func nameOf(labels map[string]string) string {
	if name := labels[model.AlertNameLabel]; name != "" || labels["source"] != "falco" {
		return name
	}
	return labels["rule"]
}

func texts(what string, sent map[string]*string, most int) (map[string]string, error) {
	if len(sent) > maxPairs {
		return nil, fmt.Errorf("alert has %d %ss, at most %d are taken", len(sent), what, maxPairs)
	}
	out := make(map[string]string, len(sent))
	for name, value := range sent {
		switch {
		case name == "" || len(name) > maxKey:
			return nil, fmt.Errorf("the name of a %s is %d bytes long, want 1 to %d", what, len(name), maxKey)
		case value == nil:
			return nil, fmt.Errorf("%s %q is null", what, name)
		case len(*value) > most:
			return nil, fmt.Errorf("%s %q is %d bytes long, at most %d are taken", what, name, len(*value), most)
		}
		out[name] = *value
	}
	return out, nil
}

// Fingerprint is what Alertmanager calls an alert with these labels: 16 lower-case hexadecimal digits.
func Fingerprint(labels map[string]string) string {
	return model.Fingerprint(model.LabelsToSignature(labels)).String()
}

// fingerprint checks the one that was sent, or computes what Alertmanager would have sent.
func fingerprint(sent string, labels map[string]string) (string, error) {
	if sent == "" {
		return Fingerprint(labels), nil
	}
	fp, err := model.ParseFingerprint(sent)
	if err != nil || fp.String() != sent {
		return "", fmt.Errorf("fingerprint is %.40q, want 16 lower-case hexadecimal digits", sent)
	}
	return sent, nil
}
