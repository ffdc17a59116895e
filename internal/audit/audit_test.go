package audit_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats.go"

	"github.com/salvor-io/salvor/internal/audit"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
)

const mark = "Salvor-Sum"

// alter changes one letter of the nth message.
func alter(at int, from, to string, marked bool) func(int, *nats.Msg) bool {
	return func(n int, msg *nats.Msg) bool {
		if n != at {
			return true
		}
		msg.Data = bytes.Replace(msg.Data, []byte(from), []byte(to), 1)
		if marked {
			msg.Header.Set(mark, incident.SumOf(msg.Data))
		}
		return true
	}
}

func leaveOut(from, to int) func(int, *nats.Msg) bool {
	return func(n int, _ *nats.Msg) bool { return n < from || n >= to }
}

// TestWhatWasChangedIsFound: somebody changes the store by other means than Salvor, and the check says where.
func TestWhatWasChangedIsFound(t *testing.T) {
	s := open(t)
	for name, c := range map[string]struct {
		change func(*incident.Incident)
		kind   incident.RecordKind // of the record that is named; "" is none
		what   string
	}{
		"nothing": {func(*incident.Incident) {}, "", ""},
		"a byte in the midst": {func(inc *incident.Incident) {
			s.rewrite(ledger.IncidentsStream, recordsOf(inc), alter(1, "act: it may", "ask: it may", false))
		}, incident.Decided, "changed after they were stored"},
		"a byte in the midst, and its mark": {func(inc *incident.Incident) {
			s.rewrite(ledger.IncidentsStream, recordsOf(inc), alter(1, "act: it may", "ask: it may", true))
		}, incident.Intent, "does not follow decided at "},
		"a byte of the last": {func(inc *incident.Incident) {
			s.rewrite(ledger.IncidentsStream, recordsOf(inc), alter(6, "it is well", "it is Well", false))
		}, incident.Closed, "changed after they were stored"},
		"a byte that makes it no JSON": {func(inc *incident.Incident) {
			s.rewrite(ledger.IncidentsStream, recordsOf(inc), alter(3, `{"schema"`, `["schema"`, true))
		}, "", "it cannot be read"},
		"its mark is taken off": {func(inc *incident.Incident) {
			s.rewrite(ledger.IncidentsStream, recordsOf(inc), func(n int, msg *nats.Msg) bool {
				if n == 5 {
					msg.Header.Del(mark)
				}
				return true
			})
		}, incident.Cleared, "put there by other means"},
		"its link is taken off": {func(inc *incident.Incident) {
			s.rewrite(ledger.IncidentsStream, recordsOf(inc), func(n int, msg *nats.Msg) bool {
				if n == 5 {
					at := bytes.Index(msg.Data, []byte(`"prev":"`))
					msg.Data = append(msg.Data[:at], msg.Data[at+len(`"prev":"",`)+64:]...)
					msg.Header.Set(mark, incident.SumOf(msg.Data))
				}
				return true
			})
		}, incident.Cleared, "names none before it"},
		"a record is taken out": {func(inc *incident.Incident) {
			s.rewrite(ledger.IncidentsStream, recordsOf(inc), leaveOut(1, 2))
		}, incident.Intent, "one between them is gone"},
		"its beginning is taken out": {func(inc *incident.Incident) {
			s.rewrite(ledger.IncidentsStream, recordsOf(inc), leaveOut(0, 1))
		}, incident.Decided, "those before it are gone"},
		"a byte of what policy was asked": {func(inc *incident.Incident) {
			s.rewrite(ledger.DecisionsStream, documentOf(inc.History[1].Decided.Asked), alter(0, "may", "can", true))
		}, incident.Decided, "changed after it was stored"},
		"a byte of what the gate was asked": {func(inc *incident.Incident) {
			s.rewrite(ledger.DecisionsStream, documentOf(*inc.History[2].Gate), alter(0, "may", "can", true))
		}, incident.Intent, "changed after it was stored"},
		"what policy was asked is taken out": {func(inc *incident.Incident) {
			s.rewrite(ledger.DecisionsStream, documentOf(inc.History[1].Decided.Asked), leaveOut(0, 1))
		}, incident.Decided, "is gone before its time"},
		"what the gate was asked is taken out": {func(inc *incident.Incident) {
			s.rewrite(ledger.DecisionsStream, documentOf(*inc.History[2].Gate), leaveOut(0, 1))
		}, incident.Intent, "is gone before its time"},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			inc := s.ends()
			c.change(inc)
			report := s.check(inc.ID)
			if c.what == "" {
				if want := "1 incident, 7 records, 2 decisions: all chained"; report.Sentence() != want || len(report.Notes()) != 0 {
					t.Errorf("it says %q %q, want %q", report.Sentence(), report.Notes(), want)
				}
				return
			}
			if len(report.Breaks) != 1 || report.Breaks[0].Kind != string(c.kind) || report.Breaks[0].Of != string(inc.ID) || !strings.Contains(report.Breaks[0].What, c.what) {
				t.Errorf("found %+v, want %s: %s", report.Breaks, c.kind, c.what)
			}
		})
	}
}

