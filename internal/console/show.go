package console

import (
	"cmp"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/approval"
	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/people"
)

// maxLines bounds how much of what has happened a page shows.
const maxLines = 200

// sheet is the page of one incident.
type sheet struct {
	card.Card
	Stage   string // in words
	Short   string // the short name of the plan
	Until   *deadline
	Steps   []step
	Done    int // steps
	May     may
	Notice  string   // what is to be known of the link that led here
	Changed *change  // nil: it is the plan that they were shown
	Refused *refusal // what they just wanted does not count
	Since   []entry  // what has happened since they were shown the page on which they wanted it
	Votes   []vote
	Earlier int // lines of the log that are left out
	Entries []entry
}

// step is one step of the plan, and how long it took.
type step struct {
	card.Step
	Took string
}

// may is what whoever looks may do now. Why says why they may not approve, where somebody is asked to.
type may struct {
	Approve, Reject, Hold, Stop, Undo bool
	Why, Do                           string
}

// Any says that there is something to press.
func (m may) Any() bool { return m.Approve || m.Reject || m.Hold || m.Stop || m.Undo }

// change is that another plan is asked about than they were shown.
type change struct {
	Was, Now string // short names of plans
	WasPlan  string // the digest
	Worse    []string
}

// vote is what one person said.
type vote struct {
	card.Vote
	When string
}

// entry is one line of the log.
type entry struct {
	Day  string // where it is another than that of the line before
	When string
	At   string // for programs
	Text string
}

// show answers with the page of an incident. The query may name the plan that whoever looks was shown before, by a link or by this page.
func (c *Console) show(w http.ResponseWriter, r *http.Request) {
	inc, err := c.Finder.Find(r.Context(), r.PathValue("id"))
	if err != nil {
		c.refuse(w, r, c.refusalOf(r, err))
		return
	}
	s := c.sheet(inc, people.From(r.Context()))
	s.led(c.Links.Check(inc.ID, r.URL.Query(), c.Clock()))
	s.shown(r.URL.Query().Get("plan"))
	c.renderSheet(w, r, http.StatusOK, s)
}

func (c *Console) renderSheet(w http.ResponseWriter, r *http.Request, status int, s sheet) {
	told := ""
	if r.Method == http.MethodGet {
		told = c.Sessions.Told(w, r)
	}
	c.render(w, r, status, "incident.html", page{Title: s.Title, News: "/incidents/" + string(s.Incident) + "/events", Told: told, Body: s})
}

func (c *Console) sheet(inc *incident.Incident, who people.Person) sheet {
	s := sheet{Card: c.Card(inc)}
	now := c.Clock()
	s.Stage, s.Short = stageNames[s.Card.Stage], shortOf(s.Plan)
	s.May = mayOf(inc, who, s.Verbs)
	for _, of := range s.Card.Steps {
		s.Done += btoi(of.State == card.Done)
		s.Steps = append(s.Steps, step{of, tookOf(of.Took)})
	}
	if s.Ask != nil {
		s.Until = deadlineOf(s.Ask.Until, now)
		for _, v := range s.Ask.Votes {
			s.Votes = append(s.Votes, vote{v, clockOf(v.At, now)})
		}
	}
	s.Earlier = max(0, len(s.Log)-maxLines)
	s.Entries = entriesOf(s.Log[s.Earlier:])
	return s
}

// stageNames say where an incident stands, in a word or two.
var stageNames = map[card.Stage]string{card.Watching: "Watching", card.Asking: "Decision needed", card.Running: "Running",
	card.Waiting: "Waiting for a person", card.Over: "Over"}

// mayOf is what somebody may do of what may be done at all. The desk looks again when they do it, and asks policy.
func mayOf(inc *incident.Incident, who people.Person, verbs []card.Verb) (m may) {
	for _, verb := range verbs {
		switch verb {
		case card.Approve:
			err := approval.May(inc, who, incident.Approve)
			m.Approve = err == nil
			m.because(err)
		case card.Reject:
			m.Reject = approval.May(inc, who, incident.Reject) == nil
		case card.Hold:
			m.Hold = approval.May(inc, who, incident.Hold) == nil
		case card.Stop:
			err := who.May(people.Stop)
			m.Stop = err == nil
			m.because(err)
		case card.StopAndUndo:
			err := who.May(people.Stop)
			m.Undo = err == nil
			m.because(err)
		}
	}
	return m
}

// because notes why somebody may not.
func (m *may) because(err error) {
	var why *approval.Refusal
	switch {
	case err == nil:
	case errors.As(err, &why):
		m.Why, m.Do = why.Why, why.Do
	default:
		m.Why, m.Do = err.Error(), "ask an admin of Salvor for the role: people in salvor.yaml"
	}
}

// led notes what is wrong with the link that led to the page, if it was one of a chat: it proves nothing, or what it was about is not asked
// about any more. What is asked about now is on the page either way.
func (s *sheet) led(plan string, err error) {
	switch {
	case err != nil:
		s.Notice = sentence(err.Error())
	case plan != "" && s.Ask == nil && s.Plan != plan:
		s.Notice = "The link was about plan " + shortOf(plan) + ", which nobody is asked about any more."
	}
}

// shown notes that another plan is asked about than the one that was shown.
func (s *sheet) shown(plan string) {
	if s.Ask == nil || !planName.MatchString(plan) || strings.HasPrefix(s.Plan, plan) {
		return
	}
	s.Changed = &change{Was: shortOf(plan), Now: s.Short, WasPlan: plan, Worse: s.Ask.Worse}
}

// planName is the digest of a plan, or its first digits.
var planName = regexp.MustCompile(`^[0-9a-f]{4,64}$`)

const shortPlan = 6 // digits by which people know a plan

func shortOf(plan string) string { return plan[:min(shortPlan, len(plan))] }

// since notes what has happened after a record.
func (s *sheet) since(seq uint64) {
	var lines []card.Line
	for _, line := range s.Log {
		if line.Seq > seq {
			lines = append(lines, line)
		}
	}
	s.Since = entriesOf(lines[max(0, len(lines)-5):])
}

func entriesOf(log []card.Line) []entry {
	var out []entry
	day := ""
	for _, line := range log {
		at := line.At.UTC()
		e := entry{When: at.Format("15:04:05"), At: at.Format(time.RFC3339), Text: line.Text}
		if today := at.Format("2 January 2006"); today != day {
			e.Day, day = today, today
		}
		out = append(out, e)
	}
	return out
}

// refusalOf says what to show instead of an incident that is not found or cannot be read now.
func (c *Console) refusalOf(r *http.Request, err error) refusal {
	var why *api.Refusal
	if errors.As(err, &why) {
		return refusal{why.Status, sentence(cmp.Or(why.Why, why.What)), sentence(why.Do)}
	}
	c.Log.WarnContext(r.Context(), "page not shown", "path", r.URL.Path, "error", err)
	return refusal{http.StatusServiceUnavailable, "Salvor cannot read its records now.", "Try again; if it goes on, see /readyz and the log of salvor."}
}

// sentence sets a clause as a sentence of its own.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
