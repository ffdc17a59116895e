package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/placement"
)

// Restore gives nodes that came back to their cluster: it takes back what Salvor did to them in the same incident, and
// nothing that anybody else did. A node that is not ready keeps everything: where others are ready those are restored, and the step then
// fails for what is left, so that it is tried again.
type Restore struct{ clusters Clusters }

// NewRestore makes the responder node.restore.
func NewRestore(clusters Clusters) *Restore { return &Restore{clusters} }

// Spec describes node.restore.
func (r *Restore) Spec() responders.Spec {
	return responders.Spec{
		Name:   "node.restore",
		About:  "takes back what was done to nodes that are ready again: cordon, out-of-service taint and marks of this incident",
		Class:  policies.Reversible,
		Params: either(),
		OneOf:  eitherOf,
		Grants: []responders.Grant{{Resource: "nodes", Verbs: []string{"get", "list", "patch"}}},
	}
}

// Preview says what will be taken back. A node that is gone has nothing to take back; its target then has no UID. Where nothing can be
// taken back that has to be, since none of the nodes is ready, it is an error.
func (r *Restore) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := r.Spec().Check(args); err != nil {
		return responders.Change{}, err
	}
	client, err := r.clusters.Reader(env.Cluster)
	if err != nil {
		return responders.Change{}, err
	}
	change := responders.Change{Responder: "node.restore", Nothing: true, DurationS: 1}
	nodes, err := restorable(ctx, client, args, &change)
	if err != nil {
		return responders.Change{}, err
	}
	var commands []string
	var unready error
	for _, node := range nodes {
		command, err := foreseeRestore(node, env, &change)
		commands, unready = append(commands, command...), cmp.Or(unready, err)
	}
	if len(commands) == 0 && unready != nil {
		return responders.Change{}, unready
	}
	change.Command = strings.Join(commands, " && ")
	return change, nil
}

// restorable are the nodes that are there. Those that are gone, or a zone of which all are, are targets with nothing to take back.
func restorable(ctx context.Context, client kubernetes.Interface, args responders.Args, change *responders.Change) ([]*corev1.Node, error) {
	if zone := args.Text(zoneParam.Name); zone != "" {
		nodes, err := aimed(ctx, client, args)
		if err == nil && len(nodes) == 0 {
			nothingLeft(change, policies.Target{Kind: "Zone", Name: zone})
		}
		return nodes, err
	}
	var nodes []*corev1.Node
	for _, name := range args.Names(nodesParam.Name) {
		found, err := read(ctx, client, []string{name})
		switch {
		case apierrors.IsNotFound(err):
			nothingLeft(change, policies.Target{Kind: "Node", Name: name})
		case err != nil:
			return nil, err
		}
		nodes = append(nodes, found...)
	}
	return nodes, nil
}

func nothingLeft(change *responders.Change, gone policies.Target) {
	change.Targets = append(change.Targets, gone)
	change.Will = append(change.Will, gone.Name+" is gone: there is nothing to take back")
}

// foreseeRestore adds one node to the change and returns the commands that do the same. The error says that it is not ready.
func foreseeRestore(node *corev1.Node, env responders.Env, change *responders.Change) ([]string, error) {
	change.Targets = append(change.Targets, targetOf(node))
	_, will, commands := takeBack(node, env.Incident)
	if len(will) == 0 {
		change.Will = append(change.Will, "nothing on "+node.Name+" is of this incident")
		return nil, nil
	}
	change.Nothing, change.Class = false, policies.Reversible
	if err := demandReady(node); err != nil {
		change.Will = append(change.Will, node.Name+" is not ready yet: it keeps what was done to it until it is")
		return nil, err
	}
	change.Will = append(change.Will, node.Name+" "+sentence(will))
	return commands, nil
}

// errUnready says that a node cannot be given back yet.
var errUnready = errors.New("it is not ready; bring it up first")

func demandReady(node *corev1.Node) error {
	if placement.IsReady(node) {
		return nil
	}
	return fmt.Errorf("restore node %s: %w", node.Name, errUnready)
}

// takeBack is the amendment that undoes what the incident did, what that means, and the commands that do the same. The
// amendment is nil when nothing is of the incident. A claim is only good while the state it is about is still there.
func takeBack(node *corev1.Node, incident string) (a *amendment, will, commands []string) {
	a = &amendment{}
	if node.Annotations[CordonedAnnotation] == incident {
		a.unannotate(CordonedAnnotation)
		if node.Spec.Unschedulable {
			a.Spec.Unschedulable = new(false)
			will, commands = append(will, "takes pods again"), append(commands, "kubectl uncordon "+node.Name)
		}
	}
	if node.Annotations[ReleasedAnnotation] == incident {
		a.unannotate(ReleasedAnnotation)
		if taintOf(node, outOfService.Key) != nil {
			taints := without(node.Spec.Taints, outOfService.Key)
			a.Spec.Taints = &taints
			will = append(will, "is in service again")
			commands = append(commands, "kubectl taint node "+node.Name+" "+outOfService.ToString()+"-")
		}
	}
	if _, ours := fencedFor(node, incident); ours {
		a.unannotate(FencedAnnotation)
	}
	if len(a.Metadata.Annotations) == 0 {
		return nil, nil, nil
	}
	marks := make([]string, 0, len(a.Metadata.Annotations))
	for key := range a.Metadata.Annotations {
		marks = append(marks, key+"-")
	}
	slices.Sort(marks)
	return a, append(will, "loses the marks of this incident"),
		append(commands, "kubectl annotate node "+node.Name+" "+strings.Join(marks, " "))
}

func without(taints []corev1.Taint, key string) []corev1.Taint {
	kept := []corev1.Taint{}
	for _, taint := range taints {
		if taint.Key != key {
			kept = append(kept, taint)
		}
	}
	return kept
}

// Apply takes back, in one write a node, what the incident did to it, of all nodes that are ready now. That one is not is an error, once
// the others are restored.
func (r *Restore) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	if change.Nothing {
		return nil
	}
	client, err := r.clusters.Writer(env.Cluster)
	if err != nil {
		return err
	}
	var unready error
	for n, target := range change.Targets {
		err := amend(ctx, client, target, func(node *corev1.Node) (*amendment, error) {
			a, _, _ := takeBack(node, env.Incident)
			if a == nil {
				return nil, nil
			}
			return a, demandReady(node)
		})
		switch {
		case errors.Is(err, errUnready):
			unready = cmp.Or(unready, err)
		case err != nil && !errors.Is(err, errGone):
			return fmt.Errorf("restore: %w", err)
		}
		responders.Progress(ctx, n+1, len(change.Targets), "nodes looked at")
	}
	return unready
}

// Verify looks whether anything of the incident is left on the nodes. A node that is gone has nothing left on it.
func (r *Restore) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	client, err := r.clusters.Reader(env.Cluster)
	if err != nil {
		return unknown(err)
	}
	var missing []string
	for _, target := range change.Targets {
		node, err := lookUp(ctx, client, target)
		if errors.Is(err, errGone) {
			continue
		}
		if err != nil {
			return unknown(err)
		}
		if a, _, _ := takeBack(node, env.Incident); a != nil {
			missing = append(missing, "marks of this incident are left on "+node.Name)
		}
	}
	return responders.FindingOf(len(change.Targets), missing), nil
}
