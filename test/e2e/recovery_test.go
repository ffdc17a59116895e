package e2e

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/replay"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/test/stack"
)

// TestDeadNodeIsRecovered is the main job: two Alertmanagers tell of it again and again, one incident comes of it, everything
// is recovered and verified, the node returns and is as it was, and when it fails again that is a new incident.
func TestDeadNodeIsRecovered(t *testing.T) {
	s := begin(t, shared(t), quick("recovered"))
	victim := s.lose()
	for range 3 {
		s.must(s.rig.Alert(s.ctx, "KubeNodeNotReady", victim))
	}
	inc := s.reaches(victim, 3*time.Minute, incident.Recovered)
	if inc.Outcome != responders.OutcomeVerified {
		t.Errorf("outcome %s, want verified", inc.Outcome)
	}
	s.await(5*time.Second, "the API server agrees", func(ctx context.Context) (bool, error) { return s.rig.Available(ctx, webs, dbs) })
	s.onceEach()

	s.must(s.rig.Stack.HealNode(s.ctx, victim))
	s.reaches(victim, 2*time.Minute, incident.Ended)
	s.must(s.rig.Untouched(s.ctx, victim))
	s.onceEach()
	if got := s.incidentsOf(victim); len(got) != 1 {
		t.Fatalf("%d incidents of one fault, want one", len(got))
	}
	out, err := s.CLI(s.ctx, "incidents", "show", inc.Name)
	s.must(err)
	for _, want := range []string{"cordon", "displace", "fence", "release", "verified"} {
		if !strings.Contains(out, want) {
			t.Errorf("incidents show does not tell of %q:\n%s", want, out)
		}
	}

	s.must(s.rig.Stack.FailNode(s.ctx, victim))
	again := s.reaches(victim, 2*time.Minute, incident.Acting, incident.Verifying, incident.Recovered)
	if again.ID == inc.ID {
		t.Errorf("the second failure is still incident %s", inc.Name)
	}
	s.replaysTheSame()
}

// replaysTheSame exports what the server has recorded, and fails the test when anything else comes of it now.
func (s *scene) replaysTheSame() {
	s.t.Helper()
	report := s.replayed()
	if len(report.Differences) > 0 || len(report.Odd) > 0 || report.Missed > 0 {
		s.t.Error("what was recorded comes out otherwise")
	}
	if report.Faults < 2 || report.Decisions < 3 || report.Steps < 5 || report.Moves < 2 {
		s.t.Error("little of it was compared")
	}
}

// replayed judges again what the server has recorded.
func (s *scene) replayed() *replay.Report {
	s.t.Helper()
	path := filepath.Join(s.rig.Dir, s.Name+".export.gz")
	_, err := s.CLI(s.ctx, "export", "--since", "1h", "--out", path)
	s.must(err)
	f, err := os.Open(path)
	s.must(err)
	defer f.Close()
	file, err := replay.Read(f)
	s.must(err)
	report, err := file.Check(s.ctx, nil)
	s.must(err)
	s.t.Logf("%s%s", file.Comment, report.Text("recorded", "now"))
	return report
}

// TestKilledAtEveryRecord kills the server with kill -9 at every record that appears, and so before, during and after every
// step and once in the middle of each take-over, and starts it again each time. On a store that others could share, each open
// step is left until its deadline: no take-over is killed there.
func TestKilledAtEveryRecord(t *testing.T) {
	t.Parallel()
	if !*external {
		t.Run("embedded", func(t *testing.T) { killedAtEveryRecord(t, begin(t, shared(t), quick("killed"))) })
	}
	t.Run("external", func(t *testing.T) {
		r, settings := shared(t), quick("killed-external")
		settings.NATS = startNATS(t, r.Dir)
		killedAtEveryRecord(t, begin(t, r, settings))
	})
}

