package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/audit"
	"github.com/salvor-io/salvor/internal/incident"
)

// Audit implements api.Auditor: two records of the incident, of which the second is what the test says.
func (r *records) Audit(ctx context.Context, w io.Writer, span audit.Span) error {
	a := audit.Auditor{Ledger: r, Missing: errMissing, Version: "v1", Clock: func() time.Time { return morning }}
	return a.Audit(ctx, w, span)
}

// KeptIncident implements audit.Ledger.
func (r *records) KeptIncident(context.Context, incident.ID) ([]incident.Kept, error) {
	before := morning.Add(-time.Minute)
	first := []byte(`{"kind":"opened"}`)
	second := fmt.Appendf(nil, `{"kind":"noted","prev":%q}`, incident.SumOf(first))
	kept := []incident.Kept{{Seq: 1, StoredAt: before, Bytes: first, Mark: incident.SumOf(first)}, {Seq: 2, StoredAt: before, Bytes: second, Mark: incident.SumOf(second)}}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.altered {
		kept[1].Bytes = append(second, ' ')
	}
	return kept, nil
}

// KeptDecision implements audit.Ledger.
func (r *records) KeptDecision(context.Context, string) (incident.Kept, error) {
	return incident.Kept{}, errMissing
}

// KeptTrails implements audit.Ledger.
func (r *records) KeptTrails(_ context.Context, give func(string, []incident.Kept, error) error) error {
	entry := []byte(`{"kind":"pause","who":"ann","text":"ann paused everything"}`)
	return give("pauses", []incident.Kept{{Seq: 1, StoredAt: morning, Bytes: entry, Mark: incident.SumOf(entry)}}, nil)
}

const (
	auditKey = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIF2lIoc5PQ1Psq1AM/OZMDcWfhhEA9TcZPVyT8AcakEi
-----END PRIVATE KEY-----
`
	auditPub = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA86efeOlIunSQny4ZM2iv6MBSmWFPB/u8cSA3K/oEb2M=
-----END PUBLIC KEY-----
`
)

func TestAudit(t *testing.T) {
	s := serving(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{"key": auditKey, "pub": auditPub, "none": "hello"} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	name := s.inc.Name()
	for _, c := range []struct {
		args string
		code int
		out  string
		talk string
	}{
		{"audit verify", exitOK, "1 incident, 2 records, 0 decisions, 1 trail with 1 entry: all chained\n", ""},
		{"audit verify " + name, exitOK, "1 incident, 2 records, 0 decisions: all chained\n", ""},
		{"audit export --out DIR/a.gz --key DIR/key", exitOK, "1 incident, 2 records", "next: put DIR/a.gz where nobody can change it, and later: salvor audit verify --against DIR/a.gz --key PUBLIC_KEY\n"},
		{"audit export --out DIR/a --key DIR/key --since 7d", exitOK, "1 incident, 2 records", "next: put DIR/a where"},
		{"audit export --out DIR/a.gz --key DIR/key", exitError, "", "error: write DIR/a.gz: it is there already, and would be replaced\nnext: name another file: --out FILE; or move that one away\n"},
		{"audit verify --against DIR/a.gz --key DIR/pub", exitOK, "1 incident, 2 records", ""},
		{"audit verify --file DIR/a --key DIR/pub", exitOK, "1 incident, 2 records", ""},
		{"audit verify -o json", exitOK, `"breaks": []`, ""},
		{"audit show", exitOK, "TIME (UTC)           TRAIL   KIND   BY   WHAT\n2026-03-01 03:11:04  pauses  pause  ann  ann paused everything\n", ""},
		{"audit show --trail config -o json", exitOK, "[]", "nothing was changed since"},
		{"audit show --trail nope", exitUsage, "", "error: no trail is named \"nope\"; there are config, pauses, policy\n"},
		{"audit verify --file DIR/none --key DIR/pub", exitError, "", "name a whole file that salvor audit export wrote"},
		{"audit verify --file DIR/nowhere --key DIR/pub", exitError, "", "no such file"},
		{"audit verify --file DIR/a --key DIR/key", exitError, "", "no public key"},
		{"audit verify --file DIR/a", exitUsage, "", "--key FILE"},
		{"audit verify --key DIR/pub", exitUsage, "", "goes with"},
		{"audit verify x --file DIR/a --key DIR/pub", exitUsage, "", "leave out"},
		{"audit export --out DIR/b", exitUsage, "", "--key"},
		{"audit export --out DIR/b --key DIR/none", exitError, "", "openssl genpkey"},
		{"alter", 0, "", ""},
		{"audit verify", exitError, "1 incident, 2 records, 0 decisions, 1 trail with 1 entry: 1 break\nNAME ", ""},
		{"audit verify --against DIR/a.gz --key DIR/pub", exitError, "2 breaks", ""},
		{"audit export --out DIR/c --key DIR/key", exitError, "1 break", ""},
		{"audit verify --file DIR/c --key DIR/pub", exitError, "its bytes are not those that were written", ""},
	} {
		if c.args == "alter" {
			s.mu.Lock()
			s.altered = true
			s.mu.Unlock()
			continue
		}
		args := append(strings.Fields(strings.ReplaceAll(c.args, "DIR", dir)), "--socket", s.socket)
		got := salvor(t.Context(), nil, args...)
		if got.code != c.code || !strings.Contains(got.out, c.out) || !strings.Contains(got.talked, strings.ReplaceAll(c.talk, "DIR", dir)) {
			t.Errorf("%s: exit %d, output %q, talk %q", c.args, got.code, got.out, got.talked)
		}
	}
	if there, err := filepath.Glob(at(".*")); err != nil || len(there) > 0 {
		t.Errorf("left behind: %v", there)
	}
}
