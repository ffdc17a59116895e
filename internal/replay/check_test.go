package replay

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/ledger/memory"
)

// Disasters and Fleet are what is played in tests of other packages, too.
const (
	Disasters = disasters
	Fleet     = fleetConfig
)

const fleetConfig = `clusters:
  - name: prod
    region: eu-west-1
    environment: production
    observe: {in_cluster: true}
    act: {kubeconfig: none}
    modes: {node: MODE, zone: ask, config: suggest}
    sole_repairer: true
limits: {flaps: 2}
`

func configOf(mode string) []byte { return []byte(strings.ReplaceAll(fleetConfig, "MODE", mode)) }

// disasters is a scene with incidents that are recovered, held, handed over and come back.
const disasters = `cluster prod
node a-1..a-5 zone=a
node b-1..b-5 zone=b
node c-1..c-5 zone=c
workload Deployment/shop/web desired=3 ready=3 updated=3 revision=r7
+60s
lease a-1 stale
+10s
node a-1 ready.status=Unknown
alert KubeNodeUnreachable node=a-1
+3m
lease a-1 fresh
node a-1 ready.status=True
+6m
repairer node-healthcheck
node b-2 ready.status=False ready.reason=KubeletNotReady
+90s
repairers none
+30s
pause kind=node for=5m reason=upgrade
lease c-1 stale
+60s
node c-1 unschedulable
+60s
node c-1 unschedulable=false
+5m
lease c-1 fresh
+10s
lease c-1 stale
+30s
lease c-1 fresh
+10s
lease c-1 stale
+60s
lease c-1 fresh
node b-2 ready.status=True
+10m
lease a-4 stale
lease a-5 stale
+90s
lease a-4 fresh
lease a-5 fresh
+5m
`

