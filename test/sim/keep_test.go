package sim

import (
	"bytes"
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
		var out bytes.Buffer
		if err := lab.Keep(t.Context(), seed, NoBug, &out); err != nil {
			t.Fatal(err)
		}
		f, err := replay.Read(&out)
		if err != nil {
			t.Fatal(err)
		}
		r, err := f.Check(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
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
	var out bytes.Buffer
	if err := lab.Keep(t.Context(), total.FirstBad, BugOneWitness, &out); err != nil {
		t.Fatal(err)
	}
	f, err := replay.Read(&out)
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Check(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Differences) == 0 || !bytes.Contains([]byte(f.Comment), []byte("is said to be lost")) {
		t.Errorf("%s\n%s", f.Comment, r.Text("recorded", "now"))
	}
}
