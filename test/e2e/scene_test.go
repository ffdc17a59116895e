package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

// scene is one test on a rig: its servers, and the moment from which the audit log counts.
type scene struct {
	t     *testing.T
	ctx   context.Context
	rig   *rig.Rig
	began time.Time
	*rig.Server
}

// quick are times that make a scene short without changing what happens.
func quick(name string) rig.Settings {
	return rig.Settings{Name: name, Stale: 14 * time.Second, Confirm: 5 * time.Second, Healthy: 5 * time.Second, Retry: 2 * time.Second, Patience: 3 * time.Second}
}

// patient is quick, but waits long enough to see which other nodes were lost at the same moment: kubelets renew their Leases every 10 s.
func patient(name string) rig.Settings {
	settings := quick(name)
	settings.Confirm = 12 * time.Second
	return settings
}

// brisk replaces the shipped runbooks by the same with shorter deadlines, so that what is lost is taken over soon.
const brisk = `apiVersion: salvor.io/v1
kind: Runbook
metadata: {name: node-failure}
spec:
  fault: node
  order: 10
  steps:
    - {name: cordon, use: node.cordon, with: {nodes: "${fault.nodes}"}, deadline: 10s}
    - {name: displace, use: workload.displace, with: {nodes: "${fault.nodes}", only: stateless}, deadline: 15s}
    - {name: fence, use: node.fence, with: {nodes: "${fault.nodes}"}, deadline: 15s, onFailure: stop}
    - {name: release, use: node.release, with: {nodes: "${fault.nodes}"}, deadline: 90s}
  verify:
    - {use: workload.available, with: {displacedFrom: "${fault.nodes}"}, settle: 3s, deadline: 60s}
  undo:
    - {name: restore, use: node.restore, with: {nodes: "${fault.nodes}"}, deadline: 20s}
---
apiVersion: salvor.io/v1
kind: Runbook
metadata: {name: node-displace}
spec:
  fault: node
  order: 20
  steps:
    - {name: cordon, use: node.cordon, with: {nodes: "${fault.nodes}"}, deadline: 10s}
    - {name: displace, use: workload.displace, with: {nodes: "${fault.nodes}", only: stateless}, deadline: 15s}
  verify:
    - {use: workload.available, with: {displacedFrom: "${fault.nodes}"}, settle: 3s, deadline: 10s}
  undo:
    - {name: restore, use: node.restore, with: {nodes: "${fault.nodes}"}, deadline: 20s}
`

// begin starts a server on a rig and waits until it has seen all nodes well. Everything is put right again at the end. More runbooks may be given.
func begin(t *testing.T, r *rig.Rig, settings rig.Settings, more ...string) *scene {
	t.Helper()
	if *external && settings.NATS == "" && settings.DataDir == "" {
		settings.NATS = startNATS(t, r.Dir)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	s := &scene{t: t, ctx: ctx, rig: r, began: time.Now()}
	t.Cleanup(func() {
		s.tidy()
		cancel()
	})
	dir := filepath.Join(r.Dir, settings.Name+"-runbooks")
	s.must(os.MkdirAll(dir, 0o700))
	s.must(os.WriteFile(filepath.Join(dir, "brisk.yaml"), []byte(strings.Join(append(more, brisk), "---\n")), 0o600))
	settings.Extra += "\nrunbooks: {dir: " + dir + "}\n"
	s.must(r.Spread(ctx, webs, dbs))
	var err error
	s.Server, err = r.Serve(settings)
	s.must(err)
	s.await(60*time.Second, "salvor sees all nodes well", func(ctx context.Context) (bool, error) { return s.seesWell(ctx, s.Server) })
	return s
}

func (s *scene) seesWell(ctx context.Context, server *rig.Server) (bool, error) {
	nodes, err := s.rig.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, err
	}
	metrics, err := server.Metrics(ctx)
	return strings.Contains(metrics, fmt.Sprintf("salvor_nodes{cluster=%q,state=\"well\"} %d", rig.Cluster, len(nodes.Items))), err
}

// tidy stops the server, shows its log when the test failed, heals all nodes and takes back what is left on them.
func (s *scene) tidy() {
	if s.Server != nil {
		if err := s.Stop(); err != nil {
			s.t.Error(err)
		}
		s.show(s.Server)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	nodes, err := s.rig.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		s.t.Error(err)
		return
	}
	for _, n := range nodes.Items {
		s.check(s.rig.Stack.SetSwitch(ctx, n.Name, stack.Switch{Mode: stack.SwitchWorks}))
		s.check(s.rig.Stack.HealNode(ctx, n.Name))
		_, err := s.rig.Kube.CoreV1().Nodes().Patch(ctx, n.Name, types.MergePatchType,
			[]byte(`{"metadata":{"annotations":{"salvor.io/cordoned":null,"salvor.io/fenced":null,"salvor.io/released":null}},"spec":{"unschedulable":null,"taints":null}}`), metav1.PatchOptions{})
		s.check(err)
	}
	s.check(rig.Wait(ctx, 90*time.Second, "the workloads are available again", func(ctx context.Context) (bool, error) {
		return s.rig.Available(ctx, webs, dbs)
	}))
}

