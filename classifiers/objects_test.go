package classifiers

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/salvor-io/salvor/events"
)

func (s *story) cluster() *Cluster { return s.view.Clusters["prod-eu"] }

func (s *story) tick() { s.tell(events.TypeTick, "tick/clock", events.Tick{Second: s.at.Unix()}) }

func (s *story) pod(name, uid, rv, trouble string, gone bool) {
	s.tell(events.TypePod, "pod/shop/"+name, events.Pod{Namespace: "shop", Name: name, UID: uid, ResourceVersion: rv, Trouble: trouble, Gone: gone})
}

func (s *story) workload(w events.Workload) {
	w.Kind, w.Namespace, w.Created = "Deployment", "shop", began
	s.tell(events.TypeWorkload, "deployment/shop/"+w.Name, w)
}

func (s *story) object(o events.Object) {
	s.tell(events.TypeObject, o.Kind+"/"+o.Name, o)
}

func TestPodsInTrouble(t *testing.T) {
	s := newStory(t)
	s.pod("web-1", "u1", "5", "CrashLoopBackOff", false)
	crashed := s.at
	s.pass(time.Minute)
	s.pod("web-1", "u1", "6", "CrashLoopBackOff", false)
	s.pod("web-1", "u1", "4", "", false) // late
	if p := s.cluster().Pods["shop/web-1"]; !p.Troubled() || !p.At.Equal(crashed) || p.ResourceVersion != "6" {
		t.Errorf("pod is %+v, want in trouble since %v", p, crashed)
	}
	s.pod("web-1", "u2", "9", "", false)
	s.pod("web-1", "u1", "8", "Failed", true) // the end of the one before comes late
	if p := s.cluster().Pods["shop/web-1"]; p.Troubled() || p.UID != "u2" {
		t.Errorf("pod is %+v, want the new one, well", p)
	}
	s.pass(goneFor + time.Minute)
	s.tick()
	if len(s.cluster().Pods) != 0 {
		t.Errorf("a pod that is well is remembered: %+v", s.cluster().Pods)
	}
}

func TestWorkloadHealth(t *testing.T) {
	s := newStory(t)
	s.workload(events.Workload{Name: "web", UID: "u1", ResourceVersion: "1", Revision: "a", Desired: 2, Ready: 2, Updated: 2})
	s.pass(time.Minute)
	revised := s.at
	s.workload(events.Workload{Name: "web", UID: "u1", ResourceVersion: "2", Revision: "b", Desired: 2, Ready: 2, Generation: 2})
	s.pass(time.Minute)
	s.workload(events.Workload{Name: "web", UID: "u1", ResourceVersion: "3", Revision: "b", Desired: 2, Ready: 1, Updated: 1, Generation: 2, Observed: 2, Stuck: "ProgressDeadlineExceeded"})
	w := s.cluster().Workloads["Deployment/shop/web"]
	if !w.RevisedAt.Equal(revised) || !w.SickAt.Equal(revised) || !w.WasHealthy {
		t.Errorf("workload is %+v, want revised and sick since %v", w, revised)
	}
	s.workload(events.Workload{Name: "web", UID: "u1", ResourceVersion: "4", Revision: "b", Gone: true})
	if w := s.cluster().Workloads["Deployment/shop/web"]; !w.SickAt.IsZero() || len(s.cluster().Deleted) != 1 {
		t.Errorf("a deleted workload is sick since %v, %d deletions", w.SickAt, len(s.cluster().Deleted))
	}
}

func TestDeletionsAreCountedOnceAndForgotten(t *testing.T) {
	s := newStory(t)
	for n := range 3 {
		o := events.Object{Kind: "PersistentVolumeClaim", Namespace: "shop", Name: fmt.Sprintf("data-%d", n), UID: fmt.Sprintf("u%d", n), ResourceVersion: "1", Created: began}
		s.object(o)
		o.ResourceVersion, o.Gone = "2", true
		s.object(o)
		s.object(o) // another version of the same end
		s.pass(10 * time.Hour)
	}
	if got := len(s.cluster().Deleted); got != 3 {
		t.Errorf("%d deletions are remembered, want 3", got)
	}
	s.tick()
	if got := len(s.cluster().Deleted); got != 2 {
		t.Errorf("%d deletions are remembered after 30 hours, want 2", got)
	}
}

