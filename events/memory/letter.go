package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/events"
)

// Letter is what could not be handled, and why.
type Letter struct {
	Subject string // salvor.dead.<...>
	Reason  string
	Data    []byte
	Header  map[string][]string
}

// DeadLetter keeps bytes that could not be handled under salvor.dead.<subject>, with the reason and the headers given.
// Any text may be a subject: dots separate its tokens, each is made safe by [events.Token].
func (l *Log) DeadLetter(ctx context.Context, subject, reason string, data []byte, header map[string][]string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("dead-letter: %w", err)
	}
	tokens := strings.Split(subject, ".")
	for i, token := range tokens {
		tokens[i] = events.Token(token)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("dead-letter: %w", events.ErrClosed)
	}
	l.letters = append(l.letters, Letter{
		Subject: "salvor.dead." + strings.Join(tokens, "."),
		Reason:  reason,
		Data:    slices.Clone(data),
		Header:  maps.Clone(header),
	})
	return nil
}

// DeadLettered counts the letters.
func (l *Log) DeadLettered() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.letters))
}

// Letters gives all dead letters, oldest first.
func (l *Log) Letters() []Letter {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.letters)
}
