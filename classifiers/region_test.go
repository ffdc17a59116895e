package classifiers

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
)

func (s *story) probe(by string, witness, up bool) {
	p := events.Probe{By: by, Witness: witness, Target: "apiserver", Up: up}
	if !up {
		p.Reason = "no answer within 5s"
	}
	s.tell(events.TypeProbe, "probe/"+by+"/apiserver", p)
}

// polls has Salvor and witnesses w1, w2 and w3 say whether they reach the API server: "+" yes, "-" no, " " nothing.
func (s *story) polls(says string) {
	for i, by := range []string{"salvor-0", "w1", "w2", "w3"} {
		if says[i] != ' ' {
			s.probe(by, i > 0, says[i] == '+')
		}
	}
}

func TestRegion(t *testing.T) {
	cases := []struct {
		name  string
		says  []string // one report every 10 s
		alert bool
		want  bool
	}{
		{"well", []string{"++++", "++++"}, false, false},
		{"all say so", []string{"++++", "----"}, false, true},
		{"two of three witnesses and Salvor", []string{"++++", "---+"}, false, true},
		{"one witness and Salvor", []string{"++++", "--++"}, false, false},
		{"Salvor alone is blind", []string{"++++", "-+++"}, false, false},
		{"the witnesses alone", []string{"++++", "+---"}, false, false},
		{"the witnesses and an alert, but Salvor reaches it", []string{"++++", "+---"}, true, false},
		{"the witnesses and an alert with facts of its own", []string{" +++", " ---"}, true, true},
		{"the witnesses and an alert, from the beginning", []string{" ---"}, true, true},
		{"one witness, an alert and Salvor", []string{"++++", "-+-+"}, true, false},
		{"witnesses that say nothing do not say that it is down", []string{"++++", "--  ", "--  ", "--  ", "--  "}, false, false},
		{"Salvor heard no witness at all", []string{"++++", "-   ", "-   ", "-   ", "-   "}, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			for _, says := range c.says {
				s.pass(10 * time.Second)
				s.polls(says)
			}
			if c.alert {
				s.tell(events.TypeAlert, "alert/f9", events.Alert{Fingerprint: "f9", Status: "firing", Name: "KubeAPIDown", StartsAt: s.at})
			}
			found := Region{Window: 30 * time.Second, Of: map[string]string{"prod-eu": "eu-west-1"}}.Classify(s.view)
			if (len(found) == 1) != c.want {
				t.Fatalf("found %+v", found)
			}
			if !c.want {
				return
			}
			if f := found[0]; f.Anchor.Name != "eu-west-1" || f.SingleSourced() || f.Standing || !f.Since.Equal(s.at) || !strings.Contains(f.Sentence, "witnesses cannot reach it (no answer within 5s)") {
				t.Errorf("found %q since %s, standing %v: %+v", f.Sentence, f.Since, f.Standing, f.Signals)
			}
		})
	}
}

func TestRegionTakesZonesAndNodes(t *testing.T) {
	s := newStory(t)
	s.fleet(10, "a", "b", "c")
	s.polls("++++")
	s.lose("b", 10)
	s.lose("c", 1)
	s.polls("----")
	all := append([]Classifier{Region{}}, wide...)
	if diff := cmp.Diff([]string{"region region/eu (12)"}, standing(Classify(s.view, all))); diff != "" {
		t.Errorf("what stands for itself (-want +got):\n%s", diff)
	}
}

// TestARegionIsGoneWhenMostWitnessesReachIt: until then nobody can say so, whatever became of Salvor's own probes.
func TestARegionIsGoneWhenMostWitnessesReachIt(t *testing.T) {
	s := newStory(t)
	fault := Fault{Kind: KindRegion, Cluster: "prod-eu"}
	for _, step := range []struct {
		says  string
		blind bool
	}{{"++++", false}, {"----", true}, {"+---", true}, {"++--", true}, {"+++-", false}} {
		s.polls(step.says)
		if got := s.view.Blind(fault); got != step.blind {
			t.Errorf("%q: blind %v, want %v", step.says, got, step.blind)
		}
	}
	s.pass(time.Minute)
	s.polls("++  ")
	if !s.view.Blind(fault) {
		t.Error("not blind with one of three witnesses")
	}
}

// TestAReplicaThatIsNoMoreIsNoProber: a restart under another name does not halve what Salvor says.
func TestAReplicaThatIsNoMoreIsNoProber(t *testing.T) {
	s := newStory(t)
	s.polls("++++")
	s.polls("----")
	s.pass(40 * time.Second)
	s.polls(" ---")
	s.probe("salvor-1", false, false)
	if len((Region{}).Classify(s.view)) != 1 {
		t.Error("the region is not found any more")
	}
}