func TestSignalsAreFolded(t *testing.T) {
	s := newStory(t)
	s.tell(events.TypeProbe, "probe/w1/apiserver", events.Probe{By: "w1", Witness: true, Target: "apiserver", Up: true})
	s.pass(10 * time.Second)
	s.tell(events.TypeProbe, "probe/w1/apiserver", events.Probe{By: "w1", Witness: true, Target: "apiserver", Reason: "refused"})
	down := s.at
	s.pass(10 * time.Second)
	s.tell(events.TypeProbe, "probe/w1/apiserver", events.Probe{By: "w1", Witness: true, Target: "apiserver", Reason: "refused"})
	if p := s.cluster().Probes["w1/apiserver"]; p.Up || !p.Since.Equal(down) || !p.At.Equal(s.at) {
		t.Errorf("probe is %+v, want down since %v", p, down)
	}
	s.tell(events.TypeHeartbeat, "heartbeat/Watchdog", events.Heartbeat{Name: "Watchdog", Every: 60})
	s.tell(events.TypeFalco, "falco/x", events.Falco{Rule: "Terminal shell in container", Priority: "Critical"})
	s.tell(events.TypeSilence, "silence/s1", events.Silence{ID: "s1", EndsAt: s.at.Add(time.Hour)})
	c := s.cluster()
	if len(c.Heartbeats) != 1 || len(c.Detections) != 1 || len(s.view.Silences) != 1 {
		t.Errorf("heartbeats %v, detections %v, silences %v", c.Heartbeats, c.Detections, s.view.Silences)
	}
	s.tell(events.TypeSilence, "silence/s1", events.Silence{ID: "s1", Gone: true})
	if len(s.view.Silences) != 0 {
		t.Error("a silence that was taken back is still there")
	}
}

// TestBackupsAreForgottenWithTheirSchedule: what was last made of a schedule is known for as long as that or its object is.
func TestBackupsAreForgottenWithTheirSchedule(t *testing.T) {
	s := newStory(t)
	s.custom(kindSchedule, "daily", "Enabled", events.Object{})
	s.custom(kindBackup, "b1", "Failed", events.Object{Of: daily})
	s.custom(kindBackup, "b1", "Failed", events.Object{Of: daily, Gone: true})
	s.pass(2 * time.Hour)
	s.tick()
	if got := len(s.cluster().Backups); got != 1 {
		t.Errorf("%d backups are remembered while their schedule is there, want 1", got)
	}
	s.custom(kindSchedule, "daily", "Enabled", events.Object{Gone: true})
	s.pass(deletedFor + time.Minute)
	s.tick()
	if len(s.cluster().Backups)+len(s.cluster().Objects) != 0 {
		t.Errorf("remembered: %v, %v", s.cluster().Backups, s.cluster().Objects)
	}
}

// TestOverlappingSpansAreOneAlert: its start moves where two tell of it; one that begins after what was last told is another.
func TestOverlappingSpansAreOneAlert(t *testing.T) {
	s := newStory(t)
	fires := func(start time.Time) time.Time {
		s.tell(events.TypeAlert, "alert/f", events.Alert{Fingerprint: "f", Status: "firing", Name: "etcdNoLeader", StartsAt: start})
		return s.view.Clusters["prod-eu"].Alerts["f"].At
	}
	first := s.at
	for _, start := range []time.Duration{0, -14 * time.Second, 0, 5 * time.Second} {
		if at := fires(first.Add(start)); !at.Equal(first) {
			t.Errorf("with a start %s later it fires since %s, want %s", start, at, first)
		}
		s.pass(10 * time.Second)
	}
	s.pass(time.Hour)
	if at := fires(s.at.Add(-time.Minute)); !at.Equal(s.at) {
		t.Errorf("another span fires since %s, want %s", at, s.at)
	}
}

// TestEveryFoldIsRepeatable: a view that lived through events equals one rebuilt from them, and one that was told of each twice.
func TestEveryFoldIsRepeatable(t *testing.T) {
	s := newStory(t)
	s.pod("web-1", "u1", "5", "CrashLoopBackOff", false)
	s.workload(events.Workload{Name: "web", UID: "u1", ResourceVersion: "1", Revision: "a", Desired: 2})
	s.object(events.Object{Kind: "Namespace", Name: "shop", UID: "n1", ResourceVersion: "1", Phase: "Active"})
	s.pass(time.Minute)
	s.object(events.Object{Kind: "Namespace", Name: "shop", UID: "n1", ResourceVersion: "3", Gone: true})
	s.object(events.Object{Kind: "Namespace", Name: "shop", UID: "n2", ResourceVersion: "4", Created: s.at})
	s.custom(kindSchedule, "daily", "Enabled", events.Object{})
	s.custom(kindBackup, "b1", "Failed", events.Object{Of: daily})
	s.custom(kindBackup, "b1", "Failed", events.Object{Of: daily, Gone: true})
	s.alert("KubeNodeNotReady", "w1", nil)
	s.declared(events.Declared{Kind: "zone", Anchor: "zone", Name: "a", Until: s.at.Add(time.Hour)})
	s.declared(events.Declared{Kind: "data", Anchor: "namespace", Name: "shop", Until: s.at.Add(time.Hour)})
	s.takeBack(KindZone, "zone", "a")
	s.tick()
	again := NewView(meaning)
	for _, ev := range s.all {
		for range 2 {
			if err := again.Fold(ev); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := cmp.Diff(s.view, again, cmpopts.IgnoreUnexported(View{})); diff != "" {
		t.Errorf("replayed view differs (-lived +replayed):\n%s", diff)
	}
}
