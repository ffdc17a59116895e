package volume

import (
	"context"
	"errors"
	"slices"
)

// swaps are restores of several claims that belong to one plan.
type swaps []swap

// split tells those that replace a claim from those that bring back one that is gone.
func (all swaps) split() (replacing, bringing swaps) {
	for _, s := range all {
		if s.Beside == nil {
			bringing = append(bringing, s)
		} else {
			replacing = append(replacing, s)
		}
	}
	return replacing, bringing
}

// prepare restores all beside and has them compared, so that nothing but to replace the claims is left. The storage makes all volumes at a time, and all
// jobs run at a time.
func (all swaps) prepare(ctx context.Context) error {
	for _, stage := range []int{boundStage, comparedStage, exchangeStage} {
		if err := all.reach(ctx, stage); err != nil {
			return err
		}
	}
	return nil
}

// reach brings all to a stage before any goes further. Where one cannot get there the others still do, and it is an error.
func (all swaps) reach(ctx context.Context, stage int) error {
	var wrong []error
	for _, s := range all {
		if err := drive(ctx, swapStages, s.until(stage)); err != nil {
			wrong = append(wrong, err)
		}
	}
	return errors.Join(wrong...)
}

// end replaces all claims, and only then starts what was stopped. Where one of them is not replaced nothing is started: it could write to contents of
// two moments.
func (all swaps) end(ctx context.Context) error {
	if err := all.reach(ctx, startStage); err != nil {
		return err
	}
	return all.reach(ctx, swapStages)
}

// groups are the swaps that have to end together, since they stop the same workloads.
func (all swaps) groups() []swaps {
	var out []swaps
	for _, s := range all {
		group := swaps{s}
		out = slices.DeleteFunc(out, func(other swaps) bool {
			shares := other.share(s)
			if shares {
				group = append(other, group...)
			}
			return shares
		})
		out = append(out, group)
	}
	return out
}

// share says whether a swap stops a workload that one of these stops.
func (all swaps) share(s swap) bool {
	return slices.ContainsFunc(all, func(other swap) bool {
		return slices.ContainsFunc(other.Owners, func(a workload) bool {
			return slices.ContainsFunc(s.Owners, func(b workload) bool { return a.Target.UID == b.Target.UID })
		})
	})
}
