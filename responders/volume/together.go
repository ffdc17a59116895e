package volume

import (
	"context"
	"errors"
	"slices"
)

// swaps are restores of several claims that belong to one plan. They are one unit: a workload may use any of them, also one that no pod uses just now.
type swaps []swap

// prepare restores all beside and has them compared, so that nothing but to replace the claims is left. The storage makes all volumes at a time, and all
// jobs run at a time. No claim beside is given up before all have compared well.
func (all swaps) prepare(ctx context.Context) error {
	for _, stage := range []int{boundStage, comparedStage, heldStage, exchangeStage} {
		if err := all.reach(ctx, stage); err != nil {
			return err
		}
	}
	return nil
}

// replace stops who uses any of the claims, and replaces them once nobody uses one. Where one is not replaced nothing is started: it could write to contents of two moments.
func (all swaps) replace(ctx context.Context) error {
	if err := all.reach(ctx, deleteStage); err != nil {
		return err
	}
	return all.reach(ctx, startStage)
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

// split tells those that replace a claim from those that bring back one that is gone. Each of the former stops the workloads of all.
func (all swaps) split() (replacing, bringing swaps) {
	var owners []workload
	for _, s := range all {
		if s.Beside == nil {
			bringing = append(bringing, s)
			continue
		}
		replacing = append(replacing, s)
		for _, of := range s.Owners {
			if !slices.Contains(owners, of) {
				owners = append(owners, of)
			}
		}
	}
	for i := range replacing {
		replacing[i].Owners = owners
	}
	return replacing, bringing
}