// A writer that dies beside its intent may leave no document: nothing was done under it, so that is no break.
func TestDocumentOfAnIntentThatNothingFollows(t *testing.T) {
	s := open(t)
	inc := s.acts()
	s.rewrite(ledger.DecisionsStream, documentOf(*inc.History[2].Gate), leaveOut(0, 1))
	if report := s.check(inc.ID); !report.Whole() || report.Unstored != 1 || len(report.Notes()) != 1 {
		t.Errorf("found %+v", report)
	}
	_, err := s.AppendAsked(t.Context(), inc, step(incident.TookOver), "may it go on?")
	s.must(err)
	s.add(inc, step(incident.Done))
	if report := s.check(inc.ID); !report.Whole() || report.Unstored != 1 {
		t.Errorf("taken over, found %+v", report)
	}
}

func TestTrailsAreChecked(t *testing.T) {
	s := open(t)
	s.ends()
	for _, name := range []string{"config", "pauses", "policy"} {
		s.trail(name)
	}
	s.must(s.Archive(t.Context(), time.Now().Add(time.Hour)))
	s.acts()
	if got, want := s.check("").Sentence(), "2 incidents, 10 records, 4 decisions, 3 trails with 6 entries: all chained"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
	s.rewrite(ledger.AuditStream, "salvor.audit.config", alter(0, "ann", "bob", false))
	s.rewrite(ledger.AuditStream, "salvor.audit.pauses", leaveOut(0, 1))
	var of []string
	for _, b := range s.check("").Breaks {
		of = append(of, b.Of+": "+b.What)
	}
	for _, want := range []string{"config: its bytes are not", "pauses: it is the first that is there"} {
		if !strings.Contains(strings.Join(of, "\n"), want) {
			t.Errorf("found %q, want %q", of, want)
		}
	}
}

// archived is the subject of the only incident in the archive.
func archived(t *testing.T, s *shop) string {
	t.Helper()
	st, err := s.js.Stream(t.Context(), ledger.ArchiveStream)
	s.must(err)
	msg, err := st.GetMsg(t.Context(), st.CachedInfo().State.LastSeq)
	s.must(err)
	return msg.Subject
}

func TestArchiveThatCannotBeRead(t *testing.T) {
	s := open(t)
	inc := s.ends()
	s.must(s.Archive(t.Context(), time.Now().Add(time.Hour)))
	s.rewrite(ledger.ArchiveStream, archived(t, s), func(_ int, msg *nats.Msg) bool {
		at := len(msg.Data) / 2
		if msg.Data[at]++; msg.Data[at] == 'z'+1 {
			msg.Data[at] = 'a'
		}
		return true
	})
	if report := s.check(""); len(report.Breaks) != 1 || report.Breaks[0].Of != string(inc.ID) || !strings.Contains(report.Breaks[0].What, "cannot be read") {
		t.Errorf("found %+v", report.Breaks)
	}
}

