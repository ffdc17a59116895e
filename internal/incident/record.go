package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Schema is the version of records that this code writes and the only one it touches.
const Schema = 1

// Key is what makes two findings the same fault.
type Key struct {
	Cluster string `json:"cluster"`
	Kind    string `json:"kind"`
	Anchor  string `json:"anchor"` // Anchor.Identity: "node/<uid>"
}

// KeyOf is the key of a fault.
func KeyOf(f classifiers.Fault) Key {
	return Key{Cluster: f.Cluster, Kind: string(f.Kind), Anchor: f.Anchor.Identity()}
}

// Hash is the key as a subject token: 16 hex digits.
func (k Key) Hash() string {
	sum := sha256.Sum256([]byte(k.Cluster + "\x00" + k.Kind + "\x00" + k.Anchor))
	return hex.EncodeToString(sum[:8])
}

// ID names an incident: the hash of its key and the sequence of what was last written about its fault before, "<hash>-<seq>".
type ID string

// IDOf derives the id from a key and where the last incident of the same key ended, 0 for the first.
func IDOf(k Key, seq uint64) ID { return ID(fmt.Sprintf("%s-%d", k.Hash(), seq)) }

// Name is the short name for people: "inc-" and four characters that are unlikely to collide among open incidents.
func (id ID) Name() string {
	const letters = "23456789abcdefghjkmnpqrstuvwxyz"
	sum := sha256.Sum256([]byte(id))
	out := []byte("inc-xxxx")
	for i := range 4 {
		out[4+i] = letters[int(sum[i])%len(letters)]
	}
	return string(out)
}

// RecordKind says what a record is.
type RecordKind string

// The kinds of record.
const (
	Opened    RecordKind = "opened"    // the fault has persisted through its window, or stood when Salvor first looked
	Confirmed RecordKind = "confirmed" // it came back, or a standing one changed, and has persisted through its window
	Recurred  RecordKind = "recurred"  // it came back after it had cleared, or was found to reach further than the plan that is done
	Cleared   RecordKind = "cleared"   // it is no longer seen
	Decided   RecordKind = "decided"   // policy answered about a plan
	Voted     RecordKind = "voted"     // a person said something about the plan that is asked about
	Broke     RecordKind = "broke"     // a person wants the plan to run though there is no policy
	Reminded  RecordKind = "reminded"  // half of the time to answer is over
	Escalated RecordKind = "escalated" // it is over, and others are asked, too
	Expired   RecordKind = "expired"   // it is over, and nobody else is left to be asked
	Intent    RecordKind = "intent"    // a step is about to be done
	TookOver  RecordKind = "took_over" // another writer goes on with a step whose writer was lost
	Done      RecordKind = "done"      // a step was done and the world agrees
	Failed    RecordKind = "failed"    // a step was not done, or the world does not agree
	Checked   RecordKind = "checked"   // the plan's checks came to an outcome
	Halted    RecordKind = "halted"    // a person stopped the plan
	Handed    RecordKind = "handed"    // a person has to go on
	Noted     RecordKind = "noted"     // something worth remembering that changes nothing, such as a pause that holds a step
	Closed    RecordKind = "closed"    // the end
)

// Phase says which plan of the runbook is meant.
type Phase string

// The phases: the recovery itself, and taking back what it did once the fault is gone.
const (
	PhaseRecover Phase = "recover"
	PhaseUndo    Phase = "undo"
)

// Record is one entry of the history of an incident.
type Record struct {
	Schema   int        `json:"schema"`
	Incident ID         `json:"incident"`
	Kind     RecordKind `json:"kind"`
	Writer   string     `json:"writer"`         // the replica
	Nonce    string     `json:"nonce"`          // unique to this attempt to append
	Prev     string     `json:"prev,omitempty"` // SumOf the record before it; empty in the first, and before records were chained
	At       time.Time  `json:"at"`             // view time of the judgement
	ViewSeq  uint64     `json:"view_seq"`       // the event the judgement was made at

	Key      *Key               `json:"key,omitempty"`      // Opened
	Fault    *classifiers.Fault `json:"fault,omitempty"`    // Opened, Recurred; Confirmed where it changed
	WindowS  float64            `json:"window_s,omitempty"` // Recurred
	Standing bool               `json:"standing,omitempty"` // Opened
	Decided  *Decision          `json:"decided,omitempty"`  // Decided
	Gate     *Asked             `json:"gate,omitempty"`     // Intent, TookOver, and Noted where the next step waits: what policy was asked right before; Voted, Broke, Halted: whether this person may
	Ballot   *Ballot            `json:"ballot,omitempty"`   // Voted
	Break    *Break             `json:"break,omitempty"`    // Broke
	Halt     *Halt              `json:"halt,omitempty"`     // Halted
	Step     *StepRef           `json:"step,omitempty"`     // Intent, TookOver, Done, Failed
	Outcome  responders.Outcome `json:"outcome,omitempty"`  // Checked, Closed
	Text     string             `json:"text,omitempty"`     // why, for people; any kind
	Detail   []string           `json:"detail,omitempty"`   // Done, Failed, Checked: what was seen; Handed: what got worse
}

// Documents name all that policy was asked for the record.
func (r Record) Documents() []Asked {
	var named []Asked
	if r.Decided != nil && r.Decided.Ref != "" {
		named = append([]Asked{r.Decided.Asked}, r.Decided.Beside...)
	}
	if r.Gate != nil {
		named = append(named, *r.Gate)
	}
	return named
}

// Decision is what policy said about a plan, as the history keeps it.
type Decision struct {
	Phase Phase `json:"phase"`
	Asked
	Beside []Asked           `json:"beside,omitempty"` // what policy was asked about the other plans there were
	Answer policies.Decision `json:"answer"`
	Agreed bool              `json:"agreed,omitempty"` // policy asks, and those whom it asks have approved of the plan or of one that is worse
	Broken bool              `json:"broken,omitempty"` // there is no policy, and two people let the plan run all the same
	Worse  []string          `json:"worse,omitempty"`  // what of the plan goes beyond the one that people were asked about before
	Plan   *responders.Plan  `json:"plan,omitempty"`   // nil when no plan could be made
}

// Starts says that the plan was begun: policy let it run, or those whom it asks have approved, or two people let it run without any.
func (d *Decision) Starts() bool { return d.Answer.Verdict == policies.Act || d.Agreed || d.Broken }

// StepRef names one step of the plan in force.
type StepRef struct {
	Phase    Phase     `json:"phase"`
	Plan     string    `json:"plan"` // digest
	Index    int       `json:"index"`
	Name     string    `json:"name"`
	Deadline time.Time `json:"deadline,omitzero"` // Intent, TookOver: by the wall clock, when the writer stops by itself
	TookS    float64   `json:"took_s,omitempty"`  // Done, Failed
}

// Sequenced is a record with its place in the stream.
type Sequenced struct {
	Record
	Seq      uint64    // place in the stream
	StoredAt time.Time // when the stream accepted it
	Sum      string    // SumOf the record as it is stored, empty where that is not known
}

// SumOf is what the next record, or whoever names a stored document, knows its bytes by: their SHA-256 as hex.
func SumOf(stored []byte) string {
	sum := sha256.Sum256(stored)
	return hex.EncodeToString(sum[:])
}
