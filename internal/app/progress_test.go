package app

import (
	"testing"

	"github.com/salvor-io/salvor/internal/incident"
)

// TestProgress: how far a step is counts while it is done, and not for the one after it.
func TestProgress(t *testing.T) {
	var p progress
	inc := &incident.Incident{ID: "a-1", State: incident.Acting, Next: 1}
	if got := p.of(inc); got != "" {
		t.Errorf("before anything is told it is %q", got)
	}
	p.hear("a-1", 1, "12 of 38 pods")
	if got := p.of(inc); got != "12 of 38 pods" {
		t.Errorf("it is %q", got)
	}
	p.moved(incident.Sequenced{Record: incident.Record{Incident: "a-1", Kind: incident.Noted}})
	if p.of(inc) == "" {
		t.Error("a note ends no step")
	}
	inc.Next = 2
	if got := p.of(inc); got != "" {
		t.Errorf("of the next step it is %q", got)
	}
	p.moved(incident.Sequenced{Record: incident.Record{Incident: "a-1", Kind: incident.Done}})
	if len(p.told) != 0 {
		t.Error("what is over is remembered")
	}
}
