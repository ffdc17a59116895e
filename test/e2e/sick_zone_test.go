package e2e

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/test/rig"
)

// briskEvacuation is the shipped runbook with shorter times.
const briskEvacuation = `apiVersion: salvor.io/v1
kind: Runbook
metadata: {name: zone-evacuation}
spec:
  fault: zone
  order: 20
  steps:
    - {name: cordon, use: node.cordon, with: {zone: "${fault.zone}"}, deadline: 15s}
    - {name: evacuate, use: workload.evacuate, with: {zone: "${fault.zone}"}, deadline: 2m, onFailure: continue}
  verify:
    - {use: workload.relocated, with: {zone: "${fault.zone}"}, settle: 2s, deadline: 1m}
  undo: zone-return
`

// TestSickZone: a person declares a zone lost whose nodes answer. Nobody else says so, so two of those on call approve; its pods are evicted as fast as
// their disruption budget allows, and the zone is given back when the person says so. Declared again under a budget that allows nothing, it
// is stopped in the midst and taken back.
func TestSickZone(t *testing.T) {
	settings := quick("sick")
	settings.Mode, settings.Zone, settings.Others, settings.OnCall = "ask", "ask", []string{"bob"}, []string{"carol"}
	s := begin(t, shared(t), settings, briskEvacuation)
	s.budget(webs - 1)
	s.declaresSick()
	s.approvedByTwo()
	inc := s.reachesAt("zone/"+rig.DeadZone, 2*time.Minute, incident.Recovered)
	if inc.Outcome != responders.OutcomeVerified {
		t.Errorf("outcome %s, want verified: %s", inc.Outcome, inc.Why)
	}
	if left := s.inDeadZone(); left != 0 {
		t.Errorf("%d pods are still in the zone", left)
	}
	if n := s.evictions(201); n == 0 {
		t.Error("nothing was evicted")
	}
	s.onceEach()
	_, err := s.As(s.ctx, "bob", "declare", "--end", "zone", rig.DeadZone, "--cluster", rig.Cluster)
	s.must(err)
	s.reachesAt("zone/"+rig.DeadZone, time.Minute, incident.Ended)
	s.untouchedZone()

	s.budget(webs)
	s.must(s.rig.Spread(s.ctx, webs, dbs))
	done, refused := s.evictions(201), s.evictions(429)
	s.declaresSick()
	s.approvedByTwo()
	s.await(time.Minute, "an eviction is refused by the budget", func(context.Context) (bool, error) { return s.evictions(429) > refused, nil })
	out, err := s.As(s.ctx, "carol", "stop", s.newestAt("zone/"+rig.DeadZone), "--undo", "--reason", "it is well after all")
	s.must(err)
	t.Log(out)
	inc = s.reachesAt("zone/"+rig.DeadZone, time.Minute, incident.HandedOver)
	if !strings.Contains(inc.Why, "carol") {
		t.Errorf("why it is handed over: %s", inc.Why)
	}
	s.untouchedZone()
	if now := s.evictions(201); now != done {
		t.Errorf("%d pods were evicted beyond the budget", now-done)
	}
}

// budget has web tell how many of its pods must be available.
func (s *scene) budget(least int) {
	s.t.Helper()
	budgets := s.rig.Kube.PolicyV1().PodDisruptionBudgets(rig.Shop)
	_ = budgets.Delete(s.ctx, "web", metav1.DeleteOptions{}) // where there is none, none is deleted
	min := intstr.FromInt(least)
	_, err := budgets.Create(s.ctx, &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: policyv1.PodDisruptionBudgetSpec{MinAvailable: &min, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}}}, metav1.CreateOptions{})
	s.must(err)
	s.t.Cleanup(func() { _ = budgets.Delete(context.Background(), "web", metav1.DeleteOptions{}) })
	s.await(30*time.Second, "the budget is reckoned with", func(ctx context.Context) (bool, error) {
		b, err := budgets.Get(ctx, "web", metav1.GetOptions{})
		return err == nil && b.Status.ObservedGeneration == b.Generation && b.Status.ExpectedPods == webs && int(b.Status.DisruptionsAllowed) == webs-least, err
	})
}

// declaresSick has bob declare the zone, which takes him out of those who may approve.
func (s *scene) declaresSick() {
	s.t.Helper()
	_, err := s.As(s.ctx, "bob", "declare", "zone", rig.DeadZone, "--cluster", rig.Cluster, "--reason", "the provider says that it is about to fail")
	s.must(err)
	s.await(30*time.Second, "people are asked about the zone", func(ctx context.Context) (bool, error) {
		list, err := s.Incidents(ctx)
		return len(list) > 0 && list[len(list)-1].State == incident.Awaiting, err
	})
}

// approvedByTwo has alice and carol approve, of whom one alone is not enough.
func (s *scene) approvedByTwo() {
	s.t.Helper()
	name := s.newestAt("zone/" + rig.DeadZone)
	plan := s.decidedOf(name)
	_, err := s.As(s.ctx, "bob", "approve", name, "--plan", plan)
	wantExit(s.t, err, 4, "bob")
	_, err = s.CLI(s.ctx, "approve", name, "--plan", plan)
	s.must(err)
	s.reachesAt("zone/"+rig.DeadZone, time.Second, incident.Awaiting)
	_, err = s.As(s.ctx, "carol", "approve", name, "--plan", plan)
	s.must(err)
}

// newestAt is the name of the newest incident about something.
func (s *scene) newestAt(anchor string) (name string) {
	s.t.Helper()
	list, err := s.Incidents(s.ctx)
	s.must(err)
	for _, inc := range list {
		if inc.Anchor == anchor {
			name = inc.Name
		}
	}
	return name
}

// inDeadZone counts the pods of web that run in the zone and are not on their way out.
func (s *scene) inDeadZone() (n int) {
	s.t.Helper()
	for _, node := range rig.DeadNodes() {
		pods, err := s.rig.PodsOn(s.ctx, node)
		s.must(err)
		for name, pod := range pods {
			if strings.HasPrefix(name, "web-") && pod.DeletionTimestamp == nil {
				n++
			}
		}
	}
	return n
}

// evictions counts the evictions of pods of web, which have a budget, that Salvor asked for and that were answered so.
func (s *scene) evictions(code int) (n int) {
	s.t.Helper()
	all, err := s.rig.Stack.AuditLog()
	s.must(err)
	for _, ev := range all {
		if ev.Subresource == "eviction" && strings.HasPrefix(ev.Name, "web-") && ev.Time.After(s.began) && ev.Code == code {
			n++
		}
	}
	return n
}

func (s *scene) untouchedZone() {
	s.t.Helper()
	s.await(30*time.Second, "the zone is given back", func(ctx context.Context) (bool, error) {
		var left error
		for _, node := range rig.DeadNodes() {
			left = errors.Join(left, s.rig.Untouched(ctx, node))
		}
		return left == nil, left
	})
}
