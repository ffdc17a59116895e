package responderstest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/all"
	"github.com/salvor-io/salvor/responders/node"
	"github.com/salvor-io/salvor/responders/power"
	"github.com/salvor-io/salvor/responders/responderstest"
	"github.com/salvor-io/salvor/test/stack"
)

const space = "default"

// plane is a real control plane, reached with the rights that deploy/rbac grants and no others.
type plane struct {
	*stack.Stack
	admin        kubernetes.Interface
	custom       dynamic.Interface // as the admin
	observe, act *rest.Config
	made         atomic.Int32 // names given out
}

// TestOnARealControlPlane runs the suite against a real API server and then recovers a node that really failed.
func TestOnARealControlPlane(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real control plane")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	s, err := stack.Start(ctx, stack.Options{Dir: t.TempDir(), Log: t.Output(), Nodes: stack.Nodes(3)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	r := &plane{Stack: s, observe: config(t, s, stack.Observer), act: config(t, s, stack.Actor)}
	if r.admin, err = kubernetes.NewForConfig(config(t, s, stack.Admin)); err != nil {
		t.Fatal(err)
	}
	r.grant(t)
	r.installTraces(t)
	zone := func(_, zone string) responders.Args { return responders.Args{"zone": zone} }
	outOf := func(name, zone string) responders.Args {
		return responders.Args{"nodes": []string{name}, "outOf": zone}
	}
	t.Run("cordon", func(t *testing.T) {
		responderstest.Run(t, append(r.cases("node.cordon", "nodes", r.blank), r.inZone("node.cordon", r.blank, zone))...)
	})
	t.Run("fence", func(t *testing.T) {
		cases := append(r.cases("node.fence", "nodes", r.blank, r.controlPlane), r.traced("node.fence")...)
		responderstest.Run(t, append(cases, r.unpowered("node.fence", "no switch", r.blank, func(*testing.T, string) {}))...)
	})
	t.Run("release", func(t *testing.T) {
		cases := append(r.cases("node.release", "nodes", r.shutDown), r.traced("node.release")...)
		responderstest.Run(t, append(cases, r.inZone("node.release", r.shutDown, outOf))...)
	})
	t.Run("restore", func(t *testing.T) {
		responderstest.Run(t, append(r.cases("node.restore", "nodes", r.ours), r.inZone("node.restore", r.ours, zone))...)
	})
	t.Run("displace", func(t *testing.T) { responderstest.Run(t, r.cases("workload.displace", "nodes", r.withPods)...) })
	t.Run("recovery", r.recovers)
}

func config(t *testing.T, s *stack.Stack, user string) *rest.Config {
	t.Helper()
	c, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig(user))
	if err != nil {
		t.Fatal(err)
	}
	c.QPS = -1
	return c
}

// grant gives the two users what deploy/rbac gives to the service accounts.
func (r *plane) grant(t *testing.T) {
	for user, file := range map[string]string{stack.Observer: "observe.yaml", stack.Actor: "act.yaml"} {
		manifests, err := os.ReadFile(filepath.Join("..", "..", "deploy", "rbac", file))
		if err != nil {
			t.Fatal(err)
		}
		subject := "\n  - {apiGroup: rbac.authorization.k8s.io, kind: User, name: " + user + "}\n"
		if err := r.Apply(t.Context(), []byte(strings.TrimSpace(string(manifests))+subject)); err != nil {
			t.Fatal(err)
		}
	}
}

// cases are one case for each way to arrange a node. Nodes have a power switch that obeys at once.
func (r *plane) cases(use, argument string, arrangements ...func(t *testing.T, n *corev1.Node)) []responderstest.Case {
	var cases []responderstest.Case
	for i, arrange := range arrangements {
		args := responders.Args{argument: []string{""}} // the name of the node is put there when it is made
		if use == "workload.displace" {
			args["only"] = "stateless"
		}
		cases = append(cases, responderstest.Case{Name: fmt.Sprintf("case %d", i+1), Args: args, World: func(t *testing.T) *responderstest.World {
			tape := responderstest.NewTape()
			machine := &responderstest.Machine{Tape: tape, Down: map[string]bool{}}
			args[argument] = []string{r.register(t, arrange)}
			return r.world(t, use, tape, map[string]node.Power{"real": machine})
		}})
	}
	return cases
}

// inZone is a case about a node that is all of its zone.
func (r *plane) inZone(use string, arrange func(*testing.T, *corev1.Node), with func(name, zone string) responders.Args) responderstest.Case {
	c := responderstest.Case{Name: "a zone", Args: responders.Args{}}
	c.World = func(t *testing.T) *responderstest.World {
		tape := responderstest.NewTape()
		zone := fmt.Sprintf("zone-%d", r.made.Add(1))
		name := r.register(t, func(t *testing.T, n *corev1.Node) {
			arrange(t, n)
			n.Labels[corev1.LabelTopologyZone] = zone
		})
		maps.Copy(c.Args, with(name, zone))
		return r.world(t, use, tape, map[string]node.Power{"real": &responderstest.Machine{Tape: tape, Down: map[string]bool{}}})
	}
	return c
}

