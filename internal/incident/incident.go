package incident

import (
	"fmt"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Incident is a history folded. Values of it are made by Fold alone.
type Incident struct {
	ID       ID
	Key      Key
	State    State
	Fault    classifiers.Fault // as last confirmed
	OpenedAt time.Time
	Since    time.Time // when the state was entered, view time
	Count    int       // how often the fault came back within this incident, 1 at first
	DueAt    time.Time // end of the confirmation window while suspected

	Decision  *Decision // the last answer, either phase
	Approval  *Approval // what people are asked, or were until something else held it back; nil when they are not
	Consent   *Consent  // what they approved of, while it is not begun
	Consented *Consent  // to what the plan in force, or the last, did and may have to be taken back; nil when nobody was asked
	Refused   []Refusal // what they rejected, or did not decide
	Stopped   *Stop     // that a person stopped the plan that was last in force, or agreed; nil when nobody did
	Glass     *Glass    // that people want a plan to run without policy, nil when nobody does
	Rounds    int       // how often people were asked: once, and again each time that it got worse
	Plan      *responders.Plan
	Phase     Phase
	Next      int   // index of the step that is due
	Intent    *Open // the step being done, nil between steps
	Wrote     bool  // an effect was intended: something may have to be taken back
	Attempts  int   // recoveries started
	Failures  int   // recoveries that ended without success
	Outcome   responders.Outcome
	LastTry   time.Time // when the last plan ended

	UndoFailures int // plans that were to take back what was done and ended without success

	Why string // what the last state change was for, for people

	Seq     uint64 // of the last record
	Head    string // Sum of the last record
	ViewSeq uint64 // highest view_seq of any record
	History []Sequenced
}

// Open is an intent without a result yet.
type Open struct {
	StepRef
	Writer string
	Nonce  string
}

// Name is the short name for people.
func (i *Incident) Name() string { return i.ID.Name() }

// ConfirmedAt is when the fault first counted as one: the record of it that persisted through its window. It is zero while it only
// stands, as it did when Salvor first looked.
func (i *Incident) ConfirmedAt() time.Time {
	for _, rec := range i.History {
		if rec.Kind == Opened && !rec.Standing || rec.Kind == Confirmed {
			return rec.At
		}
	}
	return time.Time{}
}

// Live says whether the incident has not ended.
func (i *Incident) Live() bool { return i.State != Ended && i.State != Unopened }

// Working says whether the targets of a plan are being worked on.
func (i *Incident) Working() bool { return i.State.Working() }

// NeedsPerson says that the incident cannot go on without a person. Nobody can be asked about what takes a recovery back: where policy
// asks about that, and those who approved of the recovery are not enough, people have to do it.
func (i *Incident) NeedsPerson() bool {
	d := i.Decision
	undo := i.State == Clearing && d != nil && d.Phase == PhaseUndo && d.Answer.Verdict == policies.Ask && !d.Agreed
	return undo || i.State == HandedOver || i.State == Awaiting
}

// Fold makes the incident of a history. A record that the table refuses, or one of an unknown schema, is an error: hands
// off.
func Fold(history []Sequenced) (*Incident, error) {
	i := &Incident{}
	for _, rec := range history {
		if err := i.Apply(rec); err != nil {
			return nil, err
		}
	}
	return i, nil
}

// Apply folds one more record into the incident.
func (i *Incident) Apply(rec Sequenced) error {
	if rec.Schema != Schema {
		return fmt.Errorf("incident %s: record %d has schema %d, this salvor knows %d: leave it to the newer one", rec.Incident, rec.Seq, rec.Schema, Schema)
	}
	next, err := i.admit(rec.Record)
	if err != nil {
		return fmt.Errorf("incident %s: record %d: %w", rec.Incident, rec.Seq, err)
	}
	if next != i.State {
		i.Since = rec.At
	}
	i.State = next
	i.Seq, i.Head = rec.Seq, rec.Sum
	i.ViewSeq = max(i.ViewSeq, rec.ViewSeq)
	i.History = append(i.History, rec)
	if rec.Text != "" && rec.Kind != Noted {
		i.Why = rec.Text
	}
	return nil
}

// Admits says whether a record may be appended now, without changing the incident.
func (i *Incident) Admits(rec Record) error {
	_, err := i.Leads(rec)
	return err
}

// Leads is the state that a record would lead to, without changing the incident.
func (i *Incident) Leads(rec Record) (State, error) {
	probe := *i
	return probe.admit(rec)
}

func (i *Incident) admit(rec Record) (State, error) {
	cell, ok := table[i.State][rec.Kind]
	if !ok {
		return "", &RefusedError{i.State, rec.Kind, "unknown kind of record"}
	}
	if cell.deny != "" {
		return "", &RefusedError{i.State, rec.Kind, cell.deny}
	}
	if cell.by == nil {
		return cell.to, nil
	}
	next := cell.by(i, rec)
	if next == Unopened {
		return "", &RefusedError{i.State, rec.Kind, "the record does not fit the plan in force"}
	}
	return next, nil
}
