package velero

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/point"
)

// progressStatus is what is read of the status of a Restore or a Backup.
type progressStatus struct {
	Phase            string   `json:"phase"`
	FailureReason    string   `json:"failureReason"`
	ValidationErrors []string `json:"validationErrors"`
	Errors           int      `json:"errors"`
	Progress         progress `json:"progress"`
}

// refusal says why Velero did not carry a Restore or a Backup out at all; what is the kind and the name.
func (s progressStatus) refusal(what string) error {
	switch s.Phase {
	case "FailedValidation":
		return fmt.Errorf("%s: Velero refuses it: %s", what, line(strings.Join(s.ValidationErrors, "; ")))
	case "Failed":
		return fmt.Errorf("%s failed: %s", what, line(s.FailureReason))
	case point.Completed, point.PartiallyFailed:
		return nil
	}
	return fmt.Errorf("%s is %s", what, s.Phase)
}

// watch looks at a Restore or a Backup until Velero has come to an end with it, and tells on the way how far it has come. The error says why Velero did
// not carry it out.
func (w world) watch(ctx context.Context, kind schema.GroupVersionResource, o *unstructured.Unstructured, tell func(progress)) (*unstructured.Unstructured, progressStatus, error) {
	var status progressStatus
	what, uid := strings.ToLower(o.GetKind())+" "+o.GetName(), o.GetUID()
	ignored, heard := ignoring{world: w, kind: kind}, time.Now()
	err := until(ctx, "wait for "+what, func(ctx context.Context) (bool, error) {
		now, err := find(ctx, w.reader, kind, o.GetNamespace(), o.GetName())
		switch {
		case err != nil && passes(err) && time.Since(heard) < deafFor:
			return false, nil
		case err != nil:
			return false, err
		case now == nil || now.GetUID() != uid:
			return false, fmt.Errorf("%s was deleted while it ran", what)
		}
		o, status, heard = now, progressStatus{}, time.Now()
		if err := statusOf(now, &status); err != nil {
			return false, err
		}
		if isNew(status.Phase) {
			responders.Progress(ctx, 0, 1, what+" begun by Velero")
			return false, ignored.check(ctx, now)
		}
		tell(status.Progress)
		if !hasEnded(status.Phase) {
			return false, nil
		}
		return true, status.refusal(what)
	})
	return o, status, err
}

// deafFor is how long an API server may not answer before who watches a restore gives up: what runs for an hour is not lost by a moment.
const deafFor = 2 * time.Minute

// passes says that an error is not the API server's last word.
func passes(err error) bool {
	var said apierrors.APIStatus
	if !errors.As(err, &said) {
		return true
	}
	code := said.Status().Code
	return code == http.StatusTooManyRequests || code >= http.StatusInternalServerError
}

// statusOf reads the status of an object.
func statusOf(o *unstructured.Unstructured, into any) error {
	status, _, err := unstructured.NestedMap(o.Object, "status")
	if err == nil && status != nil {
		err = runtime.DefaultUnstructuredConverter.FromUnstructured(status, into)
	}
	if err != nil {
		return fmt.Errorf("read the status of %s: %w", o.GetName(), err)
	}
	return nil
}
