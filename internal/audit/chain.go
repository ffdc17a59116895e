package audit

import (
	"fmt"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
)

// chain is one incident or one trail as it is followed.
type chain struct {
	is   Is
	of   string
	n    int    // records so far
	seq  uint64 // of the last
	sum  string // of the last
	kind string // of the last

	first, last time.Time
	chained     bool // a record has named the one before it
	unmarked    bool // the last has no mark
	broken      bool // the last is known not to be what was written: the next will not fit it

	documents map[string]string // their sums, by reference
	named     []naming
	intent    int // index in named of the open intent's, -1 where there is none
}

// naming is a document that a record names.
type naming struct {
	incident.Asked
	seq      uint64
	kind     string
	storedAt time.Time
	unsure   bool // it is stored beside its record, and nothing says that both were
}

// link takes a record or an entry, the next of what is followed or the first of another.
func (c *Check) link(line Line) {
	if c.chain == nil || c.chain.of != line.Of || c.chain.is != line.Is {
		c.finish()
		c.chain = &chain{is: line.Is, of: line.Of, first: line.StoredAt, documents: map[string]string{}, intent: -1}
		if line.Is == IsRecord {
			c.report.Incidents++
		} else {
			c.report.Trails++
		}
	}
	if line.Is == IsRecord {
		c.report.Records++
	} else {
		c.report.Entries++
	}
	rec, err := read(line.Bytes)
	sum := incident.SumOf(line.Bytes)
	c.compare(line, sum, rec)
	broken := c.itself(line, sum, rec, err) || c.follows(line, rec)
	c.chain.names(line, rec)
	c.chain.add(line, sum, rec, broken)
}

// itself checks what a record is by itself, and says whether it is broken.
func (c *Check) itself(line Line, sum string, rec linked, unread error) bool {
	what := ""
	switch {
	case line.Mark != "" && line.Mark != sum:
		what = "its bytes are not those that were written: they were changed after they were stored"
	case unread != nil:
		what = "it cannot be read: it was changed after it was stored"
	case line.Mark == "" && rec.Prev != "":
		what = "nothing says that Salvor wrote it: it was put there by other means"
	default:
		return false
	}
	c.broke(Break{line.Of, line.Seq, rec.Kind, what})
	return true
}

// follows checks that a record is the next of those before it, and says whether it was altered so that its next will not fit it.
func (c *Check) follows(line Line, rec linked) (altered bool) {
	ch := c.chain
	what := ""
	switch {
	case ch.n == 0 && (rec.Prev != "" || ch.is == IsRecord && rec.Kind != string(incident.Opened)):
		what = "it is the first that is there, and was not the first that was written: those before it are gone"
	case ch.n == 0, rec.Prev == ch.sum, rec.Prev != "" && ch.broken:
	case rec.Prev == "" && !ch.chained && ch.is == IsRecord:
		if c.report.Unchained++; ch.n == 1 {
			c.report.Unchained++ // the first names none anyway, and is named by none
		}
	case rec.Prev == "":
		altered = true
		what = "it names none before it, though those before it do: an older version wrote it, or it was put there by other means"
	default:
		what = fmt.Sprintf("it does not follow %s at %d: that is not what was written there, or one between them is gone", ch.kind, ch.seq)
	}
	if what != "" {
		c.broke(Break{line.Of, line.Seq, rec.Kind, what})
	}
	return altered
}

// names notes the documents that a record names. That of an intent is stored beside it: that both were is known once something was done
// under the intent.
func (ch *chain) names(line Line, rec linked) {
	switch incident.RecordKind(rec.Kind) {
	case incident.Done, incident.Failed:
		if ch.intent >= 0 {
			ch.named[ch.intent].unsure = false
		}
		ch.intent = -1
	case incident.Intent, incident.TookOver:
		ch.intent = -1
	}
	for _, asked := range rec.documents() {
		unsure := rec.Kind == string(incident.Intent)
		if unsure {
			ch.intent = len(ch.named)
		}
		ch.named = append(ch.named, naming{asked, line.Seq, rec.Kind, line.StoredAt, unsure})
	}
}

func (ch *chain) add(line Line, sum string, rec linked, broken bool) {
	ch.n++
	ch.seq, ch.sum, ch.kind, ch.last = line.Seq, sum, rec.Kind, line.StoredAt
	ch.chained = ch.chained || rec.Prev != ""
	ch.unmarked, ch.broken = line.Mark == "", broken
}
