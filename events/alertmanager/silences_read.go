package alertmanager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/prometheus/alertmanager/pkg/labels"

	"github.com/salvor-io/salvor/events"
)

// Bounds of what an Alertmanager says. Alertmanager keeps silences that have ended for days.
const (
	maxSilences = 20_000
	maxAnswer   = 32 << 20 // bytes
	maxComment  = 1000     // bytes kept of the comment, and of the name of who made it
	maxPattern  = 2 << 10  // bytes of the value of a matcher
)

// The states of a silence.
const (
	active  = "active"
	pending = "pending"
	expired = "expired"
)

// found is a silence as one Alertmanager knows it.
type found struct {
	events.Silence
	state   string
	updated time.Time
}

// answer is what one Alertmanager said.
type answer struct {
	silences []found
	odd      []error // silences that could not be read
	err      error   // why it did not answer
}

// askAll asks all Alertmanagers side by side.
func (s *Silences) askAll(ctx context.Context) []answer {
	answers := make([]answer, len(s.opts.Targets))
	var group sync.WaitGroup
	for i, target := range s.opts.Targets {
		group.Go(func() { answers[i] = s.ask(ctx, target) })
	}
	group.Wait()
	return answers
}

func (s *Silences) ask(ctx context.Context, target Target) answer {
	ctx, cancel := context.WithTimeout(ctx, pollWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(target.URL, "/")+"/api/v2/silences", nil)
	if err != nil {
		return answer{err: err}
	}
	if target.Token != "" {
		req.Header.Set("Authorization", "Bearer "+target.Token)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return answer{err: fmt.Errorf("read the answer: %w", err)}
	case resp.StatusCode != http.StatusOK:
		return answer{err: fmt.Errorf("it answers %s", resp.Status)}
	case len(body) > maxAnswer:
		return answer{err: fmt.Errorf("its answer is longer than %d bytes", maxAnswer)}
	}
	return readSilences(body)
}

// readSilences reads the answer of Alertmanager's API, version 2. Fields that it does not know are ignored; a silence that makes
// no sense costs only itself.
func readSilences(body []byte) answer {
	var list []json.RawMessage
	if err := json.Unmarshal(body, &list); err != nil {
		return answer{err: fmt.Errorf("read the answer: %w", plain(err))}
	}
	if list == nil || len(list) > maxSilences {
		return answer{err: fmt.Errorf("want a list of at most %d silences", maxSilences)}
	}
	var out answer
	for i, raw := range list {
		f, err := readSilence(raw)
		if err != nil {
			out.odd = append(out.odd, fmt.Errorf("silence %d of %d: %w", i+1, len(list), err))
			continue
		}
		out.silences = append(out.silences, f)
	}
	return out
}

// silence is a silence as it is sent.
type silence struct {
	ID     string `json:"id"`
	Status struct {
		State string `json:"state"`
	} `json:"status"`
	UpdatedAt time.Time `json:"updatedAt"`
	Matchers  []struct {
		Name    string `json:"name"`
		Value   string `json:"value"`
		IsRegex bool   `json:"isRegex"`
		IsEqual *bool  `json:"isEqual"` // absent before Alertmanager 0.22, when it was always true
	} `json:"matchers"`
	StartsAt  time.Time `json:"startsAt"`
	EndsAt    time.Time `json:"endsAt"`
	CreatedBy string    `json:"createdBy"`
	Comment   string    `json:"comment"`
}

func readSilence(raw json.RawMessage) (found, error) {
	var sent silence
	if err := json.Unmarshal(raw, &sent); err != nil {
		return found{}, plain(err)
	}
	switch state := sent.Status.State; {
	case sent.ID == "" || len(sent.ID) > maxKey:
		return found{}, fmt.Errorf("its id is %d bytes long, want 1 to %d", len(sent.ID), maxKey)
	case state != active && state != pending && state != expired:
		return found{}, fmt.Errorf("its state is %.20q", state)
	case sent.UpdatedAt.IsZero() || sent.StartsAt.IsZero() || sent.EndsAt.IsZero():
		return found{}, errors.New("it lacks one of its times")
	case len(sent.Matchers) == 0 || len(sent.Matchers) > maxPairs:
		return found{}, fmt.Errorf("it has %d matchers, want 1 to %d", len(sent.Matchers), maxPairs)
	}
	out := found{state: sent.Status.State, updated: sent.UpdatedAt.UTC(), Silence: events.Silence{ID: sent.ID, StartsAt: sent.StartsAt.UTC(),
		EndsAt: sent.EndsAt.UTC(), CreatedBy: begin(sent.CreatedBy), Comment: begin(sent.Comment)}}
	for _, m := range sent.Matchers {
		match := events.Matcher{Name: m.Name, Value: m.Value, Regex: m.IsRegex, Not: m.IsEqual != nil && !*m.IsEqual}
		if err := checkMatcher(match); err != nil {
			return found{}, err
		}
		out.Matchers = append(out.Matchers, match)
	}
	return out, nil
}

func checkMatcher(m events.Matcher) error {
	if m.Name == "" || len(m.Name) > maxKey || len(m.Value) > maxPattern {
		return fmt.Errorf("a matcher has a name of %d and a value of %d bytes, want 1 to %d and at most %d", len(m.Name), len(m.Value), maxKey, maxPattern)
	}
	if !m.Regex {
		return nil
	}
	if _, err := labels.NewMatcher(labels.MatchRegexp, m.Name, m.Value); err != nil {
		return fmt.Errorf("read a matcher: %w", err)
	}
	return nil
}

// begin is the begin of a text, cut between characters.
func begin(text string) string {
	if len(text) <= maxComment {
		return text
	}
	end := maxComment
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// latest makes one of what all Alertmanagers said: of each silence the latest change. It is complete when each of them answered,
// and said nothing that could not be read.
func latest(answers []answer) (seen map[string]found, complete bool) {
	seen, complete = map[string]found{}, true
	for _, a := range answers {
		complete = complete && a.err == nil && len(a.odd) == 0
		for _, f := range a.silences {
			if other, twice := seen[f.ID]; !twice || f.updated.After(other.updated) || f.updated.Equal(other.updated) && f.state == expired {
				seen[f.ID] = f
			}
		}
	}
	return seen, complete
}