func killedAtEveryRecord(t *testing.T, s *scene) {
	victim := s.lose()
	kills, told, over := 0, 0, map[string]bool{}
	deadline := time.Now().Add(7 * time.Minute)
	for {
		if time.Now().After(deadline) {
			t.Fatalf("not recovered after %d kills", kills)
		}
		inc, ok := s.peek(victim)
		switch {
		case !ok || len(inc.History) == told:
			time.Sleep(5 * time.Millisecond)
			continue
		case inc.State == incident.Recovered:
			if inc.Outcome != responders.OutcomeVerified {
				t.Errorf("outcome %s, want verified", inc.Outcome)
			}
			t.Logf("recovered after %d kills, %d records", kills, len(inc.History))
			s.onceEach()
			s.resumedInOrder(inc.History)
			return
		}
		last := inc.History[len(inc.History)-1]
		told = len(inc.History)
		if last.Kind == incident.TookOver {
			if over[last.Step.Name] || s.NATS != "" {
				continue // a step that never gets to its end is given up, which is another test's matter
			}
			over[last.Step.Name] = true
		}
		s.must(s.Kill())
		kills++
		s.must(s.Start())
	}
}

// TestHumansFirst: a person cordoned one node before it fell silent, so that it is theirs, and silenced the alerts of another: they know
// of it.
func TestHumansFirst(t *testing.T) {
	s := begin(t, shared(t), quick("humans"))
	nodes := s.onePerZone()
	cordoned, silenced := nodes[0], nodes[1]
	_, err := s.rig.Stack.Kubectl(s.ctx, stack.Human, "cordon", cordoned)
	s.must(err)
	end, err := s.rig.Silence(s.ctx, silenced, "new memory for "+silenced)
	s.must(err)
	t.Cleanup(func() { s.check(end(context.Background())) })
	s.await(time.Minute, "salvor has seen the silence", func(ctx context.Context) (bool, error) {
		metrics, err := s.Metrics(ctx)
		return strings.Contains(metrics, "salvor_silences 1\n"), err
	})
	why := map[string]string{cordoned: "at work", silenced: "alice on node/" + silenced + " (silenced its alerts: new memory for " + silenced + ")"}
	for node := range why {
		s.must(s.rig.Stack.FailNode(s.ctx, node))
	}
	for node, want := range why {
		if inc := s.reaches(node, time.Minute, incident.Held); !strings.Contains(inc.Why, want) {
			t.Errorf("%s is held because %q, want %q", node, inc.Why, want)
		}
	}
	s.nothingWritten()
	for node := range why {
		s.must(s.rig.Stack.HealNode(s.ctx, node))
	}
	for node := range why {
		s.reaches(node, 90*time.Second, incident.Ended)
	}
	s.nothingWritten()
}

// TestPause: nothing starts while the fleet is paused, and it goes on when that ends. When the node is paused in the middle of its plan
// then, no step begins from one second later on.
func TestPause(t *testing.T) {
	s := begin(t, shared(t), quick("paused"))
	_, err := s.CLI(s.ctx, "pause", "--for", "10m", "--reason", "migration of the shop")
	s.must(err)
	victim := s.lose()
	inc := s.reaches(victim, time.Minute, incident.Held)
	if !strings.Contains(inc.Why, "migration of the shop") {
		t.Errorf("held because %q, want the reason of the pause", inc.Why)
	}
	s.nothingWritten()
	s.must(s.Kill()) // a pause outlives the process
	s.must(s.Start())
	s.await(30*time.Second, "salvor is ready again", func(ctx context.Context) (bool, error) { return s.Ready(ctx), nil })
	if inc := s.reaches(victim, 20*time.Second, incident.Held); inc.State != incident.Held {
		t.Errorf("state %s after the restart", inc.State)
	}
	s.nothingWritten()
	_, err = s.CLI(s.ctx, "resume")
	s.must(err)
	s.pausedInMidPlan(victim)
}

