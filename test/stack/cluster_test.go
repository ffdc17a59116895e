package stack_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/salvor-io/salvor/test/stack"
)

// eventually looks every 200 ms whether check succeeds.
func eventually(t *testing.T, limit time.Duration, what string, check func() error) {
	t.Helper()
	began := time.Now()
	for {
		err := check()
		if err == nil {
			t.Logf("%s after %.1f s", what, time.Since(began).Seconds())
			return
		}
		if time.Since(began) > limit {
			t.Fatalf("%s: not within %s: %v", what, limit, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// alive returns those of the processes that have not ended.
func alive(pids []int) []int {
	var left []int
	for _, pid := range pids {
		if !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			left = append(left, pid)
		}
	}
	return left
}

// cluster is a stack as the tests look at it.
type cluster struct {
	t *testing.T
	*stack.Stack
}

// pod is what the tests read of a pod.
type pod struct {
	Metadata struct{ Name, UID, DeletionTimestamp string }
	Spec     struct{ NodeName string }
	Status   struct{ Phase string }
}

func (c cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c cluster) kubectl(args ...string) string {
	c.t.Helper()
	out, err := c.Kubectl(c.t.Context(), stack.Admin, args...)
	c.must(err)
	return out
}

func (c cluster) pod(name string) pod {
	c.t.Helper()
	var p pod
	c.must(json.Unmarshal([]byte(c.kubectl("get", "pod", name, "-o", "json")), &p))
	return p
}

func (c cluster) pods(selector string) []pod {
	c.t.Helper()
	var list struct{ Items []pod }
	c.must(json.Unmarshal([]byte(c.kubectl("get", "pods", "-l", selector, "-o", "json")), &list))
	return list.Items
}

// running succeeds when as many pods run that nobody deletes.
func (c cluster) running(selector string, want int) error {
	c.t.Helper()
	n := 0
	for _, p := range c.pods(selector) {
		if p.Status.Phase == "Running" && p.Metadata.DeletionTimestamp == "" {
			n++
		}
	}
	if n != want {
		return fmt.Errorf("%d of %d pods run", n, want)
	}
	return nil
}

// lease is when the Lease of a node was renewed last.
func (c cluster) lease(node string) string {
	c.t.Helper()
	return c.kubectl("get", "lease", node, "-n", "kube-node-lease", "-o", "jsonpath={.spec.renewTime}")
}

func (c cluster) renewed(node, since string) error {
	c.t.Helper()
	if now := c.lease(node); now <= since {
		return fmt.Errorf("the Lease of %s is from %s", node, now)
	}
	return nil
}

// ready succeeds when the Ready condition of a node has the wanted status.
func (c cluster) ready(node, want string) error {
	c.t.Helper()
	is := c.kubectl("get", "node", node, "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status}`)
	if is != want {
		return fmt.Errorf("Ready of %s is %s", node, is)
	}
	return nil
}

// alive says whether the process behind a node runs.
func (c cluster) alive(node string) bool {
	c.t.Helper()
	status, err := c.Status(c.t.Context())
	c.must(err)
	for _, n := range status.Nodes {
		if n.Name == node {
			return n.Alive
		}
	}
	c.t.Fatalf("no node %s", node)
	return false
}

// status logs the memory of all processes and returns their ids.
func (c cluster) status() (pids []int) {
	c.t.Helper()
	status, err := c.Status(c.t.Context())
	c.must(err)
	for _, p := range status.Processes {
		c.t.Logf("%-24s pid %d, %d MiB", p.Name, p.PID, p.RSS>>20)
		pids = append(pids, p.PID)
	}
	return pids
}

// power asks a node's power switch and returns the status and the power it claims, or zero if it did not answer in time.
func (c cluster) power(method, node, action string) (code int, power string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, c.PowerURL()+"/nodes/"+node+action, nil)
	c.must(err)
	request.Header.Set("Authorization", "Bearer "+c.PowerToken())
	response, err := http.DefaultClient.Do(request)
	if errors.Is(err, context.DeadlineExceeded) {
		return 0, ""
	}
	c.must(err)
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	c.must(err)
	var answer struct{ Node, Power string }
	c.must(json.Unmarshal(data, &answer))
	return response.StatusCode, answer.Power
}
