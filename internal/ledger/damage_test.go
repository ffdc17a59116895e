package ledger

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/incident"
)

// damage changes a byte of the last message that holds a text, in the files of a store that is down.
func (s *store) damage(stream, text string) {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "jetstream", "*", "streams", stream, "msgs", "*.blk"))
	if err != nil || len(files) != 1 {
		s.t.Fatalf("files of %s: %v, %v", stream, files, err)
	}
	data, err := os.ReadFile(files[0])
	at := bytes.LastIndex(data, []byte(text))
	if err != nil || at < 0 {
		s.t.Fatalf("%s holds no %q: %v", stream, text, err)
	}
	data[at] ^= 1
	if err := os.WriteFile(files[0], data, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// TestLastMessageIsDamaged: an incident and a trail whose last message cannot be read are there, and not as they were before it.
func TestLastMessageIsDamaged(t *testing.T) {
	s := startStore(t)
	l := s.ledger("one")
	inc := open(t, l, "worker-1")
	add(t, l, inc, note("first"), note("second"))
	var after uint64
	for _, text := range []string{"first", "second"} {
		placed, err := l.AppendTrail(t.Context(), "policy", after, entryOf(text))
		if err != nil {
			t.Fatal(err)
		}
		after = placed.Seq
	}
	s.stop()
	s.damage(IncidentsStream, "second")
	s.damage(AuditStream, "second")
	s.start()
	if _, err := l.Load(t.Context(), inc.ID); err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, events.ErrUnavailable) {
		t.Errorf("load: %v", err)
	}
	told := ""
	err := l.KeptTrails(t.Context(), func(trail string, entries []incident.Kept, unread error) error {
		if len(entries) == 0 && unread != nil {
			told = trail + ": " + unread.Error()
		}
		return nil
	})
	if err != nil || !strings.HasPrefix(told, "policy: ") || !strings.Contains(told, "cannot be read") {
		t.Errorf("trails: %v, %q", err, told)
	}
}