// TestRecordsOfBeforeTheChain are counted, and are no break.
func TestRecordsOfBeforeTheChain(t *testing.T) {
	s := open(t)
	inc := s.ends()
	s.rewrite(ledger.IncidentsStream, recordsOf(inc), func(_ int, msg *nats.Msg) bool {
		if at := bytes.Index(msg.Data, []byte(`"prev":"`)); at > 0 {
			msg.Data = append(msg.Data[:at], msg.Data[at+len(`"prev":"",`)+64:]...)
		}
		msg.Header.Del(mark)
		return true
	})
	if report := s.check(""); !report.Whole() || report.Unchained != 7 {
		t.Errorf("found %+v", report)
	}
}

func TestAgainstAnEarlierCopy(t *testing.T) {
	s := open(t)
	closed, lives := s.ends(), s.acts()
	s.trail("config")
	signer, secret, err := ed25519.GenerateKey(nil)
	s.must(err)
	var file bytes.Buffer
	report, err := audit.NewCheck(nil).Sign(bytes.NewReader(s.audit("")), &file, secret)
	s.must(err)
	again, err := audit.NewCheck(nil).ReadSigned(bytes.NewReader(file.Bytes()), signer)
	if diff := cmp.Diff(report, again, cmpopts.EquateEmpty()); err != nil || diff != "" || !again.Whole() {
		t.Fatalf("read again (-signed +read): %v\n%s", err, diff)
	}
	against := func() audit.Report {
		t.Helper()
		earlier, err := audit.ReadEarlier(bytes.NewReader(file.Bytes()), signer)
		s.must(err)
		report, err := audit.NewCheck(earlier).Read(bytes.NewReader(s.audit("")))
		s.must(err)
		return report
	}
	// The same place holds another record, which fits all before it.
	altered := s.audit("")
	for line := range bytes.Lines(s.audit("")) {
		var l audit.Line
		s.must(json.Unmarshal(line, &l))
		if l.Is == audit.IsRecord && l.Of == string(lives.ID) && l.Seq == lives.Seq {
			l.Bytes = bytes.Replace(l.Bytes, []byte(`"writer":"one"`), []byte(`"writer":"two"`), 1)
			l.Mark = incident.SumOf(l.Bytes)
			anew, err := json.Marshal(l)
			s.must(err)
			altered = bytes.Replace(altered, bytes.TrimSpace(line), anew, 1)
		}
	}
	earlier, err := audit.ReadEarlier(bytes.NewReader(file.Bytes()), signer)
	s.must(err)
	got, err := audit.NewCheck(earlier).Read(bytes.NewReader(altered))
	if err != nil || len(got.Breaks) != 1 || got.Breaks[0].Seq != lives.Seq || !strings.Contains(got.Breaks[0].What, "it was written anew since") {
		t.Errorf("at the same place there is another, and found is %+v, %v", got.Breaks, err)
	}
	s.add(lives, step(incident.Done))
	s.must(s.Archive(t.Context(), time.Now().Add(time.Hour)))
	s.ends()
	if got := against(); !got.Whole() {
		t.Errorf("what goes on is taken for changed: %+v", got.Breaks)
	}
	// A chain that was written anew, sum by sum, is whole by itself.
	sums := strings.NewReplacer()
	var pairs []string
	s.rewrite(ledger.IncidentsStream, recordsOf(lives), func(n int, msg *nats.Msg) bool {
		was := incident.SumOf(msg.Data)
		msg.Data = []byte(sums.Replace(strings.Replace(string(msg.Data), "it is silent", "it is Silent", 1)))
		msg.Header.Set(mark, incident.SumOf(msg.Data))
		pairs = append(pairs, was, incident.SumOf(msg.Data))
		sums = strings.NewReplacer(pairs...)
		return true
	})
	s.rewrite(ledger.ArchiveStream, archived(t, s), leaveOut(0, 1))
	s.rewrite(ledger.AuditStream, "salvor.audit.config", leaveOut(1, 2))
	if got := s.check(""); !got.Whole() {
		t.Errorf("by itself it is not whole: %+v", got.Breaks)
	}
	of := map[string]bool{}
	for _, b := range against().Breaks {
		of[b.Of] = true
	}
	if diff := cmp.Diff(map[string]bool{string(closed.ID): true, string(lives.ID): true, "config": true}, of); diff != "" {
		t.Errorf("against the copy (-want +got):\n%s", diff)
	}
}

