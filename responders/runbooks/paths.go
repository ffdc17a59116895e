package runbooks

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/responders"
)

// fact is one thing a path can mean: an example of its shape, and how it is found.
type fact struct {
	example any
	find    func(classifiers.Fault, responders.Env) (any, error)
}

// facts are all paths there are. They lead to data; there is no expression language.
func facts() map[string]fact {
	return map[string]fact{
		"fault.nodes":      {[]string{"example"}, func(f classifiers.Fault, _ responders.Env) (any, error) { return f.Scope.Nodes, nil }},
		"fault.zones":      {[]string{"example"}, func(f classifiers.Fault, _ responders.Env) (any, error) { return f.Scope.Zones, nil }},
		"fault.zone":       {"example", func(f classifiers.Fault, _ responders.Env) (any, error) { return theZone(f.Scope.Zones) }},
		"fault.namespaces": {[]string{"example"}, func(f classifiers.Fault, _ responders.Env) (any, error) { return whole(f, f.Scope.Namespaces) }},
		"fault.namespace":  {"example", func(f classifiers.Fault, _ responders.Env) (any, error) { return theNamespace(f) }},
		"fault.claims":     {[]string{"example"}, named("PersistentVolumeClaim")},
		"fault.configMaps": {[]string{"example"}, named("ConfigMap")},
		"fault.secrets":    {[]string{"example"}, named("Secret")},
		"fault.object":     {"example", func(f classifiers.Fault, _ responders.Env) (any, error) { return theObject(f) }},
		"fault.cluster":    {"example", func(f classifiers.Fault, _ responders.Env) (any, error) { return f.Cluster, nil }},
		"fault.anchor":     {"example", func(f classifiers.Fault, _ responders.Env) (any, error) { return f.Anchor.Name, nil }},
		"incident.id":      {"example", func(_ classifiers.Fault, e responders.Env) (any, error) { return e.Incident, nil }},
	}
}

func theZone(zones []string) (any, error) {
	if len(zones) != 1 {
		return nil, fmt.Errorf("the fault reaches %d zones, not one", len(zones))
	}
	return zones[0], nil
}

var pathForm = regexp.MustCompile(`^\$\{([a-zA-Z.]+)\}$`)

func (d *decoder) values(node *yaml.Node) map[string]Value {
	values := map[string]Value{}
	if node.Kind != yaml.MappingNode {
		d.complain(node, "with must be a mapping of arguments")
		return values
	}
	for i := 0; i < len(node.Content); i += 2 {
		key := node.Content[i]
		if _, taken := values[key.Value]; taken {
			d.complain(key, "the argument %q is given twice", key.Value)
		}
		values[key.Value] = d.value(node.Content[i+1])
	}
	return values
}

// value reads a path, a text, a whole number, true or false, or a list of texts.
func (d *decoder) value(node *yaml.Node) Value {
	switch {
	case node.Kind == yaml.SequenceNode:
		list := []string{}
		for _, item := range node.Content {
			list = append(list, d.plain(item))
		}
		return Value{literal: list}
	case node.Kind == yaml.ScalarNode && node.Tag == "!!bool":
		return Value{literal: strings.EqualFold(node.Value, "true")}
	case node.Kind == yaml.ScalarNode && node.Tag == "!!int":
		return Value{literal: d.number(node)}
	}
	if match := pathForm.FindStringSubmatch(node.Value); node.Kind == yaml.ScalarNode && match != nil {
		return d.path(node, match[1])
	}
	return Value{literal: d.plain(node)}
}

func (d *decoder) path(node *yaml.Node, path string) Value {
	known := facts()
	if _, ok := known[path]; !ok {
		d.complain(node, "there is no ${%s}; there are: %s", path, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		return Value{literal: ""}
	}
	return Value{path: path}
}

// plain reads a text that holds no path: a path stands alone or not at all.
func (d *decoder) plain(node *yaml.Node) string {
	text := d.text(node)
	if strings.Contains(text, "${") {
		d.complain(node, "%q: a ${path} must be the whole of an argument", text)
	}
	return text
}

func (v Value) example() any {
	if v.path == "" {
		return v.literal
	}
	return facts()[v.path].example
}

// resolve finds what the value means for a fault. What is not there is an error, never an empty value.
func (v Value) resolve(fault classifiers.Fault, env responders.Env) (any, error) {
	if v.path == "" {
		return v.literal, nil
	}
	value, err := facts()[v.path].find(fault, env)
	if err == nil && isEmpty(value) {
		err = errors.New("it is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("resolve ${%s}: %w", v.path, err)
	}
	return value, nil
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case string:
		return v == ""
	case []string:
		return len(v) == 0
	}
	return false
}
