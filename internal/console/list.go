package console

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
)

const (
	perPage  = 50
	overLast = 24 * time.Hour // how long what is over is listed
)

// section is a part of the list, by what has to be done about what is in it.
type section struct {
	Name string
	Rows []row
}

// row is one incident in the list.
type row struct {
	card.Card
	Until *deadline
	Asks  bool // whoever looks
}

// listing is the list, or a page of it.
type listing struct {
	Asking     int    // so many ask
	Seq        uint64 // the last record that it is of
	Sections   []section
	Page, Last int
	Prev, Next int // 0 where there is none
}

// The sections in order.
const (
	asks = iota
	runs
	waits
	watched
	over
)

var sectionNames = [...]string{"Decide", "Running", "Waiting for a person", "Watched", "Over"}

// sectionOf is what has to be done about an incident, without all that a card says of it: there may be thousands.
func sectionOf(inc *incident.Incident) int {
	switch {
	case inc.Asking() != nil:
		return asks
	case inc.Working():
		return runs
	case inc.NeedsPerson():
		return waits
	case inc.State == incident.Recovered, inc.State == incident.Clearing, !inc.Live():
		return over
	}
	return watched
}

// list answers with what there is, first of all what asks, the most urgent first.
func (c *Console) list(w http.ResponseWriter, r *http.Request) {
	now := c.Clock()
	all := slices.DeleteFunc(c.Index.Incidents(), func(inc incident.Incident) bool { return !inc.Live() && now.Sub(inc.Since) > overLast })
	order := urgency(all)
	l := listing{Seq: c.seqOf(""), Page: 1, Last: max(1, (len(order)+perPage-1)/perPage)}
	if n, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil {
		l.Page = min(max(n, 1), l.Last)
	}
	for _, at := range order {
		if at.section == asks {
			l.Asking++
		}
	}
	from := (l.Page - 1) * perPage
	for _, at := range order[from:min(from+perPage, len(order))] {
		l.add(at.section, c.row(at.inc, people.From(r.Context())))
	}
	l.Prev, l.Next = l.Page-1, (l.Page+1)*btoi(l.Page < l.Last)
	title := "Incidents"
	if l.Asking > 0 {
		title = "(" + strconv.Itoa(l.Asking) + ") Incidents"
	}
	c.render(w, r, http.StatusOK, "list.html", page{Title: title, News: "/events", Told: c.Sessions.Told(w, r), Body: l})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// placed is an incident where it belongs.
type placed struct {
	inc     *incident.Incident
	section int
}

// urgency orders incidents: by section, those that ask by when the time to answer is over, all others the latest first.
func urgency(all []incident.Incident) []placed {
	order := make([]placed, len(all))
	for i := range all {
		order[i] = placed{&all[i], sectionOf(&all[i])}
	}
	slices.SortStableFunc(order, func(a, b placed) int {
		if a.section == asks && b.section == asks {
			return a.inc.Approval.Until.Compare(b.inc.Approval.Until)
		}
		return cmp.Or(cmp.Compare(a.section, b.section), b.inc.Since.Compare(a.inc.Since))
	})
	return order
}

func (l *listing) add(in int, r row) {
	name := sectionNames[in]
	if n := len(l.Sections); n == 0 || l.Sections[n-1].Name != name {
		l.Sections = append(l.Sections, section{Name: name})
	}
	last := &l.Sections[len(l.Sections)-1]
	last.Rows = append(last.Rows, r)
}

func (c *Console) row(inc *incident.Incident, who people.Person) row {
	out := row{Card: c.Card(inc)}
	if a := inc.Asking(); a != nil {
		out.Until = deadlineOf(a.Until, c.Clock())
		out.Asks = approval.May(inc, who, incident.Approve) == nil
	}
	return out
}
