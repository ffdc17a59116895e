package volume

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Claims brings several claims of one namespace back, each as volume.restore does: from the newest of its snapshots that was taken before the fault.
// All are restored beside and compared before the first one is replaced. Workloads that share claims are stopped until the last of these is replaced:
// none of them writes to contents of two moments.
type Claims struct{ one *Restore }

// NewClaims makes the responder claims.restore.
func NewClaims(clusters Clusters) *Claims { return &Claims{NewRestore(clusters)} }

// mostClaims bounds the claims of one plan.
const mostClaims = 50

// Spec describes claims.restore.
func (c *Claims) Spec() responders.Spec {
	one := c.one.Spec()
	grants := slices.Clone(one.Grants)
	for i, grant := range grants {
		if grant.Resource == claimKind.Resource {
			grants[i].Verbs = []string{"get", "list", "create", "delete"}
		}
	}
	params := []responders.Param{{Name: "claims", Type: responders.ParamNames, About: "names of the claims; all of the namespace if not given"}}
	for _, param := range one.Params {
		if param.Name != "claim" && param.Name != "snapshot" {
			params = append(params, param)
		}
	}
	return responders.Spec{Name: "claims.restore", Class: policies.Destructive, Params: params, Grants: grants,
		About: "restores several claims of one namespace, each from the newest CSI snapshot from before the fault, as volume.restore does"}
}

// Preview previews each claim, and refuses all where one cannot be restored: a part of what is lost is not brought back as if it were all.
func (c *Claims) Preview(ctx context.Context, env responders.Env, args responders.Args) (responders.Change, error) {
	if err := c.Spec().Check(args); err != nil {
		return responders.Change{}, err
	}
	names, err := c.names(ctx, env, args)
	if err != nil {
		return responders.Change{}, err
	}
	var all []responders.Change
	for _, name := range names {
		change, err := c.one.preview(ctx, env, only(args, name), token(env, args.Text("namespace")))
		if err != nil {
			return responders.Change{}, err
		}
		all = append(all, change)
	}
	change, err := together(all)
	if err != nil {
		return change, err
	}
	return change, pin(&change, all)
}

// names are the claims that are asked for, or those that there are.
func (c *Claims) names(ctx context.Context, env responders.Env, args responders.Args) ([]string, error) {
	names, namespace := args.Names("claims"), args.Text("namespace")
	if len(names) == 0 {
		if err := named("claims.restore", "namespace", namespace, namespaceName); err != nil {
			return nil, err
		}
		reader, err := c.one.clusters.Reader(env.Cluster)
		if err != nil {
			return nil, err
		}
		list, err := reader.CoreV1().PersistentVolumeClaims(namespace).List(ctx, metav1.ListOptions{Limit: most})
		if err != nil {
			return nil, fmt.Errorf("list the claims of namespace %s: %w", namespace, err)
		}
		for _, claim := range list.Items {
			if token := claim.Labels[ForLabel]; token == "" || !strings.HasSuffix(claim.Name, "-salvor-"+token) { // one beside is no claim of the namespace's
				names = append(names, claim.Name)
			}
		}
		begun, err := c.begun(ctx, env, reader, namespace)
		if err != nil {
			return nil, err
		}
		names = append(names, begun...)
		slices.Sort(names)
		names = slices.Compact(names)
	}
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("restore the claims of namespace %s: it has none", namespace)
	case len(names) > mostClaims:
		return nil, fmt.Errorf("restore %d claims of namespace %s: more than %d are too many for one plan; name some of them", len(names), namespace, mostClaims)
	}
	return names, nil
}

// begun are the claims of a namespace that this step has begun to replace. One of them may be deleted and not made again yet.
func (c *Claims) begun(ctx context.Context, env responders.Env, reader kubernetes.Interface, namespace string) (names []string, err error) {
	list, err := reader.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{LabelSelector: ForLabel})
	if err != nil {
		return nil, fmt.Errorf("list the volumes of this step: %w", err)
	}
	for _, volume := range list.Items {
		var facts restoring
		if json.Unmarshal([]byte(volume.Annotations[RestoreAnnotation]), &facts) == nil && facts.Namespace == namespace && volume.Labels[ForLabel] == token(env, namespace, facts.Claim) {
			names = append(names, facts.Claim)
		}
	}
	return names, nil
}

// only are the arguments of volume.restore for one claim.
func only(args responders.Args, claim string) responders.Args {
	one := responders.Args{"claim": claim}
	for key, value := range args {
		if key != "claims" {
			one[key] = value
		}
	}
	return one
}

// together tells of all claims as of one change: the highest class, the oldest point.
func together(all []responders.Change) (responders.Change, error) {
	out := responders.Change{Responder: "claims.restore", Nothing: true}
	var left []restoring
	for _, one := range all {
		out.Nothing, out.Class, out.DurationS = out.Nothing && one.Nothing, max(out.Class, one.Class), out.DurationS+one.DurationS
		out.Will, out.Warnings, out.Facts = append(out.Will, one.Will...), append(out.Warnings, one.Warnings...), append(out.Facts, one.Facts...)
		for _, target := range one.Targets {
			if !slices.Contains(out.Targets, target) {
				out.Targets = append(out.Targets, target)
			}
		}
		if one.Point != nil && (out.Point == nil || one.Point.At.Before(out.Point.At)) {
			out.Point, out.DataLoss = one.Point, one.DataLoss
		}
		if one.Nothing {
			continue
		}
		var facts restoring
		if err := pinned(one, &facts); err != nil {
			return out, err
		}
		left = append(left, facts)
	}
	var err error
	out.Command, err = commands(left...)
	return out, err
}

// Apply restores all beside, has them compared, and replaces them. Where something speaks against one of them before that, all is as it was. Claims that are
// gone come back last: who waits for one of them may use a replaced one, too.
func (c *Claims) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	all, err := c.open(env, change)
	if err != nil {
		return err
	}
	replacing, bringing := all.split()
	if err := replacing.prepare(ctx); err != nil {
		return err
	}
	if err := replacing.replace(ctx); err != nil {
		return err
	}
	return errors.Join(bringing.reach(ctx, swapStages), replacing.reach(ctx, swapStages))
}

// open makes the swaps that the change pinned and that are left to do.
func (c *Claims) open(env responders.Env, change responders.Change) (swaps, error) {
	var all []responders.Change
	if err := pinned(change, &all); err != nil {
		return nil, err
	}
	var out swaps
	for _, one := range all {
		if one.Nothing {
			continue
		}
		s, err := c.one.open(env, one, openToAct)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// Verify looks at each claim as volume.restore does.
func (c *Claims) Verify(ctx context.Context, env responders.Env, change responders.Change) (responders.Finding, error) {
	var all []responders.Change
	if err := pinned(change, &all); err != nil {
		return unknown(err)
	}
	var lacking, said []string
	for _, one := range all {
		found, err := c.one.Verify(ctx, env, one)
		if err != nil {
			return unknown(err)
		}
		if found.Outcome != responders.OutcomeVerified {
			lacking = append(lacking, found.Detail...)
			continue
		}
		said = append(said, found.Detail...)
	}
	found := responders.FindingOf(len(all), lacking)
	if found.Outcome == responders.OutcomeVerified {
		found.Detail = said[:min(len(said), 20)]
	}
	return found, nil
}
