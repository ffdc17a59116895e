package velero

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"

	"github.com/salvor-io/salvor/responders/point"
)

// Timetable is a Schedule as the cluster has it: which backups are to be made, and when.
type Timetable struct {
	Name, Namespace string

	Cron     string
	Paused   bool
	Why      string // why Velero does not take it; empty where it does
	Scope    point.Scope
	Location string // empty: the default one
}

// timetableObject is what is read of a Schedule.
type timetableObject struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Template backupSpec `json:"template"`
		Schedule string     `json:"schedule"`
		Paused   bool       `json:"paused"`
	} `json:"spec"`
	Status struct {
		Phase            string   `json:"phase"`
		ValidationErrors []string `json:"validationErrors"`
	} `json:"status"`
}

// Timetables reads all Schedules of a cluster. The error is [ErrNotInstalled] where there is no Velero.
func Timetables(ctx context.Context, client dynamic.Interface) ([]Timetable, error) {
	var all []Timetable
	err := each(ctx, client, version.WithResource("schedules"), metav1.NamespaceAll, "", func(item *unstructured.Unstructured) error {
		var o timetableObject
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object, &o); err != nil {
			return fmt.Errorf("read schedule %s: %w", item.GetName(), err)
		}
		all = append(all, o.timetable())
		return nil
	})
	return all, err
}

func (o *timetableObject) timetable() Timetable {
	t := Timetable{Name: o.Name, Namespace: o.Namespace, Cron: o.Spec.Schedule, Paused: o.Spec.Paused, Scope: o.Spec.Template.scope(),
		Location: o.Spec.Template.StorageLocation}
	if o.Status.Phase == "FailedValidation" {
		t.Why = "it is not valid"
		if len(o.Status.ValidationErrors) > 0 {
			t.Why = line(o.Status.ValidationErrors[0])
		}
	}
	return t
}
