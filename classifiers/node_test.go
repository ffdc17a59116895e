package classifiers

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/salvor-io/salvor/events"
)

var began = time.Date(2026, 11, 22, 3, 11, 0, 0, time.UTC)

// meaning understands a few alerts.
func meaning(a events.Alert) events.Meaning {
	switch a.Name {
	case "KubeNodeNotReady":
		return events.Meaning{Topic: events.TopicNodeLost}
	case "NodeDown":
		return events.Meaning{Topic: events.TopicNodeLost, Independent: true}
	case "KubeAPIDown":
		return events.Meaning{Topic: events.TopicControlPlane, Independent: true}
	case "etcdNoLeader":
		return events.Meaning{Topic: events.TopicEtcdQuorum, Independent: true}
	case "Attach to cluster-admin Role":
		if a.Labels.Of("source") == "falco" && a.Labels.Of("eventsource") == "k8s_audit" {
			return events.Meaning{Topic: events.TopicTampering}
		}
	case "VeleroBackupFailures", "VeleroBackupPartialFailures":
		return events.Meaning{Topic: events.TopicBackup, Independent: true}
	case "KubePersistentVolumeErrors":
		return events.Meaning{Topic: events.TopicVolume}
	case "CertManagerCertExpirySoon", "CertManagerCertNotReady", "KubeClientCertificateExpiration":
		return events.Meaning{Topic: events.TopicCertificate}
	case "Falco":
		return events.Meaning{Topic: events.TopicRuntime, Independent: true}
	}
	return events.Meaning{}
}

// story builds a view event by event.
type story struct {
	t    *testing.T
	view *View
	seq  uint64
	at   time.Time
	all  []events.Recorded
}

func newStory(t *testing.T) *story {
	s := &story{t: t, view: NewView(meaning), at: began}
	s.sight("nodes", true)
	s.sight("leases", true)
	return s
}

func (s *story) tell(typ events.Type, entity string, payload any) {
	s.t.Helper()
	s.seq++
	ev, err := events.New(fmt.Sprintf("e%d", s.seq), typ, "/test", "prod-eu", entity, s.at, payload)
	if err != nil {
		s.t.Fatal(err)
	}
	rec := events.Recorded{Event: ev, Seq: s.seq, At: s.at}
	s.all = append(s.all, rec)
	if err := s.view.Fold(rec); err != nil {
		s.t.Fatal(err)
	}
}

func (s *story) sight(watch string, seeing bool) {
	s.tell(events.TypeObserver, "observer/a/"+watch, events.Observer{Replica: "a", Watch: watch, Seeing: seeing, Synced: true})
}

func (s *story) node(name, uid, rv, ready string) {
	s.tell(events.TypeNode, "node/"+name, events.Node{Name: name, UID: uid, ResourceVersion: rv, Zone: "a", Region: "eu", Ready: events.Condition{Status: ready}})
}

func (s *story) lease(name, rv string, state events.LeaseState) {
	lease := events.Lease{Node: name, UID: "lease-" + name, ResourceVersion: rv, State: state}
	if state == events.LeaseStale {
		lease.Age = 25
	}
	s.tell(events.TypeLease, "node/"+name, lease)
}

// pass lets time pass with both watchers still seeing.
func (s *story) pass(d time.Duration) {
	s.at = s.at.Add(d)
	s.sight("nodes", true)
	s.sight("leases", true)
}

