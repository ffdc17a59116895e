package node

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

func TestNodesOrAZone(t *testing.T) {
	b := newBench(t, aNode("a"))
	for _, c := range []struct {
		args responders.Args
		says string
	}{
		{responders.Args{}, "node.cordon needs exactly one of the arguments nodes, zone"},
		{responders.Args{"nodes": []string{"a"}, "zone": "a"}, "node.cordon needs exactly one of the arguments nodes, zone"},
		{responders.Args{"zone": "b"}, "no node is in zone b"},
	} {
		_, err := NewCordon(b.clusters).Preview(t.Context(), env, c.args)
		b.wantError(err, c.says)
	}
}

// TestReleaseSparesWhatGainsNothing: volumes that can be used in the zone alone are not detached by force for pods that could not use them
// elsewhere.
func TestReleaseSparesWhatGainsNothing(t *testing.T) {
	hosted := aPod("a", "web", "ReplicaSet")
	hosted.Spec.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{}}}}
	alone := aPod("a", "alone", "StatefulSet")
	alone.OwnerReferences = nil
	for name, c := range map[string]struct {
		holds  []runtime.Object
		spared bool
	}{
		"nothing":                   {nil, true},
		"a volume of the zone":      {[]runtime.Object{aPod("a", "db-0", "StatefulSet", "data"), aVolume("data", "a"), aClaim("data")}, true},
		"one of the zone, one not":  {[]runtime.Object{aPod("a", "db-0", "StatefulSet", "data", "log"), aVolume("data", "a"), aClaim("data"), aVolume("log", "elsewhere"), aClaim("log")}, true},
		"a volume of two zones":     {[]runtime.Object{aPod("a", "db-0", "StatefulSet", "data"), aVolume("data", "elsewhere"), aClaim("data")}, false},
		"a claim without a volume":  {[]runtime.Object{aPod("a", "db-0", "StatefulSet", "data"), aClaim("data")}, false},
		"a StatefulSet, no volume":  {[]runtime.Object{aPod("a", "cache-0", "StatefulSet")}, false},
		"what is displaced anyway":  {[]runtime.Object{aPod("a", "web", "ReplicaSet")}, true},
		"what is not, for a volume": {[]runtime.Object{hosted}, false},
		"a Job":                     {[]runtime.Object{aPod("a", "work", "Job")}, false},
		"what nobody replaces":      {[]runtime.Object{alone}, true},
		"what is of the node":       {[]runtime.Object{aPod("a", "log", "DaemonSet"), aPod("a", "static", "Node")}, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, append(c.holds, aNode("a"), aNode("c", elsewhere), anAttachment("a"))...)
			b.power.off = true
			r := NewRelease(b.clusters, b.switches())
			change, err := r.Preview(t.Context(), env, responders.Args{"nodes": []string{"a"}, "outOf": "a"})
			if err != nil || change.Nothing != c.spared || strings.Contains(change.Will[0], "nothing on it could run outside zone a") != c.spared {
				t.Fatalf("error %v, the change is %+v", err, change)
			}
			if err := r.Apply(b.allowed(), env, change); err != nil || (taintOf(b.node("a"), outOfService.Key) == nil) != c.spared {
				t.Errorf("error %v, taints %v", err, b.node("a").Spec.Taints)
			}
		})
	}
}

// TestOneNodeHoldsNoOtherUp: of a zone, what cannot be done to one node is done to the others all the same.
func TestOneNodeHoldsNoOtherUp(t *testing.T) {
	b := newBench(t, aNode("a", shutDown), aNode("b"), aNode("c", shutDown), aPod("a", "x-0", "StatefulSet"), aPod("b", "x-1", "StatefulSet"), aPod("c", "x-2", "StatefulSet"))
	r := NewRelease(b.clusters, nil)
	change := b.preview(r, "a", "b", "c")
	b.wantError(r.Apply(b.allowed(), env, change), "node b keeps its volumes")
	var out []string
	for _, name := range []string{"a", "b", "c"} {
		if taintOf(b.node(name), outOfService.Key) != nil {
			out = append(out, name)
		}
	}
	if diff := cmp.Diff([]string{"a", "c"}, out); diff != "" {
		t.Error(diff)
	}
}

