package velero

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/point"
)

// attempt is a Restore or a Backup that was made for a step of an incident, under whichever plan.
type attempt struct {
	name, digest, phase string
	made, ended         time.Time // ended is zero where it has not
	object              *unstructured.Unstructured
}

// isNew says that Velero has not begun with a Backup or a Restore in that phase.
func isNew(phase string) bool {
	return slices.Contains([]string{"", "New", "Queued", "ReadyToStart"}, phase)
}

// attempts are the restores or the backups of a step of an incident.
func attempts(ctx context.Context, client dynamic.Interface, kind schema.GroupVersionResource, namespace string, env responders.Env) ([]attempt, error) {
	var all []attempt
	err := each(ctx, client, kind, namespace, workLabel+"="+workOf(env), func(o *unstructured.Unstructured) error {
		phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
		completed, _, _ := unstructured.NestedString(o.Object, "status", "completionTimestamp")
		ended, _ := time.Parse(time.RFC3339, completed) // what says nothing has not ended
		all = append(all, attempt{o.GetName(), o.GetAnnotations()[digestAnnotation], phase, o.GetCreationTimestamp().Time, ended, o})
		return nil
	})
	return all, err
}

// failures counts those that have ended, and not well. What is made for the step from now on has another name than they have.
func failures(all []attempt) int {
	n := 0
	for _, a := range all {
		if hasEnded(a.phase) && a.phase != point.Completed {
			n++
		}
	}
	return n
}

// completed counts those that came to a good end.
func completed(all []attempt) int {
	n := 0
	for _, a := range all {
		if a.phase == point.Completed {
			n++
		}
	}
	return n
}

// since leaves out what had ended when the fault began: it was made against another one. Salvor may have lost its records since, and count incidents anew.
func since(all []attempt, broken time.Time) []attempt {
	return slices.DeleteFunc(slices.Clone(all), func(a attempt) bool { return !a.ended.IsZero() && a.ended.Before(broken) })
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
