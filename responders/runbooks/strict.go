package runbooks

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/salvor-io/salvor/responders"
)

// The times a runbook need not state.
const (
	defaultDeadline = 2 * time.Minute  // of a step
	defaultVerify   = 5 * time.Minute  // of a check
	defaultSettle   = 15 * time.Second // of a check
	maxWait         = 24 * time.Hour
)

// decoder walks YAML and collects what is wrong, instead of stopping at the first.
type decoder struct {
	file    string
	catalog responders.Catalog
	wrong   []error
}

// fields say what to do with the value of each key that may be there.
type fields map[string]func(*yaml.Node)

func (d *decoder) complain(node *yaml.Node, format string, args ...any) {
	d.wrong = append(d.wrong, fmt.Errorf("%s:%d: %s", d.file, node.Line, fmt.Sprintf(format, args...)))
}

// fields reads a mapping: unknown, repeated and missing keys are wrong.
func (d *decoder) fields(node *yaml.Node, what string, known fields, required ...string) {
	if node.Kind != yaml.MappingNode {
		d.complain(node, "%s must be a mapping", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		read, ok := known[key.Value]
		switch {
		case !ok:
			d.complain(key, "%s has no key %q; it has: %s", what, key.Value, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		case seen[key.Value]:
			d.complain(key, "%s has the key %q twice", what, key.Value)
		default:
			read(value)
		}
		seen[key.Value] = true
	}
	for _, key := range required {
		if !seen[key] {
			d.complain(node, "%s needs the key %q", what, key)
		}
	}
}

// items reads a list that is not empty.
func (d *decoder) items(node *yaml.Node, what string, read func(*yaml.Node)) {
	if node.Kind != yaml.SequenceNode || len(node.Content) == 0 {
		d.complain(node, "%s must be a list with at least one entry", what)
		return
	}
	for _, item := range node.Content {
		read(item)
	}
}

func (d *decoder) constant(want string) func(*yaml.Node) {
	return func(node *yaml.Node) {
		if got := d.text(node); got != want {
			d.complain(node, "this must be %s, not %q", want, got)
		}
	}
}

func (d *decoder) text(node *yaml.Node) string {
	if node.Kind != yaml.ScalarNode || node.Tag != "!!str" {
		d.complain(node, "this must be text")
		return ""
	}
	return node.Value
}

func (d *decoder) name(node *yaml.Node) string {
	text := d.text(node)
	if !plainName.MatchString(text) {
		d.complain(node, "the name %q must be lower case letters, digits and dashes", text)
	}
	return text
}

func (d *decoder) number(node *yaml.Node) int {
	n, err := strconv.Atoi(node.Value)
	if node.Kind != yaml.ScalarNode || err != nil || n < 0 {
		d.complain(node, "this must be a whole number, 0 or more")
	}
	return n
}

func (d *decoder) duration(node *yaml.Node, positive bool) time.Duration {
	length, err := time.ParseDuration(node.Value)
	if node.Kind != yaml.ScalarNode || err != nil || length < 0 || length > maxWait || positive && length == 0 {
		d.complain(node, "this must be a duration such as 90s, at most %s", maxWait)
		return defaultDeadline
	}
	return length
}