func TestSeveralErrorsAreOneLine(t *testing.T) {
	err := error(several{errPower, errPower, context.Canceled, errGone, errGone})
	if got := err.Error(); got != "the switch has lost its mind; the switch has lost its mind; context canceled; and 2 more" || !errors.Is(err, errGone) || !errors.Is(err, context.Canceled) {
		t.Errorf("it says %q", got)
	}
}

// TestRestoreGivesBackWhatIsReady: a zone that returns node by node is given back so; what is left is tried again.
func TestRestoreGivesBackWhatIsReady(t *testing.T) {
	ours := annotated(CordonedAnnotation, "inc-1")
	b := newBench(t, aNode("a", cordoned, ours, ready), aNode("b", cordoned, ours), aNode("c", cordoned, ours, ready))
	r := NewRestore(b.clusters)
	zone := responders.Args{"zone": "a"}
	change, err := r.Preview(t.Context(), env, zone)
	if err != nil || change.Will[1] != "b is not ready yet: it keeps what was done to it until it is" {
		t.Fatalf("error %v, the change is %+v", err, change)
	}
	b.wantError(r.Apply(b.allowed(), env, change), "restore node b: it is not ready")
	var left []string
	for _, name := range []string{"a", "b", "c"} {
		if b.node(name).Spec.Unschedulable {
			left = append(left, name)
		}
	}
	if diff := cmp.Diff([]string{"b"}, left); diff != "" {
		t.Error(diff)
	}
	_, err = r.Preview(t.Context(), env, zone)
	b.wantError(err, "restore node b: it is not ready; bring it up first")
}

// TestReleaseOfAZoneAsksOnce: the volumes of thousands of nodes are one list, however many of the nodes are looked at.
func TestReleaseOfAZoneAsksOnce(t *testing.T) {
	b := newBench(t, aNode("a", shutDown), aNode("b", shutDown), aNode("c", shutDown), aPod("a", "x-0", "StatefulSet"), anAttachment("b"))
	asks := counted{RoundTripper: b.server, of: "/volumeattachments"}
	config := b.server.Config()
	config.Transport = &asks
	clusters, err := (&responderstest.Tape{}).Clusters(config, config)
	if err != nil {
		t.Fatal(err)
	}
	r := NewRelease(clusters, nil)
	change, err := r.Preview(t.Context(), env, named("a", "b", "c"))
	if err != nil {
		t.Fatal(err)
	}
	foreseen := asks.n.Load()
	if _, err := r.Verify(t.Context(), env, change); err != nil || foreseen != 1 || asks.n.Load() != 2 {
		t.Errorf("error %v, volume attachments are listed %d times to foresee it, %d times with its verification", err, foreseen, asks.n.Load())
	}
}

// counted counts requests.
type counted struct {
	http.RoundTripper
	of string // what their paths end with
	n  atomic.Int32
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, c.of) {
		c.n.Add(1)
	}
	return c.RoundTripper.RoundTrip(r)
}

// TestTheLastZoneIsNotCordoned: a zone that a person declared lost may be the only one that takes pods, or become it when another one is cordoned.
func TestTheLastZoneIsNotCordoned(t *testing.T) {
	zone := responders.Args{"zone": "a"}
	b := newBench(t, aNode("a", ready), aNode("c", elsewhere, ready, cordoned))
	r := NewCordon(b.clusters)
	_, err := r.Preview(t.Context(), env, zone)
	b.wantError(err, "cordon zone a: no node outside of it takes pods")

	b = newBench(t, aNode("a", ready), aNode("c", elsewhere, ready))
	r = NewCordon(b.clusters)
	change, err := r.Preview(t.Context(), env, zone)
	if err != nil {
		t.Fatal(err)
	}
	b.patch("c", map[string]any{"spec": map[string]any{"unschedulable": true}})
	before := b.node("a")
	b.wantError(r.Apply(b.allowed(), env, change), "no node outside of it takes pods")
	b.wantUntouched(before)
	b.patch("c", map[string]any{"spec": map[string]any{"unschedulable": nil}})
	if err := r.Apply(b.allowed(), env, change); err != nil || !b.node("a").Spec.Unschedulable {
		t.Errorf("error %v, cordoned %t", err, b.node("a").Spec.Unschedulable)
	}
}
