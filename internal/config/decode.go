package config

import (
	"encoding"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// decoder reads YAML nodes into values by the yaml tags of their types, collecting all problems and the line of each key.
type decoder struct {
	file     string
	lines    map[string]int  // by key, as in Problem.Key
	unread   map[string]bool // keys that could not be read
	problems Problems
}

func newDecoder(file string) decoder {
	return decoder{file: file, lines: map[string]int{}, unread: map[string]bool{}}
}

// complain notes a key that could not be read.
func (d *decoder) complain(n *yaml.Node, key, do, why string, args ...any) {
	d.unread[key] = true
	d.problems = append(d.problems, Problem{File: d.file, Line: n.Line, Key: key, Why: fmt.Sprintf(why, args...), Do: do})
}

var durationType = reflect.TypeFor[time.Duration]()

// decode reads n into v, which is settable. A null leaves v as it is.
func (d *decoder) decode(n *yaml.Node, v reflect.Value, key string) {
	d.lines[key] = n.Line
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.complain(n, key, "write the value out", "anchors and aliases are not read here")
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, v.Elem(), key)
	case isScalar(v):
		d.scalar(n, v, key)
	case v.Kind() == reflect.Struct:
		d.structure(n, v, key)
	case v.Kind() == reflect.Slice:
		d.list(n, v, key)
	case v.Kind() == reflect.Map:
		d.mapping(n, v, key)
	}
}

func isScalar(v reflect.Value) bool {
	if _, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return true
	}
	return v.Kind() != reflect.Struct && v.Kind() != reflect.Slice && v.Kind() != reflect.Map
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, key string) {
	if def, ok := v.Addr().Interface().(defaulted); ok {
		def.setDefaults()
	}
	fields := fieldsOf(v)
	for name, value := range d.pairs(n, key) {
		field, known := fields[name.Value]
		if !known {
			d.complain(name, join(key, name.Value), "known keys here: "+strings.Join(slices.Sorted(maps.Keys(fields)), ", "), "unknown key")
			continue
		}
		d.decode(value, field, join(key, name.Value))
	}
}

func fieldsOf(v reflect.Value) map[string]reflect.Value {
	out := map[string]reflect.Value{}
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("yaml"); name != "-" {
			out[name] = v.Field(i)
		}
	}
	return out
}

// pairs are the keys of a mapping with their values. A key that is given twice is a problem, and so is a node that is no
// mapping.
func (d *decoder) pairs(n *yaml.Node, key string) func(yield func(name, value *yaml.Node) bool) {
	return func(yield func(name, value *yaml.Node) bool) {
		if n.Kind != yaml.MappingNode {
			d.complain(n, key, "", "want keys with values, not %s", shapeOf(n))
			return
		}
		seen := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i]
			if first, twice := seen[name.Value]; twice {
				d.complain(name, join(key, name.Value), "keep one of them", "the key is given twice, first in line %d", first)
				continue
			}
			seen[name.Value] = name.Line
			if !yield(name, n.Content[i+1]) {
				return
			}
		}
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, key string) {
	if n.Kind != yaml.SequenceNode {
		d.complain(n, key, "", "want a list, not %s", shapeOf(n))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		at := fmt.Sprintf("%s[%d]", key, i)
		if item.Tag == "!!null" {
			d.complain(item, at, "fill it in or take it out", "the item is empty")
			continue
		}
		d.decode(item, v.Index(i), at)
	}
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, key string) {
	v.Set(reflect.MakeMap(v.Type()))
	for name, value := range d.pairs(n, key) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.decode(value, item, join(key, name.Value))
		v.SetMapIndex(reflect.ValueOf(name.Value).Convert(v.Type().Key()), item)
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, key string) {
	if n.Kind != yaml.ScalarNode {
		d.complain(n, key, "", "want one value, not %s", shapeOf(n))
		return
	}
	if err := setScalar(n, v); err != nil {
		d.complain(n, key, "", "%s", err)
	}
}

func setScalar(n *yaml.Node, v reflect.Value) error {
	switch to := v.Addr().Interface().(type) {
	case *slog.Level:
		return setLevel(n.Value, to)
	case encoding.TextUnmarshaler:
		return to.UnmarshalText([]byte(n.Value))
	}
	switch {
	case v.Type() == durationType:
		return setDuration(n.Value, v)
	case v.Kind() == reflect.String:
		v.SetString(n.Value)
		return nil
	}
	if err := n.Decode(v.Addr().Interface()); err != nil {
		return fmt.Errorf("want %s, not %q", wanted(v.Kind()), n.Value)
	}
	return nil
}

func setLevel(text string, to *slog.Level) error {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	level, known := levels[text]
	if !known {
		return fmt.Errorf("unknown level %q, want debug, info, warn or error", text)
	}
	*to = level
	return nil
}

func setDuration(text string, v reflect.Value) error {
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("want a duration such as 90s or 2m, not %q", text)
	}
	v.SetInt(int64(parsed))
	return nil
}

func wanted(k reflect.Kind) string {
	switch k {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	}
	return "a number"
}

func shapeOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys with values"
	case yaml.SequenceNode:
		return "a list"
	}
	return fmt.Sprintf("%q", n.Value)
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}
