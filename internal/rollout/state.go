package rollout

import (
	"fmt"
	"time"

	"github.com/salvor-io/salvor/internal/ledger"
)

// Standing is a policy that is in force or held.
type Standing struct {
	Offer
	Since  time.Time `json:"since"`
	By     string    `json:"by"`               // the replica that took it over, or the person who activated it
	Report *Report   `json:"report,omitempty"` // what it changes; nil of the first
}

// Refusal is what a source held and could not be used.
type Refusal struct {
	Offer
	At       time.Time `json:"at"`
	Problems []string  `json:"problems"`
}

// state is what the trail says.
type state struct {
	seq     uint64 // of its last entry
	inForce *Standing
	held    *Standing
	refused *Refusal // the last
	offered map[string]string
	refusal map[string]bool // digests of all that was refused
}

// fold reads the trail. An entry of a kind that this version does not know is an error: another version may have put something in force.
func fold(trail []ledger.Placed) (*state, error) {
	s := &state{offered: map[string]string{}, refusal: map[string]bool{}}
	for _, e := range trail {
		if err := s.add(e); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *state) add(e ledger.Placed) error {
	d, err := detailOf(e)
	if err != nil {
		return err
	}
	standing := &Standing{Offer: d.Offer, Since: e.At, By: e.Who, Report: d.Report}
	switch e.Kind {
	case entryInForce:
		s.inForce, s.held = standing, nil
	case entryHeld:
		s.held = standing
	case entryOffered:
		if s.inForce.is(d.Revision) {
			s.held = nil
		}
	case entryActivated:
		if !s.held.is(d.Revision) {
			return fmt.Errorf("read entry %d of the trail: policy %s was activated and not held", e.Seq, d.Revision)
		}
		standing.Report = s.held.Report
		s.inForce, s.held = standing, nil
	case entryRefused:
		s.refused, s.refusal[d.Digest] = &Refusal{d.Offer, e.At, d.Problems}, true
	default:
		return fmt.Errorf("read entry %d of the trail: its kind %q is not known: %w", e.Seq, e.Kind, ledger.ErrNewer)
	}
	if e.Kind != entryRefused && e.Kind != entryActivated {
		s.offered[d.Replica] = d.Digest
	}
	s.seq = e.Seq
	return nil
}

// is says whether a policy is of a revision.
func (s *Standing) is(revision string) bool { return s != nil && s.Revision == revision }
