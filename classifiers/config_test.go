package classifiers

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/events"
)

var config = Config{Window: 15 * time.Second, Recent: 30 * time.Minute, Expires: 7 * 24 * time.Hour}

// web tells of a Deployment that reads a ConfigMap.
func (s *story) web(rv, revision string, ready int, stuck string) {
	s.workload(events.Workload{Name: "web", UID: "w1", ResourceVersion: rv, Revision: revision, Desired: 2, Ready: ready, Updated: ready, Stuck: stuck,
		Uses: []events.Ref{{Kind: "ConfigMap", Name: "settings"}}, Changed: events.Change{By: "kubectl-edit", Op: "Update"}})
}

func (s *story) settings(rv, content string) {
	s.object(events.Object{Kind: "ConfigMap", Namespace: "shop", Name: "settings", UID: "c1", ResourceVersion: rv, Content: content, Changed: events.Change{By: "argocd-controller"}})
}

func (s *story) crash(name, node, trouble string) {
	s.tell(events.TypePod, "pod/shop/"+name, events.Pod{Namespace: "shop", Name: name, UID: "u-" + name, ResourceVersion: "1", Node: node,
		Owner: events.Ref{Kind: "Deployment", Name: "web"}, Trouble: trouble})
}

func TestConfig(t *testing.T) {
	cases := []struct {
		name string
		tell func(*story)
		want []string
	}{
		{"well", func(*story) {}, nil},
		{"a rollout that is merely going on", func(s *story) { s.web("3", "b", 0, "") }, nil},
		{"a revision that crashes", func(s *story) {
			s.web("3", "b", 0, "")
			s.pass(20 * time.Second)
			s.crash("web-1", "w1", "CrashLoopBackOff")
		}, []string{"deployment/shop/web: deployment shop/web broke 20s after its revision changed (by kubectl-edit)"}},
		{"pods that replace those that crashed, an hour later", func(s *story) {
			s.web("3", "b", 0, "")
			s.pass(time.Hour)
			s.crash("web-9", "w1", "CrashLoopBackOff")
		}, []string{"deployment/shop/web: deployment shop/web broke 1h after its revision changed (by kubectl-edit)"}},
		{"a revision that is stuck", func(s *story) { s.web("3", "b", 1, "ProgressDeadlineExceeded") },
			[]string{"deployment/shop/web: deployment shop/web broke right after its revision changed (by kubectl-edit)"}},
		{"a revision that its controller names", func(s *story) {
			s.web("3", "template-b", 2, "")
			s.workload(events.Workload{Name: "web", UID: "w1", ResourceVersion: "4", Revision: "template-c", Desired: 2, Ready: 0})
			s.pass(time.Second)
			s.web("5", "c", 1, "")
			s.pass(time.Minute)
			s.web("6", "c", 1, "ProgressDeadlineExceeded")
		}, []string{"deployment/shop/web: deployment shop/web broke right after its revision changed (by kubectl-edit)"}},
		{"a rollout that was given up since its nodes are lost", func(s *story) {
			s.fleet(3, "b", "c")
			s.web("3", "b", 1, "")
			s.lose("b", 3)
			s.crash("web-1", "b1", "NotReady")
			s.pass(10 * time.Minute)
			s.web("4", "b", 1, "ProgressDeadlineExceeded")
		}, nil},
		{"one whose new pods find no node since then", func(s *story) {
			s.fleet(3, "b", "c")
			s.web("3", "b", 1, "")
			s.lose("b", 3)
			s.pass(6 * time.Minute)
			s.crash("web-1", "", "Unschedulable")
			s.web("4", "b", 1, "ProgressDeadlineExceeded")
		}, nil},
		{"one whose new pods find no node, while one is lost for long", func(s *story) {
			s.fleet(3, "b", "c")
			s.lose("b", 1)
			s.pass(time.Hour)
			s.web("3", "b", 1, "")
			s.crash("web-1", "", "Unschedulable")
			s.web("4", "b", 1, "ProgressDeadlineExceeded")
		}, []string{"deployment/shop/web: deployment shop/web broke right after its revision changed (by kubectl-edit)"}},
		{"one that was given up before its nodes were lost", func(s *story) {
			s.fleet(3, "b", "c")
			s.web("3", "b", 1, "")
			s.crash("web-1", "b1", "NotReady")
			s.pass(10 * time.Minute)
			s.web("4", "b", 1, "ProgressDeadlineExceeded")
			s.lose("b", 3)
		}, []string{"deployment/shop/web: deployment shop/web broke right after its revision changed (by kubectl-edit)"}},
		{"a ConfigMap that is deleted", func(s *story) {
			s.settings("3", "x")
			s.object(events.Object{Kind: "ConfigMap", Namespace: "shop", Name: "settings", UID: "c1", ResourceVersion: "4", Gone: true, Changed: events.Change{By: "helm"}})
			s.pass(time.Minute)
			s.web("4", "a", 1, "")
			s.crash("web-1", "w1", "CreateContainerConfigError")
		}, []string{"deployment/shop/web: deployment shop/web broke 1m after ConfigMap settings was deleted"}},
		{"a ConfigMap", func(s *story) {
			s.settings("3", "y")
			s.pass(time.Minute)
			s.web("4", "a", 1, "")
			s.crash("web-1", "w1", "CrashLoopBackOff")
		}, []string{"deployment/shop/web: deployment shop/web broke 1m after ConfigMap settings changed (by argocd-controller)"}},
		{"a ConfigMap long ago", func(s *story) {
			s.settings("3", "y")
			s.pass(time.Hour)
			s.web("4", "a", 1, "")
			s.crash("web-1", "w1", "CrashLoopBackOff")
		}, nil},
		{"nothing changed: a symptom", func(s *story) {
			s.web("4", "a", 1, "")
			s.crash("web-1", "w1", "CrashLoopBackOff")
		}, nil},
		{"the pods are on a lost node", func(s *story) {
			s.node("w1", "u1", "1", "True")
			s.lease("w1", "1", events.LeaseFresh)
			s.lease("w1", "2", events.LeaseStale)
			s.web("3", "b", 0, "")
			s.crash("web-1", "w1", "NotReady")
		}, nil},
		{"the pods are on a node that has just come back", func(s *story) {
			s.node("w1", "u1", "1", "True")
			s.lease("w1", "1", events.LeaseFresh)
			s.web("3", "b", 0, "")
			s.lease("w1", "2", events.LeaseStale)
			s.crash("web-1", "w1", "NotReady")
			s.pass(time.Minute)
			s.lease("w1", "3", events.LeaseFresh)
		}, nil},
		{"the pods are on a node that nobody sees now", func(s *story) {
			s.node("w1", "u1", "1", "True")
			s.lease("w1", "1", events.LeaseFresh)
			s.lease("w1", "2", events.LeaseStale)
			s.web("3", "b", 0, "")
			s.crash("web-1", "w1", "NotReady")
			s.sight("nodes", false)
			s.sight("leases", false)
		}, nil},
		{"a pod without a node is no crash", func(s *story) { s.web("3", "b", 0, ""); s.crash("web-1", "", "Unschedulable") }, nil},
		{"a webhook", func(s *story) {
			s.object(events.Object{Kind: "ValidatingWebhookConfiguration", Name: "gate", UID: "h1", ResourceVersion: "1", Content: "x"})
			s.object(events.Object{Kind: "ValidatingWebhookConfiguration", Name: "gate", UID: "h1", ResourceVersion: "2", Content: "y"})
			s.pass(time.Minute)
			s.web("4", "a", 1, "ReplicaFailure")
		}, []string{"deployment/shop/web: deployment shop/web broke 1m after ValidatingWebhookConfiguration gate changed"}},
		{"well again", func(s *story) { s.web("3", "b", 1, "ProgressDeadlineExceeded"); s.web("4", "b", 2, "") }, nil},
		{"a certificate", func(s *story) {
			s.tell(events.TypeProbe, "probe/salvor-0/apiserver", events.Probe{By: "salvor-0", Target: "apiserver", Up: true, Expires: s.at.Add(50 * time.Hour)})
		}, []string{"certificate/apiserver: the certificate of apiserver of prod-eu expires in 2 days; then nobody reaches it any more"}},
		{"a certificate with time left", func(s *story) {
			s.tell(events.TypeProbe, "probe/salvor-0/apiserver", events.Probe{By: "salvor-0", Target: "apiserver", Up: true, Expires: s.at.Add(500 * time.Hour)})
		}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			s.settings("1", "x")
			s.web("2", "a", 2, "")
			s.pass(time.Hour)
			c.tell(s)
			if diff := cmp.Diff(c.want, told(t, config.Classify(s.view))); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

// TestARolloutCountsFromWhenItIsStuck: however long it went on before.
func TestARolloutCountsFromWhenItIsStuck(t *testing.T) {
	s := newStory(t)
	s.web("2", "a", 2, "")
	s.web("3", "b", 1, "")
	s.pass(time.Minute)
	s.web("4", "b", 1, "FailedCreate")
	stuck := s.at
	s.pass(5 * time.Second)
	f := config.Classify(s.view)[0]
	if f.Lasted(s.view.Now) || !f.Since.Equal(stuck) {
		t.Errorf("since %s, lasted %v, want since %s", f.Since, f.Lasted(s.view.Now), stuck)
	}
}

// TestCertificates: which are found, and since when.
func TestCertificates(t *testing.T) {
	s := newStory(t)
	show := func(by string, left time.Duration, up bool) time.Time {
		ends := s.at.Add(left)
		s.tell(events.TypeProbe, "probe/"+by, events.Probe{By: by, Target: "apiserver", Up: up, Expires: ends})
		return ends
	}
	show("r1", 8760*time.Hour, true)
	s.pass(10 * time.Second)
	if found := config.Classify(s.view); len(found) != 0 {
		t.Fatalf("found %q", told(t, found))
	}
	replaced := s.at
	soon := show("r1", 30*time.Minute, true)
	want := []string{"certificate/apiserver: the certificate of apiserver of prod-eu expires in 30 minutes; then nobody reaches it any more"}
	found := config.Classify(s.view)
	if diff := cmp.Diff(want, told(t, found)); diff != "" || !found[0].Since.Equal(replaced) {
		t.Fatalf("found since %s (-want +got):\n%s", found[0].Since, diff)
	}
	fault := found[0].Fault
	s.pass(10 * time.Second)
	show("r1", 24*time.Hour, true) // another server of the same name
	s.pass(10 * time.Second)
	s.tell(events.TypeProbe, "probe/r1", events.Probe{By: "r1", Target: "apiserver", Up: true, Expires: soon})
	if f := config.Classify(s.view)[0]; !f.Since.Equal(replaced) {
		t.Errorf("since %s, want since it was first shown at %s", f.Since, replaced)
	}
	s.pass(time.Minute) // nobody is heard
	if found := config.Classify(s.view); len(found) != 0 || !s.view.Blind(fault) {
		t.Errorf("found %q, or not blind", told(t, found))
	}
	show("r2", 8760*time.Hour, true)
	if s.view.Blind(fault) {
		t.Error("blind although it is seen")
	}
	show("r2", -time.Minute, false)
	want = []string{"certificate/apiserver: the certificate of apiserver of prod-eu has expired; nobody reaches it any more"}
	if diff := cmp.Diff(want, told(t, config.Classify(s.view))); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}

// TestAlertsAboutCertificates: those about one certificate are one finding, those about jobs are apart.
func TestAlertsAboutCertificates(t *testing.T) {
	s := newStory(t)
	s.fires("CertManagerCertNotReady", map[string]string{"namespace": "shop", "name": "web-tls"})
	s.fires("CertManagerCertExpirySoon", map[string]string{"namespace": "shop", "name": "web-tls"})
	s.fires("KubeClientCertificateExpiration", map[string]string{"job": "apiserver"})
	found := config.Classify(s.view)
	want := []string{"certificate/KubeClientCertificateExpiration apiserver: a certificate: KubeClientCertificateExpiration apiserver",
		"certificate/shop/web-tls: certificate shop/web-tls: CertManagerCertExpirySoon; CertManagerCertNotReady"}
	if diff := cmp.Diff(want, told(t, found)); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	if s.view.Blind(found[0].Fault) {
		t.Error("blind although the alert's end would say so")
	}
}

var security = Security{Priority: "Error", For: time.Hour}

func TestSecurity(t *testing.T) {
	shell := events.Falco{Rule: "Drop and execute new binary in container", Priority: "Critical", Fields: map[string]any{"k8s.ns.name": "shop", "k8s.pod.name": "web-1"}}
	grant := events.Falco{Rule: "Attach to cluster-admin Role", Priority: "Warning", Source: "k8s_audit", Fields: map[string]any{"ka.user.name": "mallory"}}
	cases := []struct {
		name string
		tell func(*story)
		want []string
	}{
		{"nothing", func(*story) {}, nil},
		{"a pod", func(s *story) { s.tell(events.TypeFalco, "falco/1", shell); s.tell(events.TypeFalco, "falco/2", shell) },
			[]string{"pod/shop/web-1: pod/shop/web-1: Drop and execute new binary in container"}},
		{"a priority below", func(s *story) {
			low := shell
			low.Priority = "Notice"
			s.tell(events.TypeFalco, "falco/1", low)
		}, nil},
		{"a priority nobody knows", func(s *story) {
			odd := shell
			odd.Priority = "EXTREME"
			s.tell(events.TypeFalco, "falco/1", odd)
		}, nil},
		{"long ago", func(s *story) { s.tell(events.TypeFalco, "falco/1", shell); s.pass(2 * time.Hour); s.tick() }, nil},
		{"an alert of Falco", func(s *story) {
			s.tell(events.TypeAlert, "alert/f7", events.Alert{Fingerprint: "f7", Status: "firing", Name: "Falco", StartsAt: s.at,
				Labels: events.NewLabelSet(map[string]string{"rule": "Read sensitive file untrusted", "priority": "Error", "hostname": "w1"})})
		}, []string{"node/w1: node/w1: Read sensitive file untrusted"}},
		{"severity is no priority", func(s *story) {
			s.tell(events.TypeAlert, "alert/f7", events.Alert{Fingerprint: "f7", Status: "firing", Name: "Falco", StartsAt: s.at,
				Labels: events.NewLabelSet(map[string]string{"rule": "Read sensitive file untrusted", "severity": "critical", "hostname": "w1"})})
		}, nil},
		{"a grant of power, whatever its priority", func(s *story) {
			s.tell(events.TypeFalco, "falco/1", grant)
		}, []string{"user/mallory: user/mallory: Attach to cluster-admin Role"}},
		{"the same as an alert", func(s *story) {
			s.tell(events.TypeAlert, "alert/f7", events.Alert{Fingerprint: "f7", Status: "firing", Name: grant.Rule, StartsAt: s.at, Labels: events.NewLabelSet(map[string]string{
				"source": "falco", "eventsource": "k8s_audit", "rule": grant.Rule, "priority": "Warning", "ka_user_name": "mallory"})})
		}, []string{"user/mallory: user/mallory: Attach to cluster-admin Role"}},
		{"a rule of that name of another source", func(s *story) {
			odd := grant
			odd.Source = "syscall"
			s.tell(events.TypeFalco, "falco/1", odd)
		}, nil},
		{"fields of odd types", func(s *story) {
			s.tell(events.TypeFalco, "falco/1", events.Falco{Rule: "x", Priority: "Alert", Fields: map[string]any{"k8s.pod.name": 7, "ka.user.name": nil}})
		}, []string{"cluster/unknown: cluster/unknown: x"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			c.tell(s)
			if diff := cmp.Diff(c.want, told(t, security.Classify(s.view))); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNoiseHidesNothing: a thousand detections that nobody minds do not push out the one that counts.
func TestNoiseHidesNothing(t *testing.T) {
	s := newStory(t)
	s.tell(events.TypeFalco, "falco/0", events.Falco{Rule: "Attach to cluster-admin Role", Source: "k8s_audit", Priority: "Notice", Fields: map[string]any{"ka.user.name": "eve"}})
	s.tell(events.TypeFalco, "falco/1", events.Falco{Rule: "Miner", Priority: "Critical", Hostname: "w1"})
	for range 2 * maxDetections {
		s.tell(events.TypeFalco, "falco/2", events.Falco{Rule: "Noise", Priority: "Warning", Hostname: "w1"})
	}
	if diff := cmp.Diff([]string{"node/w1: node/w1: Miner", "user/eve: user/eve: Attach to cluster-admin Role"}, told(t, security.Classify(s.view))); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}
