package replay

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/timeline"
)

// What says of what kind a judgement is.
type What string

// The kinds of judgement.
const (
	aFault    What = "fault"    // that something is broken, or is again
	aDecision What = "decision" // what may be done about it
	aStep     What = "step"     // that a step may run
	aMove     What = "move"     // any other move of an incident
)

// Judged is one judgement that was recorded, with what comes of it now.
type Judged struct {
	Seq      uint64      `json:"seq,omitempty"` // of its record; 0 when there is none
	At       time.Time   `json:"at"`
	Incident incident.ID `json:"incident,omitempty"`
	Name     string      `json:"name,omitempty"`
	Cluster  string      `json:"cluster"`
	Anchor   string      `json:"anchor"` // "node node/worker-1"
	What     What        `json:"what"`
	Turns    string      `json:"turns,omitempty"` // "act -> ask", of a decision that comes out otherwise
	Recorded string      `json:"recorded"`
	Now      string      `json:"now"`

	Was json.RawMessage `json:"was"` // all that is compared, as it was recorded
	Is  json.RawMessage `json:"is"`  // and as it comes out now
}

// Report is what came of judging a recording again.
type Report struct {
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	Events      int       `json:"events"`
	MadeUp      int       `json:"made_up"`   // of the events, in place of others that are not kept
	Faults      int       `json:"faults"`    // compared
	Decisions   int       `json:"decisions"` // compared
	Steps       int       `json:"steps"`     // for which the gate was asked again
	Moves       int       `json:"moves"`     // compared, all others
	Changes     int       `json:"changes"`   // of plans that were sealed anew
	Missed      int       `json:"missed"`    // judgements that cannot be compared: their event, or what policy was asked, is not in the recording
	Nearly      int       `json:"nearly"`    // of those compared, the same but for the events they go back to and what exactly those said, some of which are made up
	Odd         []string  `json:"odd,omitempty"`
	Differences []Judged  `json:"differences"`

	all []Judged
}

// add notes a judgement with all that is compared of it.
func (r *Report) add(j Judged, recorded, now any) {
	j.Was, j.Is = rendered(recorded), rendered(now)
	r.all = append(r.all, j)
	switch {
	case j.Seq == 0:
	case j.What == aFault:
		r.Faults++
	case j.What == aDecision:
		r.Decisions++
	case j.What == aStep:
		r.Steps++
	default:
		r.Moves++
	}
}

// rendered is what is compared, as JSON.
func rendered(of any) json.RawMessage {
	text, err := json.Marshal(of)
	if err != nil {
		return fmt.Appendf(nil, "%q", "not rendered: "+err.Error())
	}
	return text
}

// finish finds the differences.
func (r *Report) finish() {
	slices.SortStableFunc(r.all, func(a, b Judged) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Anchor, b.Anchor))
	})
	r.Differences = []Judged{}
	for _, j := range r.all {
		if !bytes.Equal(j.Was, j.Is) {
			r.Differences = append(r.Differences, j)
		}
	}
}

// Against is the report of a recording by one configuration, compared with this one of the same recording by another: what was
// recorded counts no more, but what comes of it by this one.
func (r *Report) Against(other *Report) *Report {
	out := *other
	out.all = nil
	mine := map[string]Judged{}
	for _, j := range r.all {
		mine[j.id()] = j
	}
	for _, theirs := range other.all {
		j := theirs
		if base, ok := mine[j.id()]; ok {
			j.Recorded, j.Was = base.Now, base.Is
			j.Turns = turns(base.Turns, theirs.Turns)
		} else if j.Was = rendered(nil); j.Seq != 0 {
			j.Recorded = "is not so"
		}
		delete(mine, j.id())
		out.all = append(out.all, j)
	}
	for _, base := range mine {
		base.Recorded, base.Was, base.Now, base.Is = base.Now, base.Is, "is not so any more", rendered(nil)
		out.all = append(out.all, base)
	}
	out.finish()
	return &out
}

// turns are how a decision turns from one configuration to another, given how each turns it from what was recorded.
func turns(a, b string) string {
	from, first, _ := strings.Cut(a, " -> ")
	was, second, _ := strings.Cut(b, " -> ")
	from, was = cmp.Or(from, was), cmp.Or(was, from)
	first, second = cmp.Or(first, from), cmp.Or(second, was)
	if first == second {
		return ""
	}
	return first + " -> " + second
}

func (j Judged) id() string {
	return fmt.Sprint(j.Seq, "/", j.What, "/", j.Cluster, "/", j.Anchor)
}

// Text is the report as people read it, each line with its end. The names say by what was judged: "recorded" and "now", or two files.
func (r *Report) Text(was, is string) string {
	var b strings.Builder
	for _, j := range r.Differences {
		line := strings.Join(slices.DeleteFunc([]string{clockOf(j.At), j.Name, j.Cluster, j.Anchor}, func(s string) bool { return s == "" }), " ")
		fmt.Fprintf(&b, "%s: %s\n", timeline.Plain(line), cmp.Or(j.Turns, string(j.What)))
		wide := max(len(was), len(is))
		fmt.Fprintf(&b, "    %-*s  %s\n    %-*s  %s\n", wide, was, timeline.Plain(j.Recorded), wide, is, timeline.Plain(j.said()))
	}
	for _, odd := range r.Odd {
		b.WriteString("could not be read: " + timeline.Plain(odd) + "\n")
	}
	b.WriteString(r.sum())
	return b.String()
}

// said is what comes of it now. Where people read the same, what they do not read is different.
func (j Judged) said() string {
	if j.Now != j.Recorded {
		return j.Now
	}
	return j.Now + " (the sentence is the same, what it stands for is not: see -o json)"
}

func (r *Report) compared() int { return r.Faults + r.Decisions + r.Steps + r.Moves }

// Same says that something could be compared, or nothing was recorded that could be, and that nothing is different.
func (r *Report) Same() bool { return len(r.Differences) == 0 && (r.Missed == 0 || r.compared() > 0) }

func (r *Report) sum() string {
	same := "all the same"
	switch n := len(r.Differences); {
	case n > 0:
		same = fmt.Sprintf("%d different", n)
	case r.compared() == 0 && r.Missed > 0:
		same = "nothing could be compared"
	case r.Missed > 0:
		same = "no difference in what could be compared"
	}
	if r.Nearly > 0 {
		same += fmt.Sprintf(", %d but for details of events that are not kept", r.Nearly)
	}
	text := fmt.Sprintf("%s: %s, %s, %s with %s, %s, %s: %s\n", r.over(), count(r.Events, "event"), count(r.Faults, "fault"), count(r.Decisions, "decision"),
		count(r.Changes, "change"), count(r.Steps, "step"), count(r.Moves, "other move"), same)
	if r.MadeUp > 0 && len(r.Differences) > 0 {
		text += fmt.Sprintf("%d of the events are made up in place of others that are not kept: what depends on them may differ for that, see the head of the file\n", r.MadeUp)
	}
	if r.Missed > 0 {
		text += fmt.Sprintf("%s cannot be compared: their events, or what policy was asked, are not in the recording\n", count(r.Missed, "judgement"))
	}
	return text
}

func (r *Report) over() string {
	if r.From.IsZero() {
		return "the whole recording"
	}
	const form = "2006-01-02 15:04:05"
	return r.From.UTC().Format(form) + " to " + r.To.UTC().Format(form)
}

func count(n int, of string) string { return fmt.Sprintf("%d %s%s", n, of, plural(n)) }