func (r *plane) world(t *testing.T, use string, tape *responderstest.Tape, switches map[string]node.Power) *responderstest.World {
	t.Helper()
	clusters, err := tape.Clusters(r.observe, r.act)
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := all.Catalog(all.Options{Clusters: clusters, Power: switches})
	if err != nil {
		t.Fatal(err)
	}
	responder, err := catalog.Lookup(use)
	if err != nil {
		t.Fatal(err)
	}
	return &responderstest.World{Responder: responder, Tape: tape,
		Env: responders.Env{Cluster: "real", Incident: "inc-1", Step: "step", Now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}}
}

// register makes a node that no kubelet stands behind, and removes it when the test ends.
func (r *plane) register(t *testing.T, arrange func(*testing.T, *corev1.Node)) string {
	t.Helper()
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("suite-%d", r.made.Add(1)), Labels: map[string]string{}, Annotations: map[string]string{}}}
	arrange(t, n)
	status := n.Status
	nodes := r.admin.CoreV1().Nodes()
	made, err := nodes.Create(t.Context(), n, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nodes.Delete(context.Background(), made.Name, metav1.DeleteOptions{}) })
	if len(status.Conditions) > 0 {
		patch := responderstest.Patch(map[string]any{"status": map[string]any{"conditions": status.Conditions}})
		if _, err := nodes.Patch(t.Context(), made.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
			t.Fatal(err)
		}
	}
	return made.Name
}

func (r *plane) blank(*testing.T, *corev1.Node) {}

// controlPlane makes a node of the control plane, beside another one that is ready.
func (r *plane) controlPlane(t *testing.T, n *corev1.Node) {
	label := func(n *corev1.Node) { n.Labels["node-role.kubernetes.io/control-plane"] = "" }
	label(n)
	r.register(t, func(_ *testing.T, other *corev1.Node) {
		label(other)
		ready(other)
	})
}

func ready(n *corev1.Node) {
	now := metav1.Now()
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: now, LastTransitionTime: now}}
}

func (r *plane) shutDown(_ *testing.T, n *corev1.Node) {
	n.Spec.Taints = []corev1.Taint{{Key: "node.cloudprovider.kubernetes.io/shutdown", Effect: corev1.TaintEffectNoSchedule}}
}

// ours makes a node that Salvor cordoned and released and that came back.
func (r *plane) ours(_ *testing.T, n *corev1.Node) {
	ready(n)
	n.Spec.Unschedulable = true
	n.Spec.Taints = []corev1.Taint{{Key: corev1.TaintNodeOutOfService, Value: "nodeshutdown", Effect: corev1.TaintEffectNoExecute}}
	n.Annotations[node.CordonedAnnotation], n.Annotations[node.ReleasedAnnotation] = "inc-1", "inc-1"
}

// withPods has a ReplicaSet put two pods on the node, past the scheduler.
func (r *plane) withPods(t *testing.T, n *corev1.Node) {
	labels := map[string]string{"app": n.Name}
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: n.Name, Namespace: space}, Spec: appsv1.ReplicaSetSpec{Replicas: new(int32(2)),
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec: corev1.PodSpec{NodeName: n.Name, Containers: []corev1.Container{{Name: "web", Image: "web"}}}}}}
	// The pods wait for the node, which is registered after this: a pod of no node is collected.
	t.Cleanup(func() {
		_ = r.admin.AppsV1().ReplicaSets(space).Delete(context.Background(), n.Name, metav1.DeleteOptions{})
	})
	if _, err := r.admin.CoreV1().Nodes().Get(t.Context(), n.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Fatalf("node %s is there already: %v", n.Name, err)
	}
	if _, err := r.admin.AppsV1().ReplicaSets(space).Create(t.Context(), set, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, func() error { return r.count(t, "app="+n.Name, 2) })
}

func (r *plane) count(t *testing.T, selector string, want int) error {
	pods, err := r.admin.CoreV1().Pods(space).List(t.Context(), metav1.ListOptions{LabelSelector: selector})
	if err == nil && len(pods.Items) != want {
		err = fmt.Errorf("there are %d pods of %s, want %d", len(pods.Items), selector, want)
	}
	return err
}

