package main

import (
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/test/stack"
)

func at(seconds int) time.Time { return time.Unix(1_700_000_000+int64(seconds), 0) }

func TestFirstWriteIsSalvorsAboutThatNodeAndNotOfAnEarlierIncident(t *testing.T) {
	log := []stack.AuditEvent{
		{User: stack.Actor, Resource: "nodes", Name: "salvor-1", Time: at(1)},            // of the incident before
		{User: stack.Human, Resource: "nodes", Name: "salvor-1", Time: at(11)},           // somebody else
		{User: stack.Actor, Resource: "nodes", Name: "salvor-2", Time: at(12)},           // another node
		{User: stack.Actor, Resource: "pods", Name: "salvor-1", Time: at(13)},            // no node at all
		{User: stack.Actor, Resource: "nodes", Name: "salvor-1", Time: at(20)},           // finished first, began second
		{User: stack.Actor, Resource: "nodes", Name: "salvor-1", Time: at(15)},           //
		{User: stack.Actor, Resource: "nodes", Name: "salvor-1", Time: at(2), Code: 409}, // before
	}
	if got, ok := firstWrite(log, "node/salvor-1", at(10)); !ok || !got.Equal(at(15)) {
		t.Errorf("got %v, %v; want the write at 15 s", got, ok)
	}
	if got, ok := firstWrite(log, "node/salvor-1", at(21)); ok {
		t.Errorf("found a write at %v after the last one", got)
	}
}

func TestWaitOf(t *testing.T) {
	record := func(kind incident.RecordKind, stored time.Time) api.Record {
		return api.Record{StoredAt: stored, Record: incident.Record{Kind: kind, At: at(0)}}
	}
	history := []api.Record{record(incident.Opened, at(2)),
		record(incident.Decided, at(5)), record(incident.Intent, at(7)), record(incident.Noted, at(8)), record(incident.Intent, at(9))}
	log := []stack.AuditEvent{{User: stack.Actor, Resource: "nodes", Name: "salvor-1", Time: at(9)}}
	inc := api.Incident{Summary: api.Summary{Anchor: "node/salvor-1"}, History: history}
	if got, err := waitOf(inc, log); err != nil || got != (wait{decided: 3000, intended: 5000, wrote: 7000}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := waitOf(inc, nil); err == nil {
		t.Errorf("got %+v although nothing was written", got)
	}
	inc.History = history[:1]
	if got, err := waitOf(inc, log); err == nil {
		t.Errorf("got %+v although it was only opened", got)
	}
}

func TestRenewedKeepsItsDistance(t *testing.T) {
	nodes := map[string]bool{"a": true, "b": true}
	before := map[string]time.Time{"a": at(1), "b": at(5), "c": at(1)}
	for _, c := range []struct {
		name string
		now  map[string]time.Time
		from time.Time
		want string
	}{
		{"nobody renewed", before, at(0), ""},
		{"one renewed", map[string]time.Time{"a": at(11), "b": at(5)}, at(10), "a"},
		{"one renewed too soon after the last that was failed", map[string]time.Time{"a": at(11), "b": at(5)}, at(12), ""},
		{"one renewed that is failed already", map[string]time.Time{"a": at(1), "b": at(5), "c": at(11)}, at(0), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := renewed(nodes, before, c.now, c.from); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
