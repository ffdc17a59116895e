package volume

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/salvor-io/salvor/responders"
)

// source is a snapshot as its driver knows it, wherever it was taken.
type source struct {
	Driver string `json:"driver"`
	Handle string `json:"handle"`

	chosen // of another cluster, if it could be asked
	size   resource.Quantity
}

// sourceOf finds out what is imported: what the arguments say, or the snapshot of the cluster that they name, as it stands now.
func (i *Import) sourceOf(ctx context.Context, env responders.Env, args responders.Args) (source, error) {
	from := args.Text("fromCluster")
	if from == "" {
		return stated(args)
	}
	for _, name := range []string{"driver", "size"} {
		if _, given := args[name]; given {
			return source{}, fmt.Errorf("volume.import: the argument %q goes with \"handle\"; of a cluster it is read", name)
		}
	}
	if from == env.Cluster {
		return source{}, fmt.Errorf("volume.import: %s is the cluster itself; volume.restore restores there", from)
	}
	custom, err := i.clusters.Custom(from)
	if err != nil {
		return source{}, err
	}
	found, err := sought(ctx, shelf{custom}, env, args)
	if err != nil {
		return source{}, fmt.Errorf("find the snapshot in cluster %s: %w; if it cannot be asked, give driver, handle and size instead", from, err)
	}
	return found, nil
}

// stated is a source that the arguments describe.
func stated(args responders.Args) (source, error) {
	for _, name := range []string{"fromNamespace", "fromClaim", "snapshot"} {
		if _, given := args[name]; given {
			return source{}, fmt.Errorf("volume.import: the argument %q goes with \"fromCluster\"", name)
		}
	}
	if args.Text("driver") == "" || args.Text("size") == "" {
		return source{}, errors.New("volume.import: a handle needs the arguments \"driver\" and \"size\" too")
	}
	size, err := resource.ParseQuantity(args.Text("size"))
	if err != nil || size.Sign() <= 0 {
		return source{}, fmt.Errorf("volume.import: the argument \"size\" must be a quantity such as 10Gi, not %q", args.Text("size"))
	}
	return source{Driver: args.Text("driver"), Handle: args.Text("handle"), size: size}, nil
}

// sought is the snapshot of another cluster that the arguments name.
func sought(ctx context.Context, at shelf, env responders.Env, args responders.Args) (source, error) {
	namespace, claim, name := or(args.Text("fromNamespace"), args.Text("namespace")), or(args.Text("fromClaim"), args.Text("claim")), or(args.Text("snapshot"), latest)
	all, err := at.of(ctx, namespace)
	if err != nil {
		return source{}, err
	}
	picked, err := choose(all, claim, name, env)
	if err != nil {
		return source{}, err
	}
	out := source{chosen: picked}
	if out.Driver, out.Handle, err = at.handle(ctx, picked.content); err != nil {
		return source{}, err
	}
	switch {
	case out.Handle == "":
		return source{}, fmt.Errorf("%s has no handle yet", picked)
	case picked.size == nil:
		return source{}, fmt.Errorf("%s does not say how large it is", picked)
	}
	out.size = *picked.size
	return out, nil
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
