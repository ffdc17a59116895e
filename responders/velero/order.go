package velero

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/point"
)

// order is what a restore is to do, as the plan pinned it.
type order struct {
	Velero    string `json:"velero"` // the namespace of Velero
	Backup    string `json:"backup"`
	BackupUID string `json:"backup_uid"`
	Items     int    `json:"items,omitempty"` // that the backup holds, if it says so

	Namespaces   []string          `json:"namespaces"`
	Mapping      map[string]string `json:"mapping,omitempty"` // from the namespaces of the backup to those that are restored into
	Into         []space           `json:"into"`              // the namespaces that are restored into, as they were
	Kinds        []string          `json:"kinds,omitempty"`
	NotKinds     []string          `json:"not_kinds,omitempty"`
	Selector     string            `json:"selector,omitempty"`
	ClusterKinds *bool             `json:"cluster_kinds,omitempty"`
	Volumes      *bool             `json:"volumes,omitempty"`
	NodePorts    *bool             `json:"node_ports,omitempty"`
	Existing     string            `json:"existing,omitempty"`  // none or update
	Modifiers    string            `json:"modifiers,omitempty"` // Velero's document

	Done  string `json:"done,omitempty"`  // the restore of an earlier plan of the incident that did just that
	Tries int    `json:"tries,omitempty"` // how many restores of the step did not come to a good end: the plan to try again is another plan
}

// space is a namespace that is restored into; one that was not there has no UID.
type space struct {
	Name string `json:"name"`
	UID  string `json:"uid,omitempty"`
}

// The policies for objects that are there already.
const (
	keepExisting   = "none"
	updateExisting = "update"
)

// orderOf reads the arguments of a restore. What comes from the backup is not in it yet.
func orderOf(args responders.Args) (order, error) {
	o := order{Namespaces: args.Names("namespaces"), Kinds: args.Names("resources"), NotKinds: args.Names("excludeResources"),
		Selector: args.Text("selector"), ClusterKinds: maybe(args, "clusterResources"), Volumes: maybe(args, "volumes"), NodePorts: maybe(args, "preserveNodePorts"),
		Existing: args.Text("existing"), Velero: args.Text("velero")}
	var err error
	if o.Mapping, err = mappingOf(args.Text("mapping"), o.Namespaces); err != nil {
		return o, err
	}
	if o.Modifiers, err = rulesOf(args.Text("modifiers")); err != nil {
		return o, err
	}
	if _, err := selectorOf(o.Selector); err != nil {
		return o, err
	}
	if !slices.Contains([]string{"", keepExisting, updateExisting}, o.Existing) {
		return o, fmt.Errorf("existing: %q is neither %s nor %s", o.Existing, keepExisting, updateExisting)
	}
	for _, kind := range slices.Concat(o.Kinds, o.NotKinds) {
		if slices.Contains(o.Kinds, kind) && slices.Contains(o.NotKinds, kind) {
			return o, fmt.Errorf("%s are both in resources and in excludeResources", kind)
		}
	}
	return o, nil
}

// maybe is an argument that is true, false or not given.
func maybe(args responders.Args, name string) *bool {
	if said, given := args[name].(bool); given {
		return &said
	}
	return nil
}

var namespaceForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// mappingOf reads "shop=shop-check, pay=pay-check". Each namespace is mapped once, and no two to one.
func mappingOf(text string, from []string) (map[string]string, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	mapping := map[string]string{}
	for _, pair := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' }) {
		was, is, _ := strings.Cut(pair, "=")
		_, twice := mapping[was]
		switch {
		case !namespaceForm.MatchString(was) || !namespaceForm.MatchString(is):
			return nil, fmt.Errorf("mapping: %q is not of the form shop=shop-check", pair)
		case twice || slices.Contains(slices.Collect(maps.Values(mapping)), is):
			return nil, fmt.Errorf("mapping: %q: a namespace is mapped twice, or two to one", pair)
		case len(from) > 0 && !slices.Contains(from, was):
			return nil, fmt.Errorf("mapping: %s is not one of the namespaces that are restored", was)
		}
		mapping[was] = is
	}
	return mapping, nil
}

func selectorOf(text string) (*metav1.LabelSelector, error) {
	if text == "" {
		return nil, nil
	}
	selector, err := metav1.ParseToLabelSelector(text)
	if err == nil && len(selector.MatchLabels)+len(selector.MatchExpressions) == 0 {
		err = errors.New("it selects everything")
	}
	if err != nil {
		return nil, fmt.Errorf("selector %q: %w", text, err)
	}
	return selector, nil
}

// need is what a backup has to hold for the order. Volumes are demanded only where the runbook asks for them: nobody else knows whether there are any.
func (o *order) need() point.Need {
	need := point.Need{Namespaces: o.Namespaces, Own: len(o.Namespaces) == 0, Kinds: o.Kinds, NotKinds: o.NotKinds, Volumes: isTrue(o.Volumes), ClusterKinds: isTrue(o.ClusterKinds)}
	if selector, err := selectorOf(o.Selector); err == nil && selector != nil {
		need.Selector = metav1.FormatLabelSelector(selector)
	}
	return need
}

// target is the namespace into which one of the backup is restored.
func (o *order) target(namespace string) string {
	if into, mapped := o.Mapping[namespace]; mapped {
		return into
	}
	return namespace
}

// spec is the spec of the Restore. The modifiers are in a ConfigMap of the given name.
func (o *order) spec(modifiers string) (map[string]any, error) {
	spec := map[string]any{"backupName": o.Backup, "includedNamespaces": texts(o.Namespaces)}
	set := func(name string, given bool, value any) {
		if given {
			spec[name] = value
		}
	}
	set("includedResources", len(o.Kinds) > 0, texts(o.Kinds))
	set("excludedResources", len(o.NotKinds) > 0, texts(o.NotKinds))
	set("existingResourcePolicy", o.Existing != "", o.Existing)
	set("resourceModifier", o.Modifiers != "", map[string]any{"kind": "ConfigMap", "name": modifiers})
	for name, value := range map[string]*bool{"includeClusterResources": o.ClusterKinds, "restorePVs": o.Volumes, "preserveNodePorts": o.NodePorts} {
		if value != nil {
			spec[name] = *value
		}
	}
	mapping := map[string]any{}
	for from, into := range o.Mapping {
		mapping[from] = into
	}
	set("namespaceMapping", len(mapping) > 0, mapping)
	selector, err := selectorOf(o.Selector)
	if err != nil || selector == nil {
		return spec, err
	}
	spec["labelSelector"], err = runtime.DefaultUnstructuredConverter.ToUnstructured(selector)
	return spec, err
}

func texts(names []string) []any {
	out := make([]any, len(names))
	for i, name := range names {
		out[i] = name
	}
	return out
}
