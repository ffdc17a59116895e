package memory_test

import (
	"slices"
	"testing"

	"github.com/salvor-io/salvor/internal/incident"
)

// TestFollow gives history and future, each record once and in order, also those that a follower writes himself.
func TestFollow(t *testing.T) {
	s := newStore()
	l := s.Writer("one")
	inc := open(t, l, "w1")
	add(t, l, inc, note("before"))
	var one, two []string
	answers := 0
	stop := s.Follow(func(rec incident.Sequenced) {
		one = append(one, rec.Text)
		if rec.Text == "ask" && answers < 2 {
			answers++
			now, err := l.Load(t.Context(), rec.Incident)
			if err != nil {
				t.Fatal(err)
			}
			add(t, l, now, note("answer"), note("ask"))
			if one[len(one)-1] != "ask" {
				t.Error("it is called within itself")
			}
		}
	})
	s.Follow(func(rec incident.Sequenced) {
		if rec.StoredAt != noon || rec.Incident != inc.ID {
			t.Errorf("it is given %+v", rec)
		}
		two = append(two, rec.Text)
	})
	if want := []string{"w1 is silent", "before"}; !slices.Equal(one, want) || !slices.Equal(two, want) {
		t.Fatalf("of the history are given %v and %v", one, two)
	}
	add(t, l, inc, note("ask"))
	want := []string{"w1 is silent", "before", "ask", "answer", "ask", "answer", "ask"}
	if !slices.Equal(one, want) || !slices.Equal(two, want) {
		t.Errorf("given are %v and %v", one, two)
	}
	stop()
	stop()
	now, err := l.Load(t.Context(), inc.ID)
	if err != nil {
		t.Fatal(err)
	}
	add(t, l, now, note("after"))
	if len(one) != len(want) || len(two) != len(want)+1 {
		t.Errorf("after the end of one are given %v and %v", one, two)
	}
}

// TestFollowerSeesTheIncidentAsItsWriterDoes: whoever moves an incident on from within a follower is not refused.
func TestFollowerSeesTheIncidentAsItsWriterDoes(t *testing.T) {
	s := newStore()
	l := s.Writer("one")
	inc := open(t, l, "w1")
	seen := uint64(0)
	s.Follow(func(rec incident.Sequenced) { seen = inc.Seq })
	add(t, l, inc, note("x"))
	if seen != inc.Seq {
		t.Errorf("the writer's incident is at %d in the call, %d after it", seen, inc.Seq)
	}
}

// TestFollowerThatPanicsIsGivenTheRest, and whoever wrote hears of it after the write.
func TestFollowerThatPanicsIsGivenTheRest(t *testing.T) {
	s := newStore()
	l := s.Writer("one")
	inc := open(t, l, "w1")
	var given []string
	s.Follow(func(rec incident.Sequenced) {
		given = append(given, rec.Text)
		if rec.Text == "bad" {
			panic(rec.Text)
		}
	})
	func() {
		defer func() {
			if cause := recover(); cause != "bad" {
				t.Errorf("it panics with %v", cause)
			}
		}()
		add(t, l, inc, note("bad"))
	}()
	add(t, l, inc, note("good"))
	if want := []string{"w1 is silent", "bad", "good"}; !slices.Equal(given, want) {
		t.Errorf("given are %v", given)
	}
}
