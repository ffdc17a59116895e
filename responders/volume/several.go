package volume

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// Claims brings several claims of one namespace back, each as volume.restore does: from the newest of its snapshots that was taken before the fault.
// They are restored one after the other. Claims that are there and that one workload uses together are refused: between the first and the last of
// them it would write to contents of two moments.
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
		change, err := c.one.Preview(ctx, env, only(args, name))
		if err != nil {
			return responders.Change{}, err
		}
		all = append(all, change)
	}
	if err := apart(all); err != nil {
		return responders.Change{}, err
	}
	change := together(all)
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
		slices.Sort(names)
	}
	switch {
	case len(names) == 0:
		return nil, fmt.Errorf("restore the claims of namespace %s: it has none", namespace)
	case len(names) > mostClaims:
		return nil, fmt.Errorf("restore %d claims of namespace %s: more than %d are too many for one plan; name some of them", len(names), namespace, mostClaims)
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

// apart refuses claims that are replaced and that one workload uses together.
func apart(all []responders.Change) error {
	used := map[policies.Target]string{}
	for _, change := range all {
		for _, target := range change.Targets {
			if !slices.Contains([]string{"Deployment", "ReplicaSet", "StatefulSet"}, target.Kind) || change.Nothing {
				continue
			}
			if other, twice := used[target]; twice {
				return fmt.Errorf("restore claims %s and %s: %s uses both and would write to contents of two moments in between; stop it first: kubectl -n %s scale %s/%s --replicas=0",
					other, change.Targets[0].Name, target, target.Namespace, strings.ToLower(target.Kind), target.Name)
			}
			used[target] = change.Targets[0].Name
		}
	}
	return nil
}

// together tells of all claims as of one change: the highest class, the oldest point.
func together(all []responders.Change) responders.Change {
	out := responders.Change{Responder: "claims.restore", Nothing: true}
	var commands []string
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
		if one.Command != "" {
			commands = append(commands, one.Command)
		}
	}
	out.Command = strings.Join(commands, "\n")
	return out
}

// Apply restores one claim after the other. Where one does not come back the next ones may.
func (c *Claims) Apply(ctx context.Context, env responders.Env, change responders.Change) error {
	var all []responders.Change
	if err := pinned(change, &all); err != nil {
		return err
	}
	var wrong []error
	for i, one := range all {
		if err := c.one.Apply(ctx, env, one); err != nil {
			wrong = append(wrong, err)
		}
		if err := ctx.Err(); err != nil {
			return errors.Join(append(wrong, err)...)
		}
		responders.Progress(ctx, i+1-len(wrong), len(all), "claims restored")
	}
	return errors.Join(wrong...)
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