func TestSignatures(t *testing.T) {
	s := open(t)
	s.ends()
	signer, secret, err := ed25519.GenerateKey(nil)
	s.must(err)
	var file bytes.Buffer
	_, err = audit.NewCheck(nil).Sign(bytes.NewReader(s.audit("")), &file, secret)
	s.must(err)
	other, _, err := ed25519.GenerateKey(nil)
	s.must(err)
	lines := strings.SplitAfter(file.String(), "\n")
	body := strings.Replace(strings.Join(lines[:len(lines)-2], ""), `"is":"end"`, `"is": "end"`, 1)
	forged := body + strings.Replace(lines[len(lines)-2], incident.SumOf([]byte(strings.Join(lines[:len(lines)-2], ""))), incident.SumOf([]byte(body)), 1)
	for name, c := range map[string]struct {
		text string
		key  ed25519.PublicKey
		what string // of the break; "" where it is no audit at all
	}{
		"another key":          {file.String(), other, "it was signed by key"},
		"a space":              {strings.Replace(file.String(), `"is":"end"`, `"is": "end"`, 1), signer, "changed after they were signed"},
		"a space, and its sum": {forged, signer, "changed after they were signed"},
		"another head":         {strings.Replace(file.String(), `"is":"head","of":"`, `"is":"head","of":"0`, 1), signer, "another head"},
		"no head":              {strings.Join(lines[:len(lines)-3], "") + lines[len(lines)-2], signer, "names 0 heads, and has 1"},
		"no signature":         {strings.Join(lines[:len(lines)-2], ""), signer, ""},
		"something behind it":  {file.String() + lines[1], signer, ""},
		"no end":               {strings.Join(lines[:5], "") + lines[len(lines)-2], signer, ""},
		"a line less":          {strings.Join(append(lines[:2:2], lines[3:]...), ""), signer, ""},
		"cut off":              {file.String()[:file.Len()-9], signer, ""},
		"nothing":              {"", signer, ""},
		"another version":      {strings.Replace(file.String(), `"schema":1`, `"schema":2`, 1), signer, ""},
		"no JSON":              {"hello\n", signer, ""},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := audit.NewCheck(nil).ReadSigned(strings.NewReader(c.text), c.key)
			if c.what == "" {
				if !errors.Is(err, audit.ErrForm) || strings.ContainsAny(err.Error(), "{&") {
					t.Errorf("it says %v", err)
				}
				return
			}
			found := ""
			for _, b := range report.Breaks {
				found += b.What + "\n"
			}
			if err != nil || !strings.Contains(found, c.what) {
				t.Errorf("found %q, %v, want %q", found, err, c.what)
			}
			_, err = audit.ReadEarlier(strings.NewReader(c.text), c.key)
			if err == nil {
				t.Error("it is taken for an earlier copy")
			}
		})
	}
}

// torn is a ledger of which one trail cannot be read.
type torn struct{ audit.Ledger }

func (torn) KeptTrails(_ context.Context, give func(string, []incident.Kept, error) error) error {
	return give("policy", nil, errors.New("its last message cannot be read"))
}

func TestATrailThatCannotBeRead(t *testing.T) {
	auditor := audit.Auditor{Ledger: torn{open(t)}, Missing: ledger.ErrNotFound, Version: "test", Clock: time.Now}
	var text bytes.Buffer
	if err := auditor.Audit(t.Context(), &text, audit.Span{To: time.Now()}); err != nil {
		t.Fatal(err)
	}
	report, err := audit.NewCheck(nil).Read(&text)
	if err != nil {
		t.Fatal(err)
	}
	want := []audit.Break{{Of: "policy", What: "it is there and cannot be read: its last message cannot be read"}}
	if diff := cmp.Diff(want, report.Breaks); diff != "" || report.Trails != 1 {
		t.Errorf("%d trails (-want +got):\n%s", report.Trails, diff)
	}
}
