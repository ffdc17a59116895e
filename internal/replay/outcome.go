package replay

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pmezard/go-difflib/difflib"

	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/judging"
	"github.com/salvor-io/salvor/internal/timeline"
)

// Outcome is what came of a replay.
type Outcome struct {
	Records   []incident.Sequenced // all, as they were written
	Incidents []*incident.Incident // the oldest first
	Lines     []string             // the records as people read them, one line each
	Odd       []string             // what could not be read of the input
	Events    int
	From, To  time.Time
}

// Play plays the scene of a file by a configuration, nil being its own with the policies and runbooks that it brings; another one brings
// its own, where it names any.
func (f *File) Play(ctx context.Context, cfg *config.Config) (*Outcome, error) {
	steps, err := f.Steps()
	if err != nil {
		return nil, err
	}
	if len(steps) == 0 {
		return nil, errors.New("nothing happens in this scene")
	}
	judges, books, world, err := f.court(ctx, cfg)
	if err != nil {
		return nil, err
	}
	p, out := NewPlayer(ctx, judges, books, world, steps[0].At), &Outcome{From: steps[0].At, To: steps[len(steps)-1].At}
	p.Follow(out.teller())
	for _, step := range steps {
		if err := p.Play(ctx, step); err != nil {
			return nil, err
		}
		if step.Event != nil {
			out.Events++
		}
	}
	out.Odd = p.Odd()
	out.Incidents, err = p.Incidents()
	return out, err
}

// court is who judges: made of a configuration, nil being that of the file with what it brings.
func (f *File) court(ctx context.Context, cfg *config.Config) (*judging.Judgement, *judging.Books, *paper, error) {
	brings := &File{}
	if cfg == nil {
		own, err := f.own()
		if err != nil {
			return nil, nil, nil, err
		}
		brings, cfg = f, own
	}
	rules, err := brings.Folder(folderPolicies)
	if err != nil {
		return nil, nil, nil, err
	}
	runbooks, err := brings.Folder(folderRunbooks)
	if err != nil {
		return nil, nil, nil, err
	}
	judges, err := judging.New(ctx, cfg, rules)
	if err != nil {
		return nil, nil, nil, err
	}
	world := newPaper()
	catalog, err := world.catalog()
	if err != nil {
		return nil, nil, nil, err
	}
	books, err := judging.LoadBooks(cfg, runbooks, catalog)
	return judges, books, world, err
}

// ErrNoConfig says that a file brings no configuration, and none was given.
var ErrNoConfig = errors.New("the file brings no salvor.yaml: say by which to judge it")

// own is the configuration that the file brings. Rules and runbooks are those of the file, whatever folders it names.
func (f *File) own() (*config.Config, error) {
	if f.Config == nil {
		return nil, ErrNoConfig
	}
	cfg, err := config.Parse("salvor.yaml of the file", f.Config)
	if err != nil {
		return nil, err
	}
	cfg.Policies.Dir, cfg.Runbooks.Dir = "", ""
	return cfg, nil
}

// teller notes each record, and tells it in a line.
func (o *Outcome) teller() func(incident.Sequenced) {
	var lines timeline.Lines
	about := map[incident.ID]incident.Record{}
	return func(rec incident.Sequenced) {
		if rec.Kind == incident.Opened {
			about[rec.Incident] = rec.Record
		}
		o.Records = append(o.Records, rec)
		first := about[rec.Incident]
		o.Lines = append(o.Lines, lines.Line(first.Key.Cluster, string(first.Fault.Kind)+" "+first.Fault.Anchor.String(), bare(rec)))
	}
}

// revision is that of the rules, in a sentence about them.
var revision = regexp.MustCompile(`(policy) [0-9a-f]{12}\b`)

// bare is a record without what changes with each edit of the rules: their revision, and the lines at which they stand.
func bare(rec incident.Sequenced) incident.Sequenced {
	if rec.Decided == nil {
		return rec
	}
	d := *rec.Decided
	d.Answer.Revision = ""
	d.Answer.Reasons = slices.Clone(d.Answer.Reasons)
	for i := range d.Answer.Reasons {
		d.Answer.Reasons[i].Rule, _, _ = strings.Cut(d.Answer.Reasons[i].Rule, ":")
	}
	d.Answer.Held = slices.Clone(d.Answer.Held)
	for i := range d.Answer.Held {
		d.Answer.Held[i].Text = revision.ReplaceAllString(d.Answer.Held[i].Text, "$1")
	}
	rec.Decided = &d
	return rec
}

// Text is the outcome as people read it, each line with its end.
func (o *Outcome) Text() string {
	var b strings.Builder
	for _, line := range o.Lines {
		b.WriteString(line + "\n")
	}
	for _, odd := range o.Odd {
		b.WriteString("could not be read: " + odd + "\n")
	}
	b.WriteString(o.sum() + "\n")
	return b.String()
}

// sum says in one line what came of it all.
func (o *Outcome) sum() string {
	states := map[incident.State]int{}
	for _, inc := range o.Incidents {
		states[inc.State]++
	}
	var parts []string
	for state, n := range states {
		parts = append(parts, fmt.Sprintf("%d incident%s %s", n, plural(n), state))
	}
	slices.Sort(parts)
	if len(parts) == 0 {
		parts = []string{"no incident"}
	}
	return fmt.Sprintf("after %s: %s", o.To.Sub(o.From).Round(time.Second), strings.Join(parts, ", "))
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// Differ is what is different between two texts, as a unified diff; "" when nothing is.
func Differ(a, b, nameA, nameB string) (string, error) {
	return difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: difflib.SplitLines(a), B: difflib.SplitLines(b), FromFile: nameA, ToFile: nameB, Context: 1})
}