// Played plays a scene to its end.
func Played(t *testing.T, text string, cfg []byte) *Player {
	t.Helper()
	in := File{Scene: []byte(text)}
	steps, err := in.Steps()
	if err != nil {
		t.Fatal(err)
	}
	judges, books, world, err := in.court(t.Context(), must(config.Parse("salvor.yaml", cfg)))
	if err != nil {
		t.Fatal(err)
	}
	p := NewPlayer(t.Context(), judges, books, world, steps[0].At)
	for _, step := range steps {
		if err := p.Play(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// Log is what was folded.
func (p *Player) Log() []events.Recorded { return p.log }

// Store is what was written.
func (p *Player) Store() *memory.Store { return p.store }

// record plays a scene and writes down all of it, to be judged from a time on.
func record(t *testing.T, text string, cfg []byte, since time.Duration) []byte {
	t.Helper()
	p := Played(t, text, cfg)
	var incidents, asked []byte
	p.Follow(func(rec incident.Sequenced) { incidents = append(incidents, must(IncidentLine(rec))...) })
	for _, d := range p.store.Decisions() {
		asked = append(asked, must(AskedLine(d.Ref, d.Document))...)
	}
	var out bytes.Buffer
	w := NewWriter(&out, "a recording")
	w.Config(cfg)
	w.Span(p.log[0].At.Add(since), p.clock.Now())
	w.Incidents(incidents)
	w.Asked(asked)
	for _, ev := range p.log {
		w.Event(ev)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func checked(t *testing.T, recording []byte, cfg []byte) *Report {
	t.Helper()
	f, err := Read(bytes.NewReader(recording))
	if err != nil {
		t.Fatal(err)
	}
	var by *config.Config
	if cfg != nil {
		by = must(config.Parse("other.yaml", cfg))
	}
	report, err := f.Check(t.Context(), by)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestTheSameComesOfTheSame: a recording that is judged again by its own configuration comes out byte for byte.
func TestTheSameComesOfTheSame(t *testing.T) {
	for _, since := range []time.Duration{0, 3 * time.Minute, 12 * time.Minute} {
		r := checked(t, record(t, disasters, configOf("act"), since), nil)
		if len(r.Differences) > 0 || r.Missed > 0 || len(r.Odd) > 0 {
			t.Fatalf("since %s it is different:\n%s", since, r.Text("recorded", "now"))
		}
		if since == 0 && (r.Faults < 4 || r.Decisions < 6 || r.Steps < 3 || r.Moves < 6 || r.Changes < 4) {
			t.Errorf("little was compared: %s", r.Text("recorded", "now"))
		}
	}
}

// TestWhatAnotherConfigurationChanges: exactly what depends on what was changed is different.
func TestWhatAnotherConfigurationChanges(t *testing.T) {
	recording := record(t, disasters, configOf("act"), 0)
	rules := t.TempDir()
	if err := os.WriteFile(filepath.Join(rules, "own.rego"), []byte("package salvor.policies.own\n\ndeny contains \"hands off c-1\" if input.fault.anchor == \"node/c-1\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cfg  string
		want []string
	}{
		"nothing": {string(configOf("act")), nil},
		"mode": {string(configOf("ask")), []string{"09:01:15 node/a-1 act -> ask", "09:06:10 node/a-1 act -> ask",
			"09:12:25 node/c-1 decision", "09:13:10 node/c-1 decision", "09:14:10 node/c-1 decision", "09:17:10 node/c-1 act -> ask",
			"09:19:35 node/c-1 act -> ask", "09:23:00 node/c-1 act -> ask",
			"09:31:15 node/a-4 act -> ask", "09:31:15 node/a-5 decision", "09:31:30 node/a-5 act -> ask", "09:34:30 node/a-5 act -> ask", "09:34:30 node/a-4 act -> ask"}},
		"rule": {string(configOf("act")) + "policies: {dir: " + rules + "}\n", []string{"09:12:25 node/c-1 decision", "09:13:10 node/c-1 decision",
			"09:14:10 node/c-1 decision", "09:17:10 node/c-1 act -> deny", "09:19:35 node/c-1 act -> deny",
			"09:23:00 node/c-1 act -> deny"}},
		"limit": {strings.Replace(string(configOf("act")), "flaps: 2", "flaps: 1", 1), []string{"09:19:35 node/c-1 decision"}},
		"budget": {strings.Replace(string(configOf("act")), "flaps: 2", "flaps: 2, nodes_per_zone: 5, fleet_share: 0.5", 1), []string{
			"09:19:40 node/b-2 deny -> ask", "09:31:15 node/a-5 deny -> act"}},
		"sooner": {string(configOf("act")) + "times: {confirm: 5s}\n", []string{"09:01:15 node/a-1 fault", "09:10:25 node/b-2 fault",
			"09:12:25 node/c-1 fault", "09:19:20 node/c-1 fault", "09:20:00 node/c-1 fault", "09:31:15 node/a-4 fault", "09:31:15 node/a-5 fault"}},
		"later": {string(configOf("act")) + "times: {confirm: 10m}\n", []string{"09:01:15 node/a-1 fault", "09:10:25 node/b-2 fault",
			"09:12:25 node/c-1 fault", "09:19:20 node/c-1 fault", "09:20:00 node/c-1 fault", "09:20:15 node/c-1 move",
			"09:31:15 node/a-4 fault", "09:31:15 node/a-5 fault"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := checked(t, recording, []byte(c.cfg))
			var got []string
			for _, j := range r.Differences {
				got = append(got, strings.Join([]string{clockOf(j.At), strings.TrimPrefix(j.Anchor, "node "), cmp.Or(j.Turns, string(j.What))}, " "))
			}
			if diff := gocmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s\n%s", diff, r.Text("recorded", "now"))
			}
		})
	}
}

// TestWhatWouldAlsoHaveBeenOpened: a fault that passed before it counted is told of once.
func TestWhatWouldAlsoHaveBeenOpened(t *testing.T) {
	slow := append(configOf("act"), "times: {confirm: 5m}\n"...)
	recording := record(t, "cluster prod\nnode a-1..a-9 zone=a\n+60s\nlease a-1 stale\n+2m\nlease a-1 fresh\n+5m\nlease a-1 stale\n+1m\nlease a-1 fresh\n+1m\n", slow, 0)
	if r := checked(t, recording, nil); len(r.Differences) > 0 || r.Faults > 0 {
		t.Fatal(r.Text("recorded", "now"))
	}
	r := checked(t, recording, configOf("act"))
	if len(r.Differences) != 1 || !strings.HasPrefix(r.Differences[0].Now, "would also have been opened: a-1 is silent") {
		t.Fatal(r.Text("recorded", "now"))
	}
}

// TestTwoConfigurationsAgainstEachOther: what both make otherwise than it was recorded is no difference between them.
func TestTwoConfigurationsAgainstEachOther(t *testing.T) {
	recording := record(t, disasters, configOf("act"), 0)
	ask, suggest, act := checked(t, recording, configOf("ask")), checked(t, recording, configOf("suggest")), checked(t, recording, configOf("act"))
	if r := ask.Against(checked(t, recording, configOf("ask"))); len(r.Differences) > 0 {
		t.Errorf("two of the same are different:\n%s", r.Text("a", "b"))
	}
	first := func(r *Report) string {
		if len(r.Differences) == 0 {
			return ""
		}
		return r.Differences[0].Turns
	}
	for want, r := range map[string]*Report{"ask -> deny": ask.Against(suggest), "deny -> ask": suggest.Against(ask), "act -> ask": act.Against(ask), "ask -> act": ask.Against(act)} {
		if first(r) != want {
			t.Errorf("turns %q, want %q:\n%s", first(r), want, r.Text("a", "b"))
		}
	}
	steps := 0
	for _, j := range ask.Against(act).Differences { // by the first no step was let run, whatever was recorded
		if j.What == aStep {
			if steps++; j.Recorded != "is not so" {
				t.Errorf("by the first %q", j.Recorded)
			}
		}
	}
	if steps == 0 {
		t.Error("no step is different")
	}
}

// TestWhatWasChangedIsNoRecording: events that are out of order, or of which the end is not there, are not judged as if they were all.
func TestWhatWasChangedIsNoRecording(t *testing.T) {
	recording := string(record(t, disasters, configOf("act"), 0))
	head, evs, _ := strings.Cut(recording, "-- events.jsonl --\n")
	lines := strings.SplitAfter(evs, "\n")
	swapped := append([]string{lines[1], lines[0]}, lines[2:]...)
	for name, c := range map[string]struct{ events, want string }{
		"out of order": {strings.Join(swapped, ""), "event 1 comes after event 2"}, "cut": {strings.Join(lines[:300], ""), "ends before its recording does"}, "emptied": {"", "ends before"},
		"cut in a line": {strings.Join(lines[:300], "") + lines[300][:40], "ends before its recording does"}, "two in one": {evs + evs, "behind the end"},
	} {
		f := must(Read(strings.NewReader(head + "-- events.jsonl --\n" + c.events)))
		if _, err := f.Check(t.Context(), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	none := must(Read(strings.NewReader(head + "-- events.jsonl --\n-- end --\n")))
	if r := must(none.Check(t.Context(), nil)); r.Same() || !strings.Contains(r.Text("a", "b"), "nothing could be compared") {
		t.Errorf("%s", r.Text("a", "b"))
	}
}

// TestALineThatNobodyReadsIsNotWritten: what cannot be read again is said when it is written.
func TestALineThatNobodyReadsIsNotWritten(t *testing.T) {
	w := NewWriter(io.Discard, "")
	w.Policy("data.json", bytes.Repeat([]byte("x"), maxLine+1))
	if err := w.Flush(); err == nil || !strings.Contains(err.Error(), "policies/data.json") {
		t.Errorf("got %v", err)
	}
}

// TestWhatIsMissedIsSaid: what lacks its event or its question is not compared, and not passed over in silence.
func TestWhatIsMissedIsSaid(t *testing.T) {
	recording := string(record(t, disasters, configOf("act"), 0))
	before, asked, _ := strings.Cut(recording, "-- asked.jsonl --\n")
	_, evs, _ := strings.Cut(asked, "-- events.jsonl --\n")
	full, r := checked(t, []byte(recording), nil), checked(t, []byte(before+"-- events.jsonl --\n"+evs), nil)
	lacks := full.Decisions + full.Steps
	if lacks == 0 || r.Missed != lacks || r.Decisions != 0 || len(r.Differences) > 0 || !strings.Contains(r.Text("recorded", "now"), fmt.Sprint(lacks, " judgements cannot be compared")) {
		t.Errorf("%d missed:\n%s", r.Missed, r.Text("recorded", "now"))
	}
	var thin []string
	for n, line := range strings.SplitAfter(evs, "\n") {
		if n%3 > 0 || !strings.Contains(line, "tick/clock") {
			thin = append(thin, line)
		}
	}
	if r := checked(t, []byte(before+"-- asked.jsonl --\n"+strings.Split(asked, "-- events.jsonl --\n")[0]+"-- events.jsonl --\n"+strings.Join(thin, "")), nil); r.Missed == 0 {
		t.Errorf("a third of the ticks is missing, and nothing is missed:\n%s", r.Text("recorded", "now"))
	}
}

// TestARecordThatDoesNotFit is told of, and its incident is left alone; the others are judged.
func TestARecordThatDoesNotFit(t *testing.T) {
	recording := string(record(t, disasters, configOf("act"), 0))
	whole := checked(t, []byte(recording), nil)
	lines := strings.SplitAfter(recording, "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool {
		return strings.Contains(line, `"kind":"opened"`) && strings.Contains(line, `"name":"b-2"`)
	})
	lines = append([]string{lines[0]}, slices.Insert(lines[1:], slices.Index(lines[1:], "-- asked.jsonl --\n"), `{"seq":99999,"schema":1,"incident":"x-1","kind":"opened","view_seq":100}`+"\n",
		`{"seq":99998,"schema":1,"incident":"x-2","kind":"decided","view_seq":101}`+"\n")...)
	r := checked(t, []byte(strings.Join(lines, "")), nil)
	if len(r.Odd) < 4 || r.Faults != whole.Faults-1 || r.Steps == 0 {
		t.Errorf("%s", r.Text("recorded", "now"))
	}
	if len(r.Differences) != 1 || !strings.Contains(r.Differences[0].Now, "would also have been opened: b-2") {
		t.Errorf("an incident that nobody opened any more is not missed:\n%s", r.Text("recorded", "now"))
	}
}
