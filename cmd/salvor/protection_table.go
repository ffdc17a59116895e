package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/protection"
	"github.com/salvor-io/salvor/internal/timeline"
)

// maxTold bounds of how many applications and namespaces it is told below the table what is missing.
const maxTold = 30

// writeProtection writes reports for people: for each cluster a table, the worst first, and below it what does not fit in there.
func writeProtection(w io.Writer, reports []protection.Report) error {
	for i, r := range reports {
		page := &page{w: w}
		if i > 0 {
			page.line("")
		}
		page.line("%s at %s", r.Cluster, r.At.UTC().Format("2006-01-02 15:04 UTC"))
		page.table(r)
		page.details(r)
		page.rest(r)
		if page.err != nil {
			return page.err
		}
	}
	return nil
}

// page writes lines and keeps the first error. What is in them is harmless to a terminal.
type page struct {
	w   io.Writer
	err error
}

func (p *page) line(text string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, timeline.Plain(fmt.Sprintf(text, args...)))
	}
}

func (p *page) table(r protection.Report) {
	var rows [][]string
	for _, s := range r.Standings {
		rows = append(rows, []string{wordOf(s.State), orDash(s.Application), orDash(s.Namespace), promisedOf(s), pointOf(s), ageOf(s), whyOf(s)})
	}
	if p.err == nil && len(rows) > 0 {
		p.err = table(p.w, []string{"STATE", "APPLICATION", "NAMESPACE", "PROMISED", "COULD GO BACK TO", "AGE", "WHY"}, rows)
	}
}

// details tell of those of which more is to be said than stands in the table.
func (p *page) details(r protection.Report) {
	told, left := 0, 0
	for _, s := range r.Standings {
		missing := s.Missing()
		if len(missing)+len(s.Notes) < 2 {
			continue
		}
		if told++; told > maxTold {
			left++
			continue
		}
		p.line("")
		p.line("%s: %s", called(s), wordOf(s.State))
		for _, m := range missing {
			p.line("  %s: %s", lacking(s, m), m)
		}
		for _, n := range s.Notes {
			p.line("  %s", n)
		}
	}
	if left > 0 {
		p.line("")
		p.line("and %d more: salvor protection -o json", left)
	}
}

// lacking names the backups of which a sentence says what is missing.
func lacking(s protection.Standing, sentence string) string {
	var of []string
	for _, h := range s.Backups {
		if slices.Contains(h.Missing, sentence) {
			of = append(of, fmt.Sprintf("%s by %s", strings.ReplaceAll(string(h.Of), "_", " "), h.By))
		}
	}
	return strings.Join(of, ", ")
}

// rest is about the cluster as a whole, and what was not read of it.
func (p *page) rest(r protection.Report) {
	p.line("")
	for _, n := range r.Notes {
		p.line("%s", n)
	}
	for _, u := range r.Unread {
		p.line("NOT SEEN: %s", u.Why)
		p.line("  -> %s", u.Do)
	}
	if len(r.LeftOut) > 0 {
		p.line("left out, since they come with Kubernetes or with Velero: %s", strings.Join(r.LeftOut, ", "))
	}
	if r.Promised {
		p.line("of what was promised: %s", tally(r.Of(true)))
	}
	if rest := r.Of(false); len(rest) > 0 {
		p.line("nothing was promised to %d namespaces: %s", len(rest), tally(rest))
	}
}

func tally(standings []protection.Standing) string {
	counts := map[protection.State]int{}
	for _, s := range standings {
		counts[s.State]++
	}
	var parts []string
	for _, state := range []protection.State{protection.Unprotected, protection.Late, protection.Unknown, protection.Kept, protection.Unpromised} {
		if n := counts[state]; n > 0 {
			word := state.String()
			if state == protection.Unpromised {
				word = "could be restored"
			}
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	return strings.Join(parts, ", ")
}

func wordOf(s protection.State) string {
	if s == protection.Unpromised {
		return "NO PROMISE"
	}
	return strings.ToUpper(s.String())
}

func called(s protection.Standing) string {
	switch {
	case s.Application == "":
		return "namespace " + s.Namespace
	case s.Namespace == "":
		return s.Application + ", the cluster itself"
	}
	return s.Application + " in " + s.Namespace
}

func promisedOf(s protection.Standing) string {
	if s.Application == "" {
		return "-"
	}
	text := fmt.Sprintf("DR %d", s.Level)
	if s.RPOS > 0 {
		text += ", RPO " + protection.Span(seconds(s.RPOS))
	}
	if s.RTOS > 0 {
		text += ", RTO " + protection.Span(seconds(s.RTOS))
	}
	return text
}

func pointOf(s protection.Standing) string {
	if s.Point == nil {
		return "-"
	}
	return s.Point.At.UTC().Format("2006-01-02 15:04") + " " + s.Point.Name
}

func ageOf(s protection.Standing) string {
	if s.Point == nil {
		return "-"
	}
	return protection.Span(seconds(s.AgeS))
}

func whyOf(s protection.Standing) string {
	all := append(s.Missing(), s.Notes...)
	if len(all) == 0 {
		return "-"
	}
	if len(all) > 1 {
		return fmt.Sprintf("%s (+%d below)", all[0], len(all)-1)
	}
	return all[0]
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// writePlan writes the objects of a plan as documents of YAML to w, and its notes to talk.
func writePlan(w, talk io.Writer, plan protection.Plan, unread int) error {
	for _, note := range plan.Notes {
		fmt.Fprintf(talk, "note: %s\n", timeline.Plain(note))
	}
	var objects []any
	for _, c := range plan.Classes {
		objects = append(objects, c)
	}
	for _, s := range plan.Schedules {
		objects = append(objects, s)
	}
	for _, object := range objects {
		text, err := config.YAML(object)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "---\n%s", text); err != nil {
			return err
		}
	}
	if len(objects) == 0 {
		fmt.Fprintln(talk, "nothing is to be added")
	}
	if unread > 0 {
		return foundError{fmt.Errorf("%d things were not seen", unread), exitNotKnown}
	}
	return nil
}
