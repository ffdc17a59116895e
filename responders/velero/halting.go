package velero

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// longestHalt is how long before the end of a step at most its data movers are told to stop: nobody may write for it afterwards.
const longestHalt = 15 * time.Second

// follow watches a Restore or a Backup to its end, as watch does. Where that does not come in time its data movers are told to stop: they would
// write on for hours when nobody expects them any more.
func (w world) follow(ctx context.Context, kind schema.GroupVersionResource, o *unstructured.Unstructured, tell func(progress)) (*unstructured.Unstructured, progressStatus, error) {
	inTime, cancel := ctx, func() {}
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		inTime, cancel = context.WithDeadline(ctx, deadline.Add(-min(longestHalt, left/10)))
	}
	defer cancel()
	o, status, err := w.watch(inTime, kind, o, tell)
	if err == nil || inTime.Err() == nil || ctx.Err() != nil {
		return o, status, err
	}
	halted := 0
	wrong := until(ctx, "tell its data movers to stop", func(ctx context.Context) (done bool, err error) {
		var left int
		halted, left, err = w.halt(ctx, kind, o.GetNamespace(), o.GetName())
		return left == 0, err
	})
	if halted > 0 {
		err = fmt.Errorf("%w; %d of its data movers had not ended and were told to stop", err, halted)
	}
	return o, status, errors.Join(err, wrong)
}

// halt tells the data movers of a Restore or a Backup to stop, and says how many have not ended, and how many of these it is yet to tell since
// they moved in that moment. They end by themselves some time after.
func (w world) halt(ctx context.Context, of schema.GroupVersionResource, namespace, name string) (running, untold int, err error) {
	kind, label := dataDownloads, restoreLabel
	if of == backups {
		kind, label = dataUploads, backupLabel
	}
	err = each(ctx, w.reader, kind, namespace, label+"="+name, func(o *unstructured.Unstructured) error {
		told, _, _ := unstructured.NestedBool(o.Object, "spec", "cancel")
		if !isMoving(o) {
			return nil
		}
		if running++; told {
			return nil
		}
		err := w.amend(ctx, kind, o, map[string]any{"spec": map[string]any{"cancel": true}})
		if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
			untold++
			return nil
		}
		return err
	})
	if errors.Is(err, ErrNotInstalled) { // a Velero that moves no data has none of it
		return 0, 0, nil
	}
	return running, untold, err
}

// isMoving says that a data mover has not ended.
func isMoving(o *unstructured.Unstructured) bool {
	phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
	return phase != "Completed" && phase != "Failed" && phase != "Canceled"
}
