package velero

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/salvor-io/salvor/responders"
)

// inspection looks at the world after a restore.
type inspection struct {
	order
	client dynamic.Interface
}

// of says how a restore stands: what Velero says of it, and once that has ended, what is in the world.
func (i inspection) of(ctx context.Context, name string) (responders.Finding, error) {
	notYet := func(format string, args ...any) (responders.Finding, error) {
		return responders.FindingOf(1, []string{fmt.Sprintf(format, args...)}), nil
	}
	restore, err := find(ctx, i.client, restores, i.Velero, name)
	if err != nil {
		return responders.Finding{}, err
	}
	if restore == nil {
		return notYet("restore %s of backup %s is not there", name, i.Backup)
	}
	var status progressStatus
	if err := statusOf(restore, &status); err != nil {
		return responders.Finding{}, err
	}
	if !hasEnded(status.Phase) {
		total := max(status.Progress.TotalItems, i.Items)
		responders.Progress(ctx, status.Progress.ItemsRestored, total, "items restored")
		return notYet("restore %s has restored %d/%d items", name, status.Progress.ItemsRestored, total)
	}
	if err := status.refusal("restore " + name); err != nil {
		return notYet("%v", err)
	}
	kept, err := readAccount(ctx, i.client, i.Velero, name)
	if err != nil {
		return responders.Finding{}, err
	}
	if kept == nil {
		return notYet("what restore %s was to bring back is not known yet", name)
	}
	return i.compare(ctx, kept)
}

// compare holds the world against what is kept of a restore.
func (i inspection) compare(ctx context.Context, kept *account) (responders.Finding, error) {
	missing := slices.Clone(kept.Failed)
	moving, err := movers(ctx, i.client, i.Velero, kept.Restore)
	if err != nil {
		return responders.Finding{}, err
	}
	missing = append(missing, moving.failed...)
	if moving.running > 0 {
		missing = append(missing, fmt.Sprintf("the contents of %d volumes are still being moved", moving.running))
	}
	held, found := 0, 0
	for _, d := range durables() {
		spaces := byNamespace(kept.Holds[d.GroupResource().String()])
		for _, namespace := range slices.Sorted(maps.Keys(spaces)) {
			lacks, err := i.kind(ctx, d, namespace, spaces[namespace])
			if err != nil {
				return responders.Finding{}, err
			}
			held, found = held+len(spaces[namespace]), found+len(spaces[namespace])-len(lacks)
			missing = append(missing, lacks...)
		}
	}
	responders.Progress(ctx, found, held, "objects found well")
	return responders.FindingOf(held+len(kept.Failed)+len(moving.failed)+moving.running, missing), nil
}

func byNamespace(names []string) map[string][]string {
	spaces := map[string][]string{}
	for _, entry := range names {
		namespace, name, _ := strings.Cut(entry, "/")
		spaces[namespace] = append(spaces[namespace], name)
	}
	return spaces
}

// kind looks for objects of one kind in one namespace, and says of each that is not there or not well what it lacks.
func (i inspection) kind(ctx context.Context, d durable, namespace string, names []string) ([]string, error) {
	there := map[string]*unstructured.Unstructured{}
	err := each(ctx, i.client, d.GroupVersionResource, namespace, "", func(o *unstructured.Unstructured) error {
		there[o.GetName()] = o
		return nil
	})
	if err != nil {
		return nil, err
	}
	var lacks []string
	for _, name := range names {
		o := there[name]
		why := "is not there"
		if o != nil {
			if why, err = i.lacks(ctx, d, o); err != nil {
				return nil, err
			}
		}
		if why != "" {
			lacks = append(lacks, strings.ToLower(d.kind)+"/"+namespace+"/"+name+" "+why)
		}
	}
	return lacks, nil
}

// lacks says what an object that is there lacks, or nothing.
func (i inspection) lacks(ctx context.Context, d durable, o *unstructured.Unstructured) (string, error) {
	switch d.kind {
	case "Deployment", "StatefulSet":
		return short(o, number(o, 1, "spec", "replicas"), number(o, 0, "status", "availableReplicas")), nil
	case "DaemonSet":
		return short(o, number(o, 0, "status", "desiredNumberScheduled"), number(o, 0, "status", "numberAvailable")), nil
	case "PersistentVolumeClaim":
		return i.unbound(ctx, o)
	}
	return "", nil
}

// short says how many replicas are not available. A workload that its controller has not looked at has none.
func short(o *unstructured.Unstructured, want, have int64) string {
	if number(o, 0, "status", "observedGeneration") < o.GetGeneration() {
		return "has not been looked at by its controller"
	}
	if have < want {
		return fmt.Sprintf("has %d of %d replicas available", have, want)
	}
	return ""
}

func number(o *unstructured.Unstructured, otherwise int64, path ...string) int64 {
	if n, ok, err := unstructured.NestedInt64(o.Object, path...); ok && err == nil {
		return n
	}
	return otherwise
}
