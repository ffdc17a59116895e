package authoring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/timeline"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/rego"
)

// maxMoved bounds the decisions that a tally keeps, of each change.
const maxMoved = 1000

// Judge answers a decision as it was stored, see [rego.Rules.Replay].
type Judge interface {
	Replay(ctx context.Context, document []byte) (rego.Replayed, error)
}

// Recorded is a decision as it was stored.
type Recorded struct {
	Ref      string
	Incident string // its short name
	At       time.Time
	Document json.RawMessage
}

// Tally counts what a candidate answers to what was asked before.
type Tally struct {
	Same     int            `json:"same"`
	Moves    map[string]int `json:"moves"`    // "act to ask", "ask to ACT", ...
	Looser   []Moved        `json:"looser"`   // those that move toward more automation
	Tighter  []Moved        `json:"tighter"`  // the others that differ
	Lacking  map[string]int `json:"lacking"`  // not replayable: by the facts that they lack
	Unread   int            `json:"unread"`   // not replayable: they cannot be read
	Refused  int            `json:"refused"`  // the candidate could not be evaluated
	Refusals []string       `json:"refusals"` // the first reasons for that

	counts [3]int // by policies.Change
}

// Moved is a decision that comes out otherwise.
type Moved struct {
	Ref      string    `json:"ref"`
	Incident string    `json:"incident"`
	At       time.Time `json:"at"`
	Cluster  string    `json:"cluster"`
	Anchor   string    `json:"anchor"`
	Move     string    `json:"move"`
	Was      string    `json:"was"` // why, before
	Is       string    `json:"is"`  // and now
}

// NewTally makes a tally of nothing.
func NewTally() *Tally {
	return &Tally{Moves: map[string]int{}, Looser: []Moved{}, Tighter: []Moved{}, Lacking: map[string]int{}, Refusals: []string{}}
}

// Add asks the candidate about one more decision. What cannot be replayed is counted; the error is that of ctx alone.
func (t *Tally) Add(ctx context.Context, candidate Judge, rec Recorded) error {
	found, err := candidate.Replay(ctx, rec.Document)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, rego.ErrNoDocument):
		t.Unread++
	case err != nil:
		t.refuse(err)
	case len(found.Lacks) > 0:
		t.Lacking[strings.Join(found.Lacks, ", ")]++
	default:
		t.compare(rec, found.Question, found.Recorded, policies.Settle(found.Said, found.Question))
	}
	return nil
}

// refuse counts an answer that the candidate owes. Salvor denies then.
func (t *Tally) refuse(err error) {
	if t.Refused++; len(t.Refusals) < 3 && !slices.Contains(t.Refusals, err.Error()) {
		t.Refusals = append(t.Refusals, err.Error())
	}
}

func (t *Tally) compare(rec Recorded, q policies.Question, was, is policies.Decision) {
	change := policies.Compare(was, is)
	t.counts[change]++
	if change == policies.Same {
		t.Same++
		return
	}
	moved := Moved{Ref: rec.Ref, Incident: rec.Incident, At: rec.At, Cluster: q.Cluster.Name, Anchor: q.Fault.Anchor, Move: move(was, is), Was: why(was), Is: why(is)}
	t.Moves[moved.Move]++
	into := &t.Tighter
	if change == policies.Looser {
		into = &t.Looser
	}
	if len(*into) < maxMoved {
		*into = append(*into, moved)
	}
}

// move names what becomes of a decision. What goes toward more automation is written large.
func move(was, is policies.Decision) string {
	held := ""
	from, to := was.Verdict, is.Verdict
	if from == to && was.Would != is.Would {
		from, to, held = was.Would, is.Would, ", held back all the same"
	}
	switch {
	case from < to:
		return fmt.Sprintf("%s to %s%s", from, strings.ToUpper(to.String()), held)
	case from > to:
		return fmt.Sprintf("%s to %s%s", from, to, held)
	case policies.Compare(was, is) == policies.Looser:
		return "ask that is EASIER to be met"
	}
	return "ask that is harder to be met"
}

// why is the first reason of a decision.
func why(d policies.Decision) string {
	for _, r := range slices.Concat(d.Reasons, d.Held) {
		return r.Text
	}
	return ""
}

// LooserThan says how many decisions move toward more automation.
func (t *Tally) LooserThan() int { return t.counts[policies.Looser] }

// Replayed counts the decisions that could be compared.
func (t *Tally) Replayed() int {
	return t.counts[policies.Same] + t.counts[policies.Tighter] + t.counts[policies.Looser]
}

// Write tells it all: the decisions that differ, those that could not be replayed, and the sum in the last line.
func (t *Tally) Write(w io.Writer) error {
	for _, m := range slices.Concat(t.Tighter, t.Looser) {
		fmt.Fprintf(w, "%s %s %s %s: %s\n", m.At.UTC().Format("2006-01-02 15:04:05"), timeline.Plain(m.Incident), timeline.Plain(m.Cluster), timeline.Plain(m.Anchor), m.Move)
		fmt.Fprintf(w, "    was  %s\n    is   %s\n", timeline.Plain(m.Was), timeline.Plain(m.Is))
	}
	for _, more := range []struct {
		of   string
		n    int
		kept int
	}{{"tighter", t.counts[policies.Tighter], len(t.Tighter)}, {"looser", t.counts[policies.Looser], len(t.Looser)}} {
		if more.n > more.kept {
			fmt.Fprintf(w, "... and %d more that are %s\n", more.n-more.kept, more.of)
		}
	}
	for _, facts := range slices.Sorted(maps.Keys(t.Lacking)) {
		fmt.Fprintf(w, "not replayable: %d lack %s, which the candidate reads\n", t.Lacking[facts], facts)
	}
	if t.Unread > 0 {
		fmt.Fprintf(w, "not replayable: %d cannot be read\n", t.Unread)
	}
	for _, text := range t.Refusals {
		fmt.Fprintf(w, "no answer, so Salvor would deny: %s\n", timeline.Plain(text))
	}
	_, err := fmt.Fprintln(w, t.Sum())
	return err
}

// Sum is the tally in one line: "412 the same, 2 act to ask, 1 ask to ACT".
func (t *Tally) Sum() string {
	parts := []string{fmt.Sprintf("%d the same", t.Same)}
	for _, move := range slices.SortedFunc(maps.Keys(t.Moves), func(a, b string) int { return strings.Compare(strings.ToLower(b), strings.ToLower(a)) }) {
		parts = append(parts, fmt.Sprintf("%d %s", t.Moves[move], move))
	}
	if t.Refused > 0 {
		parts = append(parts, fmt.Sprintf("%d without an answer", t.Refused))
	}
	lacking := t.Unread
	for _, n := range t.Lacking {
		lacking += n
	}
	if lacking > 0 {
		parts = append(parts, fmt.Sprintf("%d not replayable", lacking))
	}
	return strings.Join(parts, ", ")
}