func (s *scene) pausedInMidPlan(victim string) {
	t := s.t
	s.reaches(victim, time.Minute, incident.Acting)
	_, err := s.CLI(s.ctx, "pause", "--for", "10m", "--reason", "let me look", "--target", "node/"+victim)
	s.must(err)
	paused := time.Now()
	s.await(2*time.Minute, "the plan waits or was done", func(ctx context.Context) (bool, error) {
		inc, ok := s.peek(victim)
		return ok && (inc.State == incident.Recovered || lastKind(inc) == incident.Noted), nil
	})
	inc, _ := s.peek(victim)
	for _, rec := range inc.History {
		if rec.Kind == incident.Intent && rec.StoredAt.After(paused.Add(time.Second)) {
			t.Errorf("step %s began %s after the pause", rec.Step.Name, rec.StoredAt.Sub(paused))
		}
	}
	for _, ev := range s.writes() {
		if ev.Time.After(paused.Add(time.Second)) {
			t.Errorf("salvor wrote %s %s %s after the pause", ev.Verb, ev.Resource, ev.Time.Sub(paused))
		}
	}
	_, err = s.CLI(s.ctx, "resume", "--target", "node/"+victim)
	s.must(err)
	s.reaches(victim, 2*time.Minute, incident.Recovered)
	s.onceEach()
}

// TestFlappingIsOneIncident: a node that comes and goes is one incident with a count, and no loop of repairs.
func TestFlappingIsOneIncident(t *testing.T) {
	settings := quick("flaps")
	settings.Mode, settings.Healthy = "suggest", 60*time.Second
	s := begin(t, shared(t), settings)
	victim := s.lose()
	for range 2 {
		s.reaches(victim, time.Minute, incident.Held)
		s.must(s.rig.Stack.HealNode(s.ctx, victim))
		s.reaches(victim, time.Minute, incident.Clearing)
		s.must(s.rig.Stack.FailNode(s.ctx, victim))
	}
	inc := s.reaches(victim, time.Minute, incident.Held)
	if inc.Count != 3 || len(s.incidentsOf(victim)) != 1 {
		t.Errorf("count %d in %d incidents, want 3 in one", inc.Count, len(s.incidentsOf(victim)))
	}
	s.nothingWritten()
}

// TestNodeReturnsInMidPlan: the node is back while its plan runs. The plan ends cleanly, and what was done is taken back.
func TestNodeReturnsInMidPlan(t *testing.T) {
	s := begin(t, shared(t), quick("returns"))
	victim := s.lose()
	s.await(90*time.Second, "the release has begun", func(ctx context.Context) (bool, error) {
		inc, ok := s.peek(victim)
		return ok && stepBegan(inc, "release"), nil
	})
	s.must(s.rig.Stack.HealNode(s.ctx, victim))
	s.reaches(victim, 4*time.Minute, incident.Ended)
	s.must(s.rig.Untouched(s.ctx, victim))
	s.onceEach()
	s.await(time.Minute, "everything is available", func(ctx context.Context) (bool, error) { return s.rig.Available(ctx, webs, dbs) })
}

// TestReturnedWhileNobodyLooked: the server dies in mid-plan, the node comes back, and the server starts again at once. It knows
// the node as silent, and does nothing to it on that: it looks first, and takes back what it did.
func TestReturnedWhileNobodyLooked(t *testing.T) {
	s := begin(t, shared(t), quick("unseen"))
	victim := s.lose()
	s.await(90*time.Second, "the node is cordoned", func(context.Context) (bool, error) {
		inc, ok := s.peek(victim)
		return ok && stepBegan(inc, "displace"), nil
	})
	s.must(s.Kill())
	s.must(s.rig.Stack.HealNode(s.ctx, victim))
	s.await(time.Minute, "the node renews its Lease", func(ctx context.Context) (bool, error) {
		lease, err := s.rig.Kube.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(ctx, victim, metav1.GetOptions{})
		return err == nil && time.Since(lease.Spec.RenewTime.Time) < 5*time.Second, err
	})
	before := len(s.writes())
	s.must(s.Start())
	s.reaches(victim, 4*time.Minute, incident.Ended)
	s.must(s.rig.Untouched(s.ctx, victim))
	for _, ev := range s.writes()[before:] {
		if ev.Resource != "nodes" || strings.Contains(string(ev.RequestObject), "salvor.io/fenced\":\"") {
			t.Errorf("done to a node that was back: %s %s %s/%s %s", ev.Verb, ev.Resource, ev.Namespace, ev.Name, ev.RequestObject)
		}
	}
}