func TestNodeFindings(t *testing.T) {
	cases := []struct {
		name     string
		tell     func(*story)
		want     string // part of the sentence; "" means nothing is found
		standing bool
		agree    int
		asked    int
	}{
		{"well", func(s *story) { s.node("w1", "u1", "1", "True"); s.lease("w1", "1", events.LeaseFresh) }, "", false, 0, 0},
		{"silent", func(s *story) {
			s.node("w1", "u1", "1", "True")
			s.lease("w1", "1", events.LeaseFresh)
			s.lease("w1", "2", events.LeaseStale)
		}, "w1 is silent: its Lease was not renewed for 25s", false, 1, 2},
		{"silent and not ready", func(s *story) {
			s.node("w1", "u1", "1", "True")
			s.lease("w1", "1", events.LeaseFresh)
			s.lease("w1", "2", events.LeaseStale)
			s.pass(20 * time.Second)
			s.node("w1", "u1", "3", "Unknown")
		}, "w1 is silent and not ready: Lease not renewed for 45s", false, 2, 2},
		{"not ready though it lives", func(s *story) {
			s.node("w1", "u1", "1", "True")
			s.lease("w1", "1", events.LeaseFresh)
			s.node("w1", "u1", "3", "False")
		}, "not ready though it renews its Lease", false, 1, 2},
		{"silent since before Salvor looked", func(s *story) {
			s.node("w1", "u1", "1", "Unknown")
			s.lease("w1", "1", events.LeaseStale)
		}, "w1 is silent", true, 2, 2},
		{"a node that never was ready is standing", func(s *story) { s.node("w1", "u1", "1", "False") }, "w1 is not ready", true, 1, 1},
		{"silent, and its observer has seen it live, which the log has forgotten", func(s *story) {
			s.node("w1", "u1", "1", "Unknown")
			s.tell(events.TypeLease, "node/w1", events.Lease{Node: "w1", UID: "l", ResourceVersion: "2", State: events.LeaseStale, Age: 25, WasFresh: true})
		}, "w1 is silent", false, 2, 2},
		{"blind to leases and nodes", func(s *story) {
			s.node("w1", "u1", "1", "True")
			s.lease("w1", "1", events.LeaseFresh)
			s.lease("w1", "2", events.LeaseStale)
			s.sight("nodes", false)
			s.sight("leases", false)
		}, "", false, 0, 0},
		{"an observer that fell silent is blind", func(s *story) {
			s.node("w1", "u1", "1", "True")
			s.lease("w1", "1", events.LeaseFresh)
			s.lease("w1", "2", events.LeaseStale)
			s.at = s.at.Add(31 * time.Second)
			s.tell(events.TypeTick, "tick/clock", events.Tick{})
		}, "", false, 0, 0},
		{"blind to nodes, the Lease still speaks", func(s *story) {
			s.node("w1", "u1", "1", "True")
			s.lease("w1", "1", events.LeaseFresh)
			s.lease("w1", "2", events.LeaseStale)
			s.sight("nodes", false)
		}, "w1 is silent", false, 1, 1},
		{"deleted", func(s *story) {
			s.node("w1", "u1", "1", "True")
			s.lease("w1", "1", events.LeaseFresh)
			s.lease("w1", "2", events.LeaseStale)
			s.tell(events.TypeNode, "node/w1", events.Node{Name: "w1", UID: "u1", ResourceVersion: "9", Gone: true})
		}, "", false, 0, 0},
		{"an old version changes nothing", func(s *story) {
			s.node("w1", "u1", "5", "True")
			s.node("w1", "u1", "4", "False")
		}, "", false, 0, 0},
		{"came back", func(s *story) {
			s.node("w1", "u1", "1", "True")
			s.lease("w1", "1", events.LeaseFresh)
			s.lease("w1", "2", events.LeaseStale)
			s.lease("w1", "3", events.LeaseFresh)
		}, "", false, 0, 0},
		{"an alert agrees", func(s *story) {
			s.node("w1", "u1", "1", "True")
			s.lease("w1", "1", events.LeaseFresh)
			s.lease("w1", "2", events.LeaseStale)
			s.alert("KubeNodeNotReady", "w1", nil)
		}, "w1 is silent", false, 2, 3},
		{"an alert of a credential for other kinds does not", func(s *story) {
			s.node("w1", "u1", "1", "True")
			s.lease("w1", "1", events.LeaseFresh)
			s.lease("w1", "2", events.LeaseStale)
			s.alert("KubeNodeNotReady", "w1", []string{"security"})
		}, "w1 is silent", false, 1, 2},
		{"an alert alone finds nothing", func(s *story) {
			s.node("w1", "u1", "1", "True")
			s.lease("w1", "1", events.LeaseFresh)
			s.alert("KubeNodeNotReady", "w1", nil)
		}, "", false, 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			c.tell(s)
			found := Node{Window: 15 * time.Second}.Classify(s.view)
			if c.want == "" {
				if len(found) != 0 {
					t.Fatalf("found %q, want nothing", found[0].Sentence)
				}
				return
			}
			if len(found) != 1 {
				t.Fatalf("found %d faults, want one", len(found))
			}
			f := found[0]
			agree, asked := f.Agreement()
			if !strings.Contains(f.Sentence, c.want) || f.Standing != c.standing || agree != c.agree || asked != c.asked {
				t.Errorf("found %q standing %v %d/%d, want %q %v %d/%d", f.Sentence, f.Standing, agree, asked, c.want, c.standing, c.agree, c.asked)
			}
			if f.Since.IsZero() || len(f.Evidence) == 0 {
				t.Errorf("no beginning or no evidence: %+v", f.Fault)
			}
		})
	}
}

func (s *story) alert(name, node string, kinds []string) {
	s.tell(events.TypeAlert, "alert/f1", events.Alert{Fingerprint: "f1", Status: "firing", Name: name,
		Labels: events.NewLabelSet(map[string]string{"node": node}), StartsAt: s.at, Kinds: kinds})
}

// TestReplayEqualsLife: a view rebuilt from the log equals the one that lived through it, in which some events came twice.
func TestReplayEqualsLife(t *testing.T) {
	s := newStory(t)
	for n := range 20 {
		name := fmt.Sprintf("w%d", n)
		s.node(name, "u"+name, "1", "True")
		s.lease(name, "1", events.LeaseFresh)
		if n%3 == 0 {
			s.pass(10 * time.Second)
			s.lease(name, "2", events.LeaseStale)
			s.node(name, "u"+name, "3", "Unknown")
		}
	}
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

func TestUnknownTypesAreIgnoredWithAReason(t *testing.T) {
	v := NewView(meaning)
	ev := events.Recorded{Event: events.Event{ID: "x", Type: "com.example.thing", Cluster: "c", Data: json.RawMessage(`{}`)}, Seq: 1, At: began}
	if err := v.Fold(ev); !errors.Is(err, ErrIgnored) || !strings.Contains(err.Error(), "com.example.thing") {
		t.Errorf("Fold = %v", err)
	}
	if !v.Now.Equal(began) {
		t.Error("time did not move")
	}
}

func TestUndecodablePayloadIsPermanent(t *testing.T) {
	v := NewView(meaning)
	ev := events.Recorded{Event: events.Event{ID: "x", Type: events.TypeNode, Cluster: "c", Data: json.RawMessage(`{"name":7}`)}, Seq: 1, At: began}
	if err := v.Fold(ev); !events.IsPermanent(err) {
		t.Errorf("Fold = %v, want a permanent error", err)
	}
}

func TestARecreatedNodeIsAnotherNode(t *testing.T) {
	s := newStory(t)
	s.node("w1", "u1", "1", "True")
	s.lease("w1", "1", events.LeaseFresh)
	s.lease("w1", "2", events.LeaseStale)
	s.tell(events.TypeNode, "node/w1", events.Node{Name: "w1", UID: "u2", ResourceVersion: "9", Created: began, Ready: events.Condition{Status: "True"}})
	if found := (Node{}).Classify(s.view); len(found) != 0 {
		t.Errorf("the new node inherits %q", found[0].Sentence)
	}
}
