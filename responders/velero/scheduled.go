package velero

import (
	"context"
	"fmt"
	"regexp"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
)

// scheduleLabel is Velero's, on backups: the schedule that they are of.
const scheduleLabel = "velero.io/schedule-name"

// scheduled is a schedule that is there, and the Velero that makes its backups.
type scheduled struct {
	*unstructured.Unstructured
	client dynamic.Interface
	velero installation
}

// scheduleParams are the arguments of what is about one schedule.
func scheduleParams() []responders.Param {
	return []responders.Param{
		{Name: "schedule", Type: responders.ParamString, Required: true, About: "name of the schedule"},
		{Name: "velero", Type: responders.ParamString, About: "namespace of Velero, where there are several"},
	}
}

var objectForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)

// nameIn is the name of the one schedule that the arguments name.
func nameIn(spec responders.Spec, args responders.Args) (string, error) {
	if err := spec.Check(args); err != nil {
		return "", err
	}
	if name := args.Text("schedule"); objectForm.MatchString(name) {
		return name, nil
	}
	return "", fmt.Errorf("%s: the argument schedule must be the name of one schedule, not %q", spec.Name, args.Text("schedule"))
}

// scheduleIn finds the one schedule that the arguments name, which has to be there.
func scheduleIn(ctx context.Context, clusters Clusters, cluster string, spec responders.Spec, args responders.Args) (scheduled, error) {
	name, err := nameIn(spec, args)
	if err != nil {
		return scheduled{}, err
	}
	client, err := clusters.Custom(cluster)
	if err != nil {
		return scheduled{}, err
	}
	velero, err := installed(ctx, client, args.Text("velero"))
	if err != nil {
		return scheduled{}, err
	}
	found, err := find(ctx, client, schedules, velero.namespace, name)
	if err != nil {
		return scheduled{}, err
	}
	if found == nil {
		return scheduled{}, fmt.Errorf("find schedule %s/%s: there is no such schedule any more", velero.namespace, name)
	}
	return scheduled{found, client, velero}, nil
}

// target is the schedule as the target of a change.
func (s scheduled) target() policies.Target {
	return policies.Target{Kind: "Schedule", Namespace: s.velero.namespace, Name: s.GetName(), UID: string(s.GetUID())}
}
