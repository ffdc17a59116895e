package alertmanager

import (
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"

	"github.com/salvor-io/salvor/events"
)

// Ignore is the topic of a row whose alerts mean nothing.
const Ignore events.Topic = "ignore"

// Bounds of the rows that users add: each alert is compared with every row that does not name it.
const (
	maxRows     = 500
	maxMatchers = 16
)

// Row gives the alerts that all of its matchers match a meaning.
type Row struct {
	Match       []string     `yaml:"match"`       // matchers in Alertmanager's syntax: alertname="MyNodeDown"; an absent label is empty
	Topic       events.Topic `yaml:"topic"`       // one of [events.Topics], or [Ignore]
	Independent bool         `yaml:"independent"` // see [events.Meaning]
}

// Table says what alerts speak of. It is never changed, so that any number of goroutines may use it.
type Table struct {
	named  map[string][]rule // by the alertname that the row demands, in their order
	others []rule            // rows that demand none, in their order
}

// rule is a row that was read.
type rule struct {
	place    int // among all rows; the first that matches wins
	matchers labels.Matchers
	meaning  events.Meaning
}

// NewTable builds the table of the shipped rows with extra ones before them. The first row that matches an alert gives it its
// meaning. Its error says which row is wrong.
func NewTable(extra []Row) (*Table, error) {
	if len(extra) > maxRows {
		return nil, fmt.Errorf("read table of alerts: %d rows, at most %d are taken", len(extra), maxRows)
	}
	rows := slices.Clone(extra)
	for _, s := range Shipped() {
		rows = append(rows, s.Row)
	}
	t := &Table{named: map[string][]rule{}}
	for i, row := range rows {
		r, err := row.read()
		if err != nil {
			return nil, fmt.Errorf("read row %d of the table of alerts: %w", i+1, err)
		}
		r.place = i
		t.add(r)
	}
	return t, nil
}

func (t *Table) add(r rule) {
	for _, m := range r.matchers {
		if m.Name == model.AlertNameLabel && m.Type == labels.MatchEqual && m.Value != "" {
			t.named[m.Value] = append(t.named[m.Value], r)
			return
		}
	}
	t.others = append(t.others, r)
}

// Check says what keeps a row from being used, or nil.
func (r Row) Check() error {
	_, err := r.read()
	return err
}

func (r Row) read() (rule, error) {
	out := rule{meaning: events.Meaning{Topic: r.Topic, Independent: r.Independent}}
	switch {
	case r.Topic == Ignore && r.Independent:
		return rule{}, errors.New("what is ignored cannot be independent")
	case r.Topic == Ignore:
		out.meaning = events.Meaning{}
	case !slices.Contains(events.Topics(), r.Topic):
		return rule{}, fmt.Errorf("unknown topic %.40q, want %s or one of %v", r.Topic, Ignore, events.Topics())
	}
	if len(r.Match) > maxMatchers {
		return rule{}, fmt.Errorf("it has %d matchers, at most %d are taken", len(r.Match), maxMatchers)
	}
	for _, text := range r.Match {
		m, err := labels.ParseMatcher(text)
		if err != nil {
			return rule{}, fmt.Errorf("read matcher %.200q: %w", text, err)
		}
		out.matchers = append(out.matchers, m)
	}
	if !slices.ContainsFunc(out.matchers, func(m *labels.Matcher) bool { return !m.Matches("") }) {
		return rule{}, errors.New("none of its matchers demands a label, so it would match alerts that say nothing")
	}
	return out, nil
}

func (r *rule) matches(alert events.LabelSet) bool {
	for _, m := range r.matchers {
		if !m.Matches(alert.Of(m.Name)) {
			return false
		}
	}
	return true
}

// Meaning says what an alert speaks of; the zero Meaning when no row matches its labels.
func (t *Table) Meaning(a events.Alert) events.Meaning {
	found := first(t.named[a.Labels.Of(model.AlertNameLabel)], a.Labels)
	for i := range t.others {
		r := &t.others[i]
		if found != nil && found.place < r.place {
			break
		}
		if r.matches(a.Labels) {
			found = r
			break
		}
	}
	if found == nil {
		return events.Meaning{}
	}
	return found.meaning
}

func first(rules []rule, alert events.LabelSet) *rule {
	for i := range rules {
		if rules[i].matches(alert) {
			return &rules[i]
		}
	}
	return nil
}