// TestNoProofNoForce: where the power switch refuses, never answers, or is not there, what is stateless is recovered and
// nothing is detached by force. The three nodes are lost at once, each in a zone of its own.
func TestNoProofNoForce(t *testing.T) {
	settings := quick("no-proof")
	settings.Extra = "limits: {fleet_share: 0.5, storm: {nodes: 1000, share: 1, within: 2m}}\n"
	s := begin(t, shared(t), settings)
	victims := s.onePerZone()
	behaviours := []stack.Switch{{Mode: stack.SwitchRefuses, Reason: "interlock"}, {Mode: stack.SwitchHangs}, {Mode: stack.SwitchAbsent}}
	for i, behaviour := range behaviours {
		s.must(s.rig.Stack.SetSwitch(s.ctx, victims[i], behaviour))
		s.must(s.rig.Stack.FailNode(s.ctx, victims[i]))
	}
	for i, victim := range victims {
		s.unforced(victim, behaviours[i])
	}
}

// unforced waits until a node is left to people, and fails the test when it was released, or when what is stateless was left on it.
func (s *scene) unforced(victim string, behaviour stack.Switch) {
	s.t.Helper()
	inc := s.reaches(victim, 3*time.Minute, incident.HandedOver, incident.Awaiting)
	for _, ev := range s.writes() {
		if ev.Name == victim && strings.Contains(string(ev.RequestObject), "out-of-service") {
			s.t.Errorf("switch %s: salvor released %s without proof: %s", behaviour.Mode, victim, ev.RequestObject)
		}
	}
	pods, err := s.rig.PodsOn(s.ctx, victim)
	s.must(err)
	for pod, p := range pods {
		if strings.HasPrefix(pod, "web-") && p.DeletionTimestamp == nil {
			s.t.Errorf("switch %s: stateless pod %s was not displaced (%s: %s)", behaviour.Mode, pod, inc.State, inc.Why)
		}
	}
}

// onePerZone are nodes, one of each zone, that hold a pod of orders-db wherever the zone has one.
func (s *scene) onePerZone() []string {
	s.t.Helper()
	nodes, err := s.rig.Kube.CoreV1().Nodes().List(s.ctx, metav1.ListOptions{})
	s.must(err)
	zones := map[string]string{}
	for _, n := range nodes.Items {
		zone := n.Labels[corev1.LabelTopologyZone]
		pods, err := s.rig.PodsOn(s.ctx, n.Name)
		s.must(err)
		stateful := slices.ContainsFunc(slices.Collect(maps.Keys(pods)), func(pod string) bool { return strings.HasPrefix(pod, "orders-db-") })
		if zones[zone] == "" || stateful {
			zones[zone] = n.Name
		}
	}
	return slices.Sorted(maps.Values(zones))
}

// peek is the newest incident of a node, if the server can be asked now.
func (s *scene) peek(node string) (api.Incident, bool) {
	list, err := s.Incidents(s.ctx)
	if err != nil {
		return api.Incident{}, false
	}
	for _, sum := range slices.Backward(list) {
		if sum.Anchor == "node/"+node {
			inc, err := s.Incident(s.ctx, string(sum.ID))
			return inc, err == nil
		}
	}
	return api.Incident{}, false
}

// resumedInOrder fails the test when a step was skipped, done twice, or done before the one before it.
func (s *scene) resumedInOrder(history []api.Record) {
	s.t.Helper()
	next := 0
	for _, rec := range history {
		switch rec.Kind {
		case incident.Decided:
			next = 0
		case incident.Intent, incident.TookOver:
			if rec.Step.Index != next {
				s.t.Errorf("step %d was begun when %d was due", rec.Step.Index, next)
			}
		case incident.Done:
			if rec.Step.Index != next {
				s.t.Errorf("step %d was done when %d was due", rec.Step.Index, next)
			}
			next++
		}
	}
}

func lastKind(inc api.Incident) incident.RecordKind {
	if len(inc.History) == 0 {
		return ""
	}
	return inc.History[len(inc.History)-1].Kind
}

func stepBegan(inc api.Incident, name string) bool {
	return slices.ContainsFunc(inc.History, func(rec api.Record) bool { return rec.Kind == incident.Intent && rec.Step.Name == name })
}
