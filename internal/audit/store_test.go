package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/internal/audit"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// shop is a real store with a ledger on it, and somebody who can write to the store by other means.
type shop struct {
	*ledger.Ledger
	t  *testing.T
	js jetstream.JetStream
	n  int
}

func open(t *testing.T) *shop {
	t.Helper()
	srv, err := server.NewServer(&server.Options{ServerName: "test", DontListen: true, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
		JetStreamMaxStore: 1 << 30, JetStreamMaxMemory: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not start")
	}
	nc, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(t.Context(), js, ledger.Options{Writer: "one", MaxBytes: 64 << 20, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return &shop{l, t, js, 0}
}

// step is a record about the first step of the plan.
func step(kind incident.RecordKind) incident.Record {
	return incident.Record{Kind: kind, Step: &incident.StepRef{Phase: incident.PhaseRecover, Plan: "d1"}}
}

// acts is an incident whose first step was begun.
func (s *shop) acts() *incident.Incident {
	s.t.Helper()
	s.n++
	node := fmt.Sprint("w", s.n)
	fault := classifiers.Fault{Kind: classifiers.KindNode, Cluster: "prod", Anchor: classifiers.Anchor{Kind: "node", Name: node, UID: node}}
	key := incident.KeyOf(fault)
	inc, err := s.OpenIncident(s.t.Context(), incident.Record{Kind: incident.Opened, Key: &key, Fault: &fault, Text: "it is silent"}, 0)
	s.must(err)
	asked, err := s.Decide(s.t.Context(), inc, "may it?", nil)
	s.must(err)
	plan := &responders.Plan{Digest: "d1", Steps: []responders.Step{{Name: "cordon"}}}
	s.add(inc, incident.Record{Kind: incident.Decided, Text: "act: it may", Decided: &incident.Decision{Phase: incident.PhaseRecover, Asked: asked,
		Answer: policies.Decision{Verdict: policies.Act}, Plan: plan}})
	_, err = s.AppendIntent(s.t.Context(), inc, step(incident.Intent), ledger.Claim{}, "may it now?")
	s.must(err)
	return inc
}

// ends is an incident that went all the way.
func (s *shop) ends() *incident.Incident {
	s.t.Helper()
	inc := s.acts()
	s.add(inc, step(incident.Done))
	s.add(inc, incident.Record{Kind: incident.Checked, Outcome: responders.OutcomeVerified})
	s.add(inc, incident.Record{Kind: incident.Cleared})
	_, err := s.Close(s.t.Context(), inc, incident.Record{Kind: incident.Closed, Text: "it is well"})
	s.must(err)
	return inc
}

func (s *shop) add(inc *incident.Incident, rec incident.Record) {
	s.t.Helper()
	_, err := s.Append(s.t.Context(), inc, rec)
	s.must(err)
}

// trail appends two entries to a trail.
func (s *shop) trail(name string) {
	s.t.Helper()
	var after uint64
	for _, text := range []string{"one", "two"} {
		placed, err := s.AppendTrail(s.t.Context(), name, after, ledger.TrailEntry{Kind: "paused", Who: "ann", Text: text})
		s.must(err)
		after = placed.Seq
	}
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// audit writes an audit: of all there is, or of one incident.
func (s *shop) audit(only incident.ID) []byte {
	s.t.Helper()
	var out bytes.Buffer
	a := &audit.Auditor{Ledger: s.Ledger, Missing: ledger.ErrNotFound, Version: "v1", Clock: time.Now}
	s.must(a.Audit(s.t.Context(), &out, audit.Span{To: time.Now().Add(time.Hour), Only: only}))
	return out.Bytes()
}

func (s *shop) check(only incident.ID) audit.Report {
	s.t.Helper()
	report, err := audit.NewCheck(nil).Read(bytes.NewReader(s.audit(only)))
	s.must(err)
	return report
}

// rewrite takes all messages of a subject out and puts them there anew, as change leaves them. One that change refuses stays out.
func (s *shop) rewrite(stream, subject string, change func(n int, msg *nats.Msg) bool) {
	s.t.Helper()
	st, err := s.js.Stream(s.t.Context(), stream)
	s.must(err)
	var all []*nats.Msg
	for seq := st.CachedInfo().State.FirstSeq; seq <= st.CachedInfo().State.LastSeq; seq++ {
		msg, err := st.GetMsg(s.t.Context(), seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && msg.Subject != subject {
			continue
		}
		s.must(err)
		header := nats.Header{}
		for name, values := range msg.Header {
			if !strings.HasPrefix(name, "Nats-") {
				header[name] = values
			}
		}
		all = append(all, &nats.Msg{Subject: subject, Header: header, Data: slices.Clone(msg.Data)})
	}
	if len(all) == 0 {
		s.t.Fatalf("%s has nothing of %s", stream, subject)
	}
	s.must(st.Purge(s.t.Context(), jetstream.WithPurgeSubject(subject)))
	for n, msg := range all {
		if change(n, msg) {
			_, err := s.js.PublishMsg(s.t.Context(), msg)
			s.must(err)
		}
	}
}

func recordsOf(inc *incident.Incident) string {
	return "salvor.incident.prod." + inc.Key.Hash() + ".records." + string(inc.ID)
}

func documentOf(asked incident.Asked) string {
	return "salvor.decision.prod." + strings.Replace(asked.Ref, "/", ".", 1)
}
