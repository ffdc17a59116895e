// Package alertmanager knows Alertmanager: it turns its webhook, version 4, into events ([Decoder]), says what alerts speak of
// ([Table]), and renders the configuration that makes an Alertmanager send them ([Route]).
//
// Each alert of a webhook becomes one event of type [events.TypeAlert]. Its ID is made of the cluster, the fingerprint,
// the start and the status, so that the members of a highly available Alertmanager, and each of their re-sends, report
// the same event.
package alertmanager

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/salvor-io/salvor/events"
)

// MaxAlerts bounds the alerts of one webhook.
const MaxAlerts = 10_000

// ErrTooMany is wrapped by the error for a webhook of more than [MaxAlerts] alerts.
var ErrTooMany = errors.New("too many alerts")

// Decoder turns the webhooks of one sender into events. It keeps nothing between calls.
type Decoder struct {
	Source       string    // CloudEvents source of the events
	ClusterLabel string    // label that names an alert's cluster
	Kinds        []string  // the fault kinds that the sender's alerts may raise; empty means any
	Fault        string    // the kinds that the address of the webhook narrows that to, as in [FaultLabel]; "" narrows nothing
	At           time.Time // when the webhook was received: the time of heartbeats

	// Meaning says what an alert speaks of; nil when nobody listens for heartbeats.
	Meaning func(a events.Alert) events.Meaning

	// Bind says which cluster an alert belongs to, given the one its label names ("" for none). Its error rejects the alert.
	Bind func(named string) (cluster string, err error)
}

// Group is what one webhook held: each of its alerts is either an event or rejected. A dead man's switch that fires is two
// events, since each time it is heard counts and the alert is told only once.
type Group struct {
	Events   []events.Event // all valid, see [events.Event.Validate]
	Rejected []Rejected
	Remarks  []error // what was odd about alerts that became events all the same, for a log
}

func (g *Group) remark(about string, err error) {
	if err != nil {
		g.Remarks = append(g.Remarks, fmt.Errorf("%.80s: %w", about, err))
	}
}

// Rejected is an alert that cannot become an event.
type Rejected struct {
	Err  error           // why; wraps the error of Bind when that refused it
	Data json.RawMessage // the alert as it was sent; part of the body given to Decode
}

type message struct {
	Version         string            `json:"version"`
	GroupKey        string            `json:"groupKey"`
	Status          string            `json:"status"`
	Receiver        string            `json:"receiver"`
	TruncatedAlerts uint64            `json:"truncatedAlerts"`
	Alerts          []json.RawMessage `json:"alerts"`
}

// Decode reads one webhook. Fields it does not know are ignored; a body that is no webhook of version 4 is an error; an
// alert that is malformed costs only itself.
func (d Decoder) Decode(body []byte) (Group, error) {
	msg, err := read(body)
	if err != nil {
		return Group{}, err
	}
	group := Group{Events: make([]events.Event, 0, len(msg.Alerts))}
	d.Kinds, err = narrow(d.Kinds, d.Fault)
	group.remark("the webhook's address", err)
	for _, raw := range msg.Alerts {
		d.take(&group, raw, msg)
	}
	return group, nil
}

func read(body []byte) (message, error) {
	var msg message
	if !utf8.Valid(body) {
		return msg, errors.New("body is not UTF-8")
	}
	if err := json.Unmarshal(body, &msg); err != nil {
		return msg, plain(err)
	}
	return msg, msg.check()
}

func (m message) check() error {
	switch {
	case m.Version == "":
		return errors.New("body has no version")
	case m.Version != "4":
		return fmt.Errorf("version is %.20q, only Alertmanager's webhook version \"4\" is read", m.Version)
	case len(m.Alerts) == 0:
		return errors.New("body has no alerts")
	case len(m.Alerts) > MaxAlerts:
		return fmt.Errorf("%w: %d, at most %d are taken", ErrTooMany, len(m.Alerts), MaxAlerts)
	}
	return nil
}

// plain says in words of JSON what encoding/json says in words of Go.
func plain(err error) error {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return err
	}
	if wrong.Field == "" {
		return fmt.Errorf("a JSON %s where an object is wanted", wrong.Value)
	}
	return fmt.Errorf("field %s is a JSON %s", wrong.Field, wrong.Value)
}