func (s *scene) check(err error) {
	if err != nil {
		s.t.Error(err)
	}
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// show prints the end of a server's log when the test has failed.
func (s *scene) show(server *rig.Server) {
	if !s.t.Failed() {
		return
	}
	raw, err := os.ReadFile(server.LogFile())
	s.check(err)
	var lines []string
	for line := range strings.Lines(string(raw)) {
		if !strings.Contains(line, "part=http") && !strings.Contains(line, "nats-server") && !strings.Contains(line, "reflector") {
			lines = append(lines, line)
		}
	}
	s.t.Logf("the log of %s ends with:\n%s", server.Name, strings.Join(lines[max(0, len(lines)-60):], ""))
}

func (s *scene) await(within time.Duration, what string, ask func(context.Context) (bool, error)) {
	s.t.Helper()
	s.must(rig.Wait(s.ctx, within, what, ask))
}

// lose fails the node that holds a pod of orders-db and returns its name.
func (s *scene) lose() string {
	s.t.Helper()
	victim, err := s.rig.NodeOf(s.ctx, "orders-db-0")
	s.must(err)
	s.must(s.rig.Stack.FailNode(s.ctx, victim))
	return victim
}

// reaches waits until the newest incident of a node is in one of the states.
func (s *scene) reaches(node string, within time.Duration, states ...incident.State) api.Incident {
	s.t.Helper()
	return s.reachesAt("node/"+node, within, states...)
}

// reachesAt waits until the newest incident of an anchor is in one of the states.
func (s *scene) reachesAt(anchor string, within time.Duration, states ...incident.State) api.Incident {
	s.t.Helper()
	var inc api.Incident
	last := ""
	err := rig.Wait(s.ctx, within, fmt.Sprintf("the incident of %s is %v", anchor, states), func(ctx context.Context) (bool, error) {
		list, err := s.Incidents(ctx)
		if err != nil {
			return false, err
		}
		for _, sum := range list {
			if sum.Anchor != anchor {
				continue
			}
			if inc, err = s.Incident(ctx, string(sum.ID)); err != nil {
				return false, err
			}
		}
		last = fmt.Sprintf("%s (%s)", inc.State, inc.Why)
		return slices.Contains(states, inc.State), nil
	})
	if err != nil {
		s.t.Fatalf("%v; it is %s", err, last)
	}
	return inc
}

// incidentsOf are the incidents of a node, the oldest first.
func (s *scene) incidentsOf(node string) []api.Summary {
	s.t.Helper()
	list, err := s.Incidents(s.ctx)
	s.must(err)
	var out []api.Summary
	for _, inc := range list {
		if inc.Anchor == "node/"+node {
			out = append(out, inc)
		}
	}
	return out
}

// writes are what Salvor wrote to the cluster since the scene began, and was answered 2xx.
func (s *scene) writes() []stack.AuditEvent {
	s.t.Helper()
	all, err := s.rig.Stack.AuditLog()
	s.must(err)
	var out []stack.AuditEvent
	for _, ev := range all {
		if ev.User == stack.Actor && ev.Time.After(s.began) && ev.Code/100 == 2 && !strings.Contains(ev.Resource, "selfsubject") {
			out = append(out, ev)
		}
	}
	return out
}

// onceEach fails the test when an effect was had twice. Patches are the same effect when they say the same, but for the
// resourceVersion they were judged on.
func (s *scene) onceEach() {
	s.t.Helper()
	seen := map[string]int{}
	for _, ev := range s.writes() {
		what := strings.Join([]string{ev.Verb, ev.Resource, ev.Namespace, ev.Name, ev.Subresource, withoutVersion(string(ev.RequestObject))}, " ")
		if seen[what]++; seen[what] == 2 {
			s.t.Errorf("had twice: %s", what)
		}
	}
	if len(seen) == 0 {
		s.t.Error("salvor wrote nothing at all")
	}
}

func withoutVersion(patch string) string {
	before, after, ok := strings.Cut(patch, `"resourceVersion":"`)
	if !ok {
		return patch
	}
	_, rest, _ := strings.Cut(after, `"`)
	return before + rest
}

// nothingWritten fails the test when Salvor wrote to the cluster.
func (s *scene) nothingWritten() {
	s.t.Helper()
	for _, ev := range s.writes() {
		s.t.Errorf("salvor wrote: %s %s %s/%s %s", ev.Verb, ev.Resource, ev.Namespace, ev.Name, ev.RequestObject)
	}
}
