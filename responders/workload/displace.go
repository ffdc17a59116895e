package workload

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Displace deletes the stateless pods of silent nodes, gracefully, so that their controllers replace them at once. It is
// what Kubernetes does by itself after five minutes.
//
// It deletes and does not evict: an eviction counts the dead pods of a silent node against their disruption budget and is
// refused exactly when it is needed. It never overrides the grace period: the pod object stays until the node confirms or
// is put out of service, so nothing here claims that the old copy has stopped.
type Displace struct{ clusters Clusters }

// NewDisplace makes the responder workload.displace.
func NewDisplace(clusters Clusters) *Displace { return &Displace{clusters} }

// displacing is what the plan pinned beside the pods.
type displacing struct {
	Nodes  []string    `json:"nodes"`
	Owners []types.UID `json:"owners,omitempty"` // the controllers whose stateless pods leave, where pods are too many to be named each
	Pods   int         `json:"pods,omitempty"`   // how many those were
}

// Spec describes workload.displace.
func (d *Displace) Spec() responders.Spec {
	return responders.Spec{
		Name:  "workload.displace",
		About: "deletes the stateless pods of silent nodes, gracefully, so that their controllers replace them elsewhere",
		Class: policies.Disruptive,
		Params: []responders.Param{
			{Name: "nodes", Type: responders.ParamNames, Required: true, About: "names of the nodes"},
			{Name: "only", Type: responders.ParamString, Required: true, About: "which pods; the one value is stateless"},
		},
		Grants: []responders.Grant{
			{Resource: "nodes", Verbs: []string{"get"}},
			{Resource: "pods", Verbs: []string{"list", "delete"}},
		},
	}
}

// Preview names the pods that leave, and says which stay and why.
func (d *Displace) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := d.Spec().Check(args); err != nil {
		return responders.Change{}, err
	}
	if only := args.Text("only"); only != "stateless" {
		return responders.Change{}, fmt.Errorf("workload.displace: the argument \"only\" must be stateless, not %q", only)
	}
	client, err := d.clusters.Reader(env.Cluster)
	if err != nil {
		return responders.Change{}, err
	}
	nodes, pods, err := readNodes(ctx, client, args.Names("nodes"))
	if err != nil {
		return responders.Change{}, err
	}
	leaving, staying := sortOut(pods)
	change := responders.Change{Responder: "workload.displace", Targets: nodes, Nothing: true,
		Will: append(willOf(leaving), staysOf(staying)...)}
	facts := displacing{Nodes: args.Names("nodes")}
	if len(leaving) > 0 {
		change.Class, change.Nothing, change.DurationS = policies.Disruptive, false, 5
		change.Targets, change.Command = targetsOf(leaving), deleteCommand(leaving)
	}
	if len(leaving) > maxTargets {
		owners := controllersOf(leaving)
		change.Targets, facts.Owners, facts.Pods = slices.Concat(nodes, owners), uidsOf(owners), len(leaving)
		change.Command = "delete the stateless pods on " + strings.Join(facts.Nodes, " ") + " gracefully"
	}
	if len(change.Targets) > maxAwaited {
		return responders.Change{}, fmt.Errorf("displace pods of %s: they are of %d nodes and controllers, more than %d in one step; do it in parts",
			strings.Join(facts.Nodes, ", "), len(change.Targets), maxAwaited)
	}
	return change, pin(&change, facts)
}

func uidsOf(targets []policies.Target) []types.UID {
	var uids []types.UID
	for _, t := range targets {
		uids = append(uids, types.UID(t.UID))
	}
	return uids
}

func readNodes(ctx context.Context, client kubernetes.Interface, names []string) ([]policies.Target, []corev1.Pod, error) {
	var nodes []policies.Target
	for _, name := range names {
		node, err := readNode(ctx, client, name)
		if err != nil {
			return nil, nil, err
		}
		nodes = append(nodes, node)
	}
	pods, err := podsOn(ctx, client, names)
	return nodes, pods, err
}

// Apply deletes those of the pods that are still there and not on their way out, a few at a time.
func (d *Displace) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	if change.Nothing {
		return nil
	}
	client, err := d.clusters.Writer(env.Cluster)
	if err != nil {
		return err
	}
	left, _, err := remaining(ctx, client, change)
	if err != nil {
		return err
	}
	var done atomic.Int32
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for _, pod := range left {
		group.Go(func() error {
			err := remove(ctx, client, pod)
			responders.Progress(ctx, int(done.Add(1)), len(left), "pods displaced")
			return err
		})
	}
	return group.Wait()
}

// remove deletes the very pod, with the grace period it asked for. A pod that went away meanwhile is as good.
func remove(ctx context.Context, client kubernetes.Interface, pod policies.Target) error {
	if err := responders.Guard(ctx); err != nil {
		return fmt.Errorf("delete %s: %w", pod, err)
	}
	uid := types.UID(pod.UID)
	err := client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return fmt.Errorf("delete %s: %w", pod, err)
}

// remaining are the pods of the plan that run on as if nothing had happened, and how many the plan is about.
func remaining(ctx context.Context, client kubernetes.Interface, change responders.Change) (left []policies.Target, of int, err error) {
	var facts displacing
	if err := pinned(change, &facts); err != nil {
		return nil, 0, err
	}
	pods, err := podsOn(ctx, client, facts.Nodes)
	if err != nil {
		return nil, 0, err
	}
	named := map[string]bool{}
	for _, target := range change.Targets {
		named[target.UID] = true
	}
	pods = slices.DeleteFunc(pods, func(pod corev1.Pod) bool {
		owned := isDisplaceable(pod) && slices.Contains(facts.Owners, types.UID(ownerUID(&pod)))
		return isTerminating(pod) || !owned && !named[string(pod.UID)]
	})
	left, of = targetsOf(pods), len(change.Targets)
	if facts.Pods > 0 {
		of = max(facts.Pods, len(left))
	}
	return left, of, nil
}

// Verify looks whether all of the pods are gone or on their way out.
func (d *Displace) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	client, err := d.clusters.Reader(env.Cluster)
	if err != nil {
		return unknown(err)
	}
	left, of, err := remaining(ctx, client, change)
	if err != nil {
		return unknown(err)
	}
	var missing []string
	for _, pod := range left {
		missing = append(missing, pod.String()+" runs on as before")
	}
	return responders.FindingOf(of, missing), nil
}
