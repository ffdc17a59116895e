package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
)

// Check follows an audit line by line and finds where it does not fit together. It holds one incident at a time, and all heads.
type Check struct {
	report  Report
	earlier *Earlier
	unmet   map[string]Head // heads of the earlier audit that were not come across
	chain   *chain
	told    int // heads that the audit itself names
	ended   bool
}

// NewCheck begins a check, against an earlier audit where there is one.
func NewCheck(earlier *Earlier) *Check {
	c := &Check{report: Report{Breaks: []Break{}}, earlier: earlier, unmet: map[string]Head{}}
	if earlier != nil {
		for _, head := range earlier.Heads {
			c.unmet[head.Of] = head
		}
	}
	return c
}

// Read checks an audit that is not signed, as a server writes it. The error wraps ErrForm for what is none, or not a whole one.
func (c *Check) Read(r io.Reader) (Report, error) {
	if err := eachLine(r, func(line Line, _ []byte) error { return c.take(line) }); err != nil {
		return c.report, err
	}
	return c.report, c.whole()
}

func (c *Check) whole() error {
	if !c.ended {
		return fmt.Errorf("%w: its end is missing", ErrForm)
	}
	return nil
}

// take checks one line.
func (c *Check) take(line Line) error {
	switch begun := c.report.Schema != 0; {
	case !begun && line.Is != IsBegin, begun && line.Is == IsBegin:
		return fmt.Errorf("%w: a line %q is where none may be", ErrForm, line.Is)
	case c.ended && line.Is != IsHead:
		return fmt.Errorf("%w: a line %q stands behind its end", ErrForm, line.Is)
	}
	switch line.Is {
	case IsBegin:
		return c.begin(line.Begin)
	case IsRecord, IsEntry:
		c.link(line)
	case IsDocument:
		return c.document(line)
	case IsUnread:
		c.unread(line, &c.report.Incidents)
	case IsUnreadTrail:
		c.unread(line, &c.report.Trails)
	case IsEnd:
		return c.end(line.Count)
	case IsHead:
		c.head(line)
	default:
		return fmt.Errorf("%w: no line is named %q", ErrForm, line.Is)
	}
	return nil
}

func (c *Check) unread(line Line, among *int) {
	c.finish()
	*among++
	c.broke(Break{Of: line.Of, What: "it is there and cannot be read: " + line.Why})
}

func (c *Check) begin(b *Begin) error {
	switch {
	case b == nil:
		return ErrForm
	case b.Schema != Schema:
		return fmt.Errorf("%w: it is of version %d, this salvor reads %d", ErrForm, b.Schema, Schema)
	}
	c.report.Begin = *b
	return nil
}

// document notes a document of the incident whose records came before it.
func (c *Check) document(line Line) error {
	if c.chain == nil || c.chain.is != IsRecord {
		return fmt.Errorf("%w: a document follows no incident", ErrForm)
	}
	c.report.Documents++
	c.chain.documents[line.Of] = incident.SumOf(line.Bytes)
	return nil
}

// end checks that nothing was left out on the way, and of the earlier audit that all is still there.
func (c *Check) end(said *Count) error {
	c.finish()
	if said == nil {
		return ErrForm
	}
	if *said != c.report.Count {
		return fmt.Errorf("%w: lines are missing: its end counts %s; there are %s", ErrForm, said.sentence(), c.report.sentence())
	}
	c.ended = true
	c.missing()
	return nil
}

// head compares what the audit itself says that something ended with.
func (c *Check) head(line Line) {
	at := c.told
	if c.told++; at >= len(c.report.Heads) {
		c.broke(Break{Of: line.Of, Seq: line.Seq, What: "the audit names a head of it, and has nothing of it"})
		return
	}
	if is := c.report.Heads[at]; is.Of != line.Of || is.Seq != line.Seq || is.Sum != line.Sum {
		c.broke(Break{Of: line.Of, Seq: line.Seq, What: fmt.Sprintf("the audit names another head than that of %s at %d", is.Of, is.Seq)})
	}
}

func (c *Check) broke(b Break) { c.report.Breaks = append(c.report.Breaks, b) }

// finish ends the incident or trail that was followed.
func (c *Check) finish() {
	if c.chain == nil {
		return
	}
	ch := c.chain
	c.chain = nil
	for _, n := range ch.named {
		c.named(ch, n)
	}
	if ch.n == 1 && ch.unmarked {
		c.report.Unchained++
	}
	c.report.Heads = append(c.report.Heads, Head{ch.of, ch.seq, ch.sum, ch.first, ch.last, ch.is == IsEntry})
}

// named checks a document that a record names.
func (c *Check) named(ch *chain, n naming) {
	sum, there := ch.documents[n.Ref]
	due := n.storedAt.AddDate(0, 0, c.report.KeptDays)
	switch {
	case !there && due.Before(c.report.At):
		c.report.Aged++
	case !there && n.unsure:
		c.report.Unstored++
	case !there:
		c.broke(Break{ch.of, n.seq, n.kind, fmt.Sprintf("decision %s, which it names, is gone before its time, which is %s: it was deleted, or dropped for room (nats.max_store)",
			n.Ref, due.Format(time.DateOnly))})
	case n.Sum == "":
		c.report.Unchained++
	case n.Sum != sum:
		c.broke(Break{ch.of, n.seq, n.kind, fmt.Sprintf("decision %s is not the one it names: what policy was asked or said was changed after it was stored", n.Ref)})
	}
}

// errUnreadable is why nothing can be said of a record but its bytes.
var errUnreadable = errors.New("it cannot be read")

func read(stored []byte) (linked, error) {
	var rec linked
	if err := json.Unmarshal(stored, &rec); err != nil {
		return rec, errUnreadable
	}
	return rec, nil
}
