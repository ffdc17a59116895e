package velero

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
)

// installation is the Velero of a cluster, or one of several.
type installation struct {
	namespace string
	locations []Location
}

// installed finds Velero. Its namespace is where its storage locations are; of several it has to be said which is meant.
func installed(ctx context.Context, client dynamic.Interface, namespace string) (installation, error) {
	places, err := Locations(ctx, client)
	if err != nil {
		return installation{}, err
	}
	var homes []string
	for _, place := range places {
		if !slices.Contains(homes, place.Namespace) {
			homes = append(homes, place.Namespace)
		}
	}
	slices.Sort(homes)
	switch {
	case len(homes) == 0:
		return installation{}, errors.New("Velero has no storage location: create a BackupStorageLocation") //nolint:staticcheck // it is a name
	case namespace == "" && len(homes) > 1:
		return installation{}, fmt.Errorf("there are storage locations of Velero in the namespaces %s: say which is meant by the argument velero", strings.Join(homes, ", "))
	case namespace == "":
		namespace = homes[0]
	case !slices.Contains(homes, namespace):
		return installation{}, fmt.Errorf("there is no storage location of Velero in namespace %s; there are in %s", namespace, strings.Join(homes, ", "))
	}
	return installation{namespace, slices.DeleteFunc(places, func(l Location) bool { return l.Namespace != namespace })}, nil
}

// location finds a storage location by its name, or the default one. The error names those that there are.
func (i installation) location(name string) (Location, error) {
	var names []string
	for _, place := range i.locations {
		if place.Name == name || name == "" && (place.Default || len(i.locations) == 1) {
			return place, nil
		}
		names = append(names, place.Name)
	}
	if name == "" {
		return Location{}, fmt.Errorf("no storage location of Velero is the default one: name one of %s", strings.Join(names, ", "))
	}
	return Location{}, fmt.Errorf("there is no storage location %s; there are %s", name, strings.Join(names, ", "))
}

// silent is after how long without a look at a storage location, or three of the times between two looks, Velero does not run.
const silent = 10 * time.Minute

// awake says whether Velero has looked at its location lately, as it does while it runs.
func (l Location) awake(now time.Time) error {
	longest := max(silent, 3*l.Every)
	if l.Every < 0 || l.Looked.IsZero() || now.Sub(l.Looked) <= longest {
		return nil
	}
	return fmt.Errorf("Velero does not run: it looked at its storage location %s last at %s; start it, or see its log", l.Name, when(l.Looked)) //nolint:staticcheck // it is a name
}

func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// demand says whether the Velero that is installed knows a field of a kind's spec.
func demand(ctx context.Context, client dynamic.Interface, resource, field, since string) error {
	definition, err := find(ctx, client, definitions, "", resource+"."+group)
	switch {
	case err != nil:
		return err
	case definition == nil:
		return ErrNotInstalled
	}
	versions, _, _ := unstructured.NestedSlice(definition.Object, "spec", "versions")
	for _, v := range versions {
		one, _ := v.(map[string]any)
		properties, known, _ := unstructured.NestedMap(one, "schema", "openAPIV3Schema", "properties", "spec", "properties")
		if _, has := properties[field]; one["name"] == version.Version && (!known || has) {
			return nil
		}
	}
	return fmt.Errorf("this Velero is too old: %s know no %s; update it to %s at least", resource, field, since)
}
