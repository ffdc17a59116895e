package velero

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/salvor-io/salvor/responders"
)

// attempt is a Restore that was made for a step of an incident, under whichever plan.
type attempt struct {
	name, digest, phase string
	made, ended         time.Time // ended is zero where it has not
	object              *unstructured.Unstructured
}

// isNew says that Velero has not begun with it.
func (a attempt) isNew() bool { return a.phase == "" || a.phase == "New" }

// attempts are the restores of a step of an incident.
func attempts(ctx context.Context, client dynamic.Interface, namespace string, env responders.Env) ([]attempt, error) {
	var all []attempt
	err := each(ctx, client, restores, namespace, workLabel+"="+workOf(env), func(o *unstructured.Unstructured) error {
		phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
		completed, _, _ := unstructured.NestedString(o.Object, "status", "completionTimestamp")
		ended, _ := time.Parse(time.RFC3339, completed) // what says nothing has not ended
		all = append(all, attempt{o.GetName(), o.GetAnnotations()[digestAnnotation], phase, o.GetCreationTimestamp().Time, ended, o})
		return nil
	})
	return all, err
}

// made says whether a namespace of that age is what one of the restores made: it came to be while that ran.
func made(all []attempt, created time.Time) bool {
	return slices.ContainsFunc(all, func(a attempt) bool {
		return !a.made.IsZero() && !created.Before(a.made) && (a.ended.IsZero() || !created.After(a.ended))
	})
}

// hasEnded says whether Velero does no more about a Backup or a Restore in that phase.
func hasEnded(phase string) bool {
	return slices.Contains([]string{"Completed", "PartiallyFailed", "Failed", "FailedValidation"}, phase)
}
