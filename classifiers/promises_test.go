package classifiers

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
)

// stands tells how a promise stands.
func (s *story) stands(application, namespace string, state events.PromiseState, missing ...string) {
	s.tell(events.TypePromise, "promise/"+application+"/"+namespace, events.Promise{Application: application, Namespace: namespace, State: state, Missing: missing})
}

// TestPromises: what could not be restored as was promised is one fault of its application, until it is told that it could.
func TestPromises(t *testing.T) {
	for name, c := range map[string]struct {
		tell func(*story)
		want []string
	}{
		"kept": {func(s *story) { s.stands("shop", "shop", events.PromiseKept) }, nil},
		"unprotected": {func(s *story) {
			s.stands("shop", "shop", events.PromiseUnprotected, "there is no backup of it", "nor a snapshot")
		},
			[]string{"what shop was promised could not be kept now; shop: it cannot be restored: there is no backup of it"}},
		"overdue in one, unprotected in another": {func(s *story) {
			s.stands("shop", "pay", events.PromiseOverdue, "it is 3 h old, and 1 h were promised")
			s.stands("shop", "shop", events.PromiseUnprotected)
			s.stands("wiki", "", events.PromiseUnprotected)
		}, []string{"what shop was promised could not be kept now; pay: more than twice as much as was promised would be lost: it is 3 h old, and 1 h were promised; shop: it cannot be restored",
			"what wiki was promised could not be kept now; prod-eu: it cannot be restored"}},
		"mended": {func(s *story) {
			s.stands("shop", "shop", events.PromiseUnprotected)
			s.stands("shop", "shop", events.PromiseKept)
		}, nil},
		"forgotten": {func(s *story) {
			s.stands("shop", "shop", events.PromiseUnprotected)
			s.pass(25 * time.Hour)
			s.tick()
		}, nil},
	} {
		s := newStory(t)
		c.tell(s)
		var got []string
		for _, f := range Classify(s.view, []Classifier{data}) {
			got = append(got, f.Sentence)
			if f.Cause != CauseProtectionMissing || f.Anchor.Kind != AnchorApplication {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestPromiseLasts: what is said again has been so since it was first said, and who says nothing any more is no proof that it is over.
func TestPromiseLasts(t *testing.T) {
	s := newStory(t)
	s.stands("shop", "shop", events.PromiseUnprotected)
	began := s.at
	s.pass(5 * time.Minute)
	s.tick()
	found := Classify(s.view, []Classifier{data})
	if len(found) != 1 || found[0].Lasted(s.view.Now) {
		t.Fatalf("at one look: %+v", found)
	}
	s.stands("shop", "shop", events.PromiseOverdue)
	s.pass(2 * time.Minute)
	s.tick()
	found = Classify(s.view, []Classifier{data})
	if len(found) != 1 || !found[0].Lasted(s.view.Now) || !found[0].Since.Equal(began) || s.view.Blind(found[0].Fault) {
		t.Fatalf("at two looks: %+v", found)
	}
	s.pass(15 * time.Minute)
	s.tick()
	if !s.view.Blind(found[0].Fault) {
		t.Error("nobody has looked for 17 minutes, and that is not told")
	}
	s.stands("shop", "shop", events.PromiseKept)
	if s.view.Blind(found[0].Fault) || len(Classify(s.view, []Classifier{data})) != 0 {
		t.Error("it is kept, and that is not seen")
	}
}
