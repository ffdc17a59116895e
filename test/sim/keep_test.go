package sim

import (
	"bytes"
	"strings"
	"testing"

	"github.com/salvor-io/salvor/internal/replay"
)

// TestASeedIsJudgedAlikeFromItsRecording: what was recorded of a run, with its crashes, comes out the same when it is judged again.
func TestASeedIsJudgedAlikeFromItsRecording(t *testing.T) {
	lab, err := NewLab(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	judged := 0
	for seed := uint64(1); seed <= few; seed++ {
		_, r := judgedAgain(t, lab, seed, NoBug)
		judged += r.Faults + r.Decisions + r.Steps + r.Moves
		if len(r.Differences) > 0 || r.Missed > 0 || len(r.Odd) > 0 || r.MadeUp > 0 {
			t.Errorf("seed %d:\n%s", seed, r.Text("recorded", "now"))
		}
	}
	if judged < 500 {
		t.Errorf("%d judgements only: this tests little", judged)
	}
}

// TestAKeptSeedShowsTheBug: the recording of a run that a bug spoilt says what went wrong, and comes out otherwise without the bug.
func TestAKeptSeedShowsTheBug(t *testing.T) {
	lab, err := NewLab(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	total, err := lab.Many(t.Context(), 1, few, 2, BugOneWitness, func(Result) {})
	if err != nil || total.Bad == 0 {
		t.Fatalf("%v, %s", err, total)
	}
	comment, r := judgedAgain(t, lab, total.FirstBad, BugOneWitness)
	if len(r.Differences) == 0 || !strings.Contains(comment, "is said to be lost") {
		t.Errorf("%s\n%s", comment, r.Text("recorded", "now"))
	}
}

// judgedAgain keeps a seed and judges its recording again, without a bug.
func judgedAgain(t *testing.T, lab *Lab, seed uint64, bug Bug) (comment string, r *replay.Report) {
	t.Helper()
	var out bytes.Buffer
	if err := lab.Keep(t.Context(), seed, bug, &out); err != nil {
		t.Fatal(err)
	}
	f, err := replay.Read(&out)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = f.Check(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return f.Comment, r
}
