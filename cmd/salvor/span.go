package main

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// span is a span of time that is over, as flags name it.
type span struct{ since, from, to string }

const lastDay = "24h"

func (s *span) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.since, "since", "", "how far back from its end, such as 90m, 24h or 7d (default "+lastDay+")")
	cmd.Flags().StringVar(&s.from, "from", "", "its beginning instead, such as 2026-03-01T00:00:00Z")
	cmd.Flags().StringVar(&s.to, "to", "", "its end (default now)")
}

// ends are the two ends of the span.
func (s *span) ends(now time.Time) (from, to time.Time, err error) {
	to = now
	if s.to != "" {
		if to, err = moment("to", s.to); err != nil {
			return from, to, err
		}
	}
	switch {
	case s.from != "" && s.since != "":
		return from, to, errors.New("--since and --from are both given: keep one")
	case s.from != "":
		from, err = moment("from", s.from)
	default:
		from, err = ago(to, cmp.Or(s.since, lastDay))
	}
	if err == nil && !from.Before(to) {
		err = errors.New("the span ends before it begins")
	}
	return from, to, err
}

func moment(flag, text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("--%s is %q, want a time such as 2026-03-01T00:00:00Z", flag, text)
	}
	return at, nil
}

// ago is the time that lies so far back.
func ago(now time.Time, text string) (time.Time, error) {
	if digits, ok := strings.CutSuffix(text, "d"); ok {
		if days, err := strconv.Atoi(digits); err == nil && days > 0 {
			return now.AddDate(0, 0, -days), nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return now, fmt.Errorf("--since is %q, want how far back, such as 90m, 24h or 7d", text)
	}
	return now.Add(-d), nil
}
