package timeline

import (
	"fmt"
	"strings"

	"github.com/salvor-io/salvor/internal/incident"
)

// Lines renders the records of many incidents as they come, one line each. It remembers the plans that were decided while it
// listened. The zero value is ready; it is not safe for concurrent use.
type Lines struct{ tellers map[incident.ID]*teller }

// Line is one record as one line: when, of which incident, and what happened.
func (l *Lines) Line(cluster, anchor string, rec incident.Sequenced) string {
	return fmt.Sprintf("%s %s %s %s %s", clock(When(rec)), rec.Incident.Name(), Plain(cluster), Plain(anchor), l.Text(rec))
}

// Text is one record as one line that says what happened, and neither when nor of which incident.
func (l *Lines) Text(rec incident.Sequenced) string {
	t := l.tellers[rec.Incident]
	if t == nil {
		t = newTeller(nil)
	}
	var parts []string
	for _, e := range t.tell(rec) {
		parts = append(parts, e.flat())
	}
	l.remember(rec, t)
	return strings.Join(parts, "; ")
}

// remember keeps what is known of an incident until it ends.
func (l *Lines) remember(rec incident.Sequenced, t *teller) {
	switch rec.Kind {
	case incident.Closed:
		delete(l.tellers, rec.Incident)
	case incident.Decided:
		if l.tellers == nil {
			l.tellers = map[incident.ID]*teller{}
		}
		l.tellers[rec.Incident] = t
	}
}
