package stack_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "embed"

	"github.com/salvor-io/salvor/test/stack"
)

//go:embed testdata/workloads.yaml
var workloads []byte

// layout is six nodes, the last two of which hang on one rack.
func layout() []stack.Node {
	nodes := stack.Nodes(6)
	for i := range nodes {
		nodes[i].Labels = map[string]string{"rack": "none"}
	}
	for i := 4; i < 6; i++ {
		nodes[i].Domain, nodes[i].Labels = "rack", map[string]string{"rack": "one"}
	}
	return nodes
}

// TestStack starts one stack and proves that it breaks and mends as a real cluster does. The steps build on each other.
func TestStack(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real control plane")
	}
	t.Parallel()
	hook, delivered := countingWebhook(t)
	s := start(t, stack.Options{
		Dir: t.TempDir(), Log: t.Output(), Nodes: layout(),
		Alertmanagers: stack.Alertmanagers{Replicas: 2, Config: stack.Routing{Webhooks: []string{hook}}.Config()},
	})
	c := cluster{t: t, Stack: s}

	pid := c.status()
	c.must(s.Apply(t.Context(), workloads))
	eventually(t, 30*time.Second, "all pods run", func() error { return c.running("app=web", 6) })
	eventually(t, 30*time.Second, "the database runs", func() error { return c.running("app=db", 1) })
	c.alertReachesWebhook(delivered)
	c.usersHaveTheirRights()

	victim := c.pods("app=db")[0].Spec.NodeName
	c.nodeFailsLikeAMachine(victim)
	c.outOfServiceFreesStatefulPod(victim)
	c.nodeReturns(victim)
	c.switchesMisbehave("worker-1")
	c.rackFailsAsOne()
	c.apiServerGoesAndReturns()

	c.must(s.Stop())
	c.must(s.Stop())
	if left := alive(pid); len(left) > 0 {
		t.Errorf("processes %v outlived the stack", left)
	}
}

// nodeFailsLikeAMachine fails a node and sees its Lease stop, its power stay on, and a pod deleted on it stay while its
// replacement runs elsewhere.
func (c cluster) nodeFailsLikeAMachine(node string) {
	c.t.Helper()
	var doomed string
	for _, pod := range c.pods("app=web") {
		if pod.Spec.NodeName == node {
			doomed = pod.Metadata.Name
		}
	}
	c.must(c.FailNode(c.t.Context(), node))
	last := c.lease(node)
	c.kubectl("cordon", node) // the scheduler does not know yet, and would send the replacement right there
	c.kubectl("delete", "pod", doomed, "--wait=false")
	eventually(c.t, 10*time.Second, "a replacement runs elsewhere", func() error { return c.running("app=web", 6) })
	time.Sleep(12 * time.Second) // longer than a living kubelet waits between two renewals
	if now := c.lease(node); now != last {
		c.t.Errorf("the Lease of a dead node was renewed: %s, then %s", last, now)
	}
	if pod := c.pod(doomed); pod.Metadata.DeletionTimestamp == "" {
		c.t.Error("the pod on the dead node is not Terminating")
	}
	if code, power := c.power(http.MethodGet, node, ""); code != http.StatusOK || power != "on" {
		c.t.Errorf("power of a node that failed by itself = %d %q, want it on", code, power)
	}
	if code, power := c.power(http.MethodPost, node, "/off"); code != http.StatusOK || power != "off" {
		c.t.Errorf("power off = %d %q", code, power)
	}
	c.deletedOnce(doomed)
}

// outOfServiceFreesStatefulPod taints a dead node out of service and sees the garbage collector free its pods.
func (c cluster) outOfServiceFreesStatefulPod(node string) {
	c.t.Helper()
	before := c.pods("app=db")[0].Metadata.UID
	eventually(c.t, 70*time.Second, "the node controller gives up the node", func() error { return c.ready(node, "Unknown") })
	c.kubectl("taint", "node", node, "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute")
	eventually(c.t, 60*time.Second, "the database runs elsewhere", func() error {
		if pods := c.pods("app=db"); len(pods) == 1 && pods[0].Metadata.UID == before {
			return errors.New("the pod on the dead node is still there")
		}
		return c.running("app=db", 1)
	})
	c.kubectl("taint", "node", node, "node.kubernetes.io/out-of-service-")
	c.kubectl("uncordon", node)
}

// nodeReturns powers a node on and sees it renew its Lease and become Ready.
func (c cluster) nodeReturns(node string) {
	c.t.Helper()
	last := c.lease(node)
	if code, power := c.power(http.MethodPost, node, "/on"); code != http.StatusOK || power != "on" {
		c.t.Errorf("power on = %d %q", code, power)
	}
	eventually(c.t, 10*time.Second, "the node is Ready", func() error { return c.ready(node, "True") })
	if now := c.lease(node); now <= last {
		c.t.Errorf("the Lease of a node that came back is still from %s", now)
	}
}