func eventually(t *testing.T, patience time.Duration, ask func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("after %s: %v", patience, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// recovers fails a node under a Deployment and a StatefulSet and takes every responder in turn, with the stack's own power
// switch, until both run elsewhere and the node is back.
func (r *plane) recovers(t *testing.T) {
	workloads, err := os.ReadFile(filepath.Join("testdata", "workloads.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Apply(t.Context(), workloads); err != nil {
		t.Fatal(err)
	}
	var victim string
	eventually(t, time.Minute, func() (err error) {
		victim, err = r.homeOf(t, "app=db")
		return errors.Join(err, r.available(t))
	})
	lever, err := power.NewHTTP(power.HTTPOptions{URL: r.PowerURL() + "/nodes/{node}", Token: r.PowerToken(), Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.FailNode(t.Context(), victim); err != nil {
		t.Fatal(err)
	}
	switches := map[string]node.Power{"real": lever}
	nodes := responders.Args{"nodes": []string{victim}}
	awaits := r.begin(t, "workload.available", switches, responders.Args{"displacedFrom": []string{victim}})
	release := r.begin(t, "node.release", switches, nodes)
	if err := release.Apply(allowed(t), release.Env, release.change); err == nil || !strings.Contains(err.Error(), "says that it is on") {
		t.Fatalf("a node that may still run was released: %v", err)
	}
	r.begin(t, "node.cordon", switches, nodes).carryOut(t)
	r.begin(t, "workload.displace", switches, responders.Args{"nodes": []string{victim}, "only": "stateless"}).carryOut(t)
	fence := r.begin(t, "node.fence", switches, nodes)
	r.withstands(t, fence, victim)
	fence.carryOut(t)
	release.carryOut(t)
	awaits.carryOut(t)
	if home, err := r.homeOf(t, "app=db"); err != nil || home == victim {
		t.Errorf("the database is on %s, error %v", home, err)
	}
	if err := r.HealNode(t.Context(), victim); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, func() error { return r.isReady(t, victim) })
	r.begin(t, "node.restore", switches, nodes).carryOut(t)
	back, err := r.admin.CoreV1().Nodes().Get(t.Context(), victim, metav1.GetOptions{})
	if err != nil || back.Spec.Unschedulable {
		t.Errorf("the node takes no pods, error %v", err)
	}
	for key := range back.Annotations {
		if strings.HasPrefix(key, "salvor.io/") {
			t.Errorf("the mark %s is left", key)
		}
	}
}

// withstands has the power switch do everything but its work: each time the fence fails and nothing is written on the node.
// The last one does cut the power and never says so; whoever asks again finds it off.
func (r *plane) withstands(t *testing.T, fence step, victim string) {
	t.Helper()
	for _, behaviour := range []stack.Switch{{Mode: stack.SwitchRefuses, Reason: "locked"}, {Mode: stack.SwitchHangs}, {Mode: stack.SwitchAbsent}, {Mode: stack.SwitchMute}} {
		if err := r.SetSwitch(t.Context(), victim, behaviour); err != nil {
			t.Fatal(err)
		}
		err := fence.Apply(allowed(t), fence.Env, fence.change)
		n, lookErr := r.admin.CoreV1().Nodes().Get(t.Context(), victim, metav1.GetOptions{})
		if err == nil || lookErr != nil || n.Annotations[node.FencedAnnotation] != "" {
			t.Errorf("a switch that is %+v: Apply: %v, the node has %v, %v", behaviour, err, n.Annotations, lookErr)
		}
	}
	if err := r.SetSwitch(t.Context(), victim, stack.Switch{Mode: stack.SwitchWorks}); err != nil {
		t.Fatal(err)
	}
}

// step is a responder with its change.
type step struct {
	responders.Responder
	responders.Env
	change responders.Change
}

func (r *plane) begin(t *testing.T, use string, switches map[string]node.Power, args responders.Args) step {
	t.Helper()
	w := r.world(t, use, responderstest.NewTape(), switches)
	change, err := w.Responder.Preview(t.Context(), w.Env, args)
	if err != nil {
		t.Fatalf("%s: Preview: %v", use, err)
	}
	return step{w.Responder, w.Env, change}
}

func allowed(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return responders.WithGuard(ctx, func(context.Context) error { return nil })
}

func (s step) carryOut(t *testing.T) {
	t.Helper()
	began := time.Now()
	if err := s.Apply(allowed(t), s.Env, s.change); err != nil {
		t.Fatalf("%s: Apply: %v", s.change.Responder, err)
	}
	eventually(t, 4*time.Minute, func() error {
		found, err := s.Verify(t.Context(), s.Env, s.change)
		if err == nil && found.Outcome != responders.OutcomeVerified {
			err = fmt.Errorf("%s is %s: %v", s.change.Responder, found.Outcome, found.Detail)
		}
		return err
	})
	t.Logf("%s: %v, verified after %s", s.change.Responder, s.change.Will, time.Since(began).Round(time.Millisecond))
}

func (r *plane) homeOf(t *testing.T, selector string) (string, error) {
	pods, err := r.admin.CoreV1().Pods(space).List(t.Context(), metav1.ListOptions{LabelSelector: selector})
	if err != nil || len(pods.Items) != 1 || pods.Items[0].Spec.NodeName == "" {
		return "", errors.Join(err, fmt.Errorf("%s is not one pod on a node", selector))
	}
	return pods.Items[0].Spec.NodeName, nil
}

func (r *plane) available(t *testing.T) error {
	web, err1 := r.admin.AppsV1().Deployments(space).Get(t.Context(), "web", metav1.GetOptions{})
	db, err2 := r.admin.AppsV1().StatefulSets(space).Get(t.Context(), "db", metav1.GetOptions{})
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if web.Status.AvailableReplicas != *web.Spec.Replicas || db.Status.AvailableReplicas != 1 {
		return errors.New("the workloads are not available")
	}
	return nil
}

func (r *plane) isReady(t *testing.T, name string) error {
	n, err := r.admin.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return fmt.Errorf("node %s is not ready", name)
}