// switchesMisbehave has a node's switch do everything but its work.
func (c cluster) switchesMisbehave(node string) {
	c.t.Helper()
	for _, test := range []struct {
		behaviour stack.Switch
		code      int
		claim     string
		alive     bool
	}{
		{stack.Switch{Mode: stack.SwitchRefuses, Reason: "locked"}, http.StatusServiceUnavailable, "on", true},
		{stack.Switch{Mode: stack.SwitchRefuses, Code: http.StatusConflict}, http.StatusConflict, "on", true},
		{stack.Switch{Mode: stack.SwitchLies}, http.StatusOK, "off", true},
		{stack.Switch{Mode: stack.SwitchHangs}, 0, "", true},
		{stack.Switch{Mode: stack.SwitchAbsent}, http.StatusNotFound, "", true},
		{stack.Switch{Mode: stack.SwitchMute}, 0, "off", false},
	} {
		c.must(c.SetSwitch(c.t.Context(), node, test.behaviour))
		code, _ := c.power(http.MethodPost, node, "/off")
		_, claim := c.power(http.MethodGet, node, "")
		if is := c.alive(node); code != test.code || claim != test.claim || is != test.alive {
			c.t.Errorf("off with %+v: answers %d and claims %q, alive %t; want %d, %q, %t",
				test.behaviour, code, claim, is, test.code, test.claim, test.alive)
		}
	}
	c.must(c.SetSwitch(c.t.Context(), node, stack.Switch{Mode: stack.SwitchWorks}))
	c.must(c.HealNode(c.t.Context(), node))
	if !c.alive(node) {
		c.t.Error("a healed node is dead")
	}
}

// rackFailsAsOne fails the nodes of one domain together and nobody else.
func (c cluster) rackFailsAsOne() {
	c.t.Helper()
	c.must(c.FailDomain(c.t.Context(), "rack"))
	for node, want := range map[string]bool{"worker-1": true, "worker-5": false, "worker-6": false} {
		if is := c.alive(node); is != want {
			c.t.Errorf("%s alive = %t after its rack failed, want %t", node, is, want)
		}
	}
	last := c.lease("worker-6")
	c.must(c.HealDomain(c.t.Context(), "rack"))
	eventually(c.t, 10*time.Second, "the Lease of a healed node is renewed", func() error { return c.renewed("worker-6", last) })
	if err := c.FailNode(c.t.Context(), "worker-99"); err == nil {
		c.t.Error("failing a node that does not exist is no error")
	}
}

// apiServerGoesAndReturns stops the API server, starts it, and sees the nodes find it again.
func (c cluster) apiServerGoesAndReturns() {
	c.t.Helper()
	last := c.lease("worker-2")
	c.must(c.StopAPIServer(c.t.Context()))
	if _, err := c.Kubectl(c.t.Context(), stack.Admin, "get", "nodes"); err == nil {
		c.t.Error("a stopped API server answers")
	}
	c.must(c.StartAPIServer(c.t.Context()))
	eventually(c.t, 25*time.Second, "a Lease is renewed after the API server returned", func() error {
		return c.renewed("worker-2", last)
	})
}

// alertReachesWebhook posts one alert to both Alertmanagers, which do not know of each other: both deliver it.
func (c cluster) alertReachesWebhook(delivered *atomic.Int64) {
	c.t.Helper()
	for _, url := range c.AlertmanagerURLs() {
		response, err := http.Post(url+"/api/v2/alerts", "application/json", strings.NewReader(`[{"labels":{"alertname":"test"}}]`))
		c.must(err)
		response.Body.Close()
	}
	eventually(c.t, 10*time.Second, "both Alertmanagers deliver", func() error {
		if n := delivered.Load(); n != 2 {
			return fmt.Errorf("%d deliveries", n)
		}
		return nil
	})
	if err := c.SetAlertmanagerConfig(c.t.Context(), "nonsense"); err == nil {
		c.t.Error("a configuration that is none is taken")
	}
	c.must(c.SetAlertmanagerConfig(c.t.Context(), stack.Routing{Webhooks: []string{"http://127.0.0.1:1"}}.Config()))
}

func (c cluster) usersHaveTheirRights() {
	c.t.Helper()
	for user, want := range map[string]string{stack.Admin: "yes", stack.Human: "yes", stack.Observer: "no", stack.Actor: "no"} {
		if out, _ := c.Kubectl(c.t.Context(), user, "auth", "can-i", "list", "nodes"); strings.TrimSpace(out) != want {
			c.t.Errorf("may %s list nodes: %q, want %q", user, out, want)
		}
	}
}

// deletedOnce has the audit log say who deleted a pod.
func (c cluster) deletedOnce(pod string) {
	c.t.Helper()
	events, err := c.AuditLog()
	c.must(err)
	var by []string
	for _, e := range events {
		if e.Verb == "delete" && e.Resource == "pods" && e.Name == pod {
			by = append(by, e.User)
		}
		if e.Verb == "get" || e.Verb == "list" || e.Verb == "watch" {
			c.t.Fatalf("the audit log holds a read: %+v", e)
		}
	}
	if len(by) != 1 || by[0] != stack.Admin {
		c.t.Errorf("pod %s was deleted by %v, want once by the admin", pod, by)
	}
}

// start starts a stack that stops with the test.
func start(t *testing.T, options stack.Options) *stack.Stack {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	s, err := stack.Start(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("started in %s", time.Since(began))
	t.Cleanup(func() { _ = s.Stop() })
	return s
}

// countingWebhook is a receiver that counts what it is sent.
func countingWebhook(t *testing.T) (url string, count *atomic.Int64) {
	count = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { count.Add(1) }))
	t.Cleanup(server.Close)
	return server.URL, count
}
