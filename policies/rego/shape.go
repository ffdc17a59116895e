package rego

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// kind is the JSON form of a Go type.
type kind int

const (
	text    kind = iota // string, time, or a type that writes itself as text
	number              // any integer or float
	boolean             // bool
	list                // slice
	dict                // map with text keys
	record              // struct
)

// shape is a Go type as rules see it. It is derived once from policies.Question and serves both the type checker and the
// conversion of values, so that the two cannot disagree.
type shape struct {
	kind   kind
	marked bool     // text that comes from encoding.TextMarshaler
	values []string // of a text: all that it can be, nil when it can be anything
	elem   *shape   // of a list or a dict
	fields []field  // of a record
	facts  int      // of a record: how many lie in it
}

// field is one field of a record.
type field struct {
	name  string
	key   *ast.Term
	index int
	shape *shape
	first int // the first fact in it, of those of its record
}

// shapeOf derives the shape of a type. A type that has no fixed JSON form, such as a pointer or an interface, is an error.
func shapeOf(t reflect.Type) (*shape, error) {
	if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return &shape{kind: text, marked: true}, nil
	}
	switch t.Kind() {
	case reflect.String:
		return &shape{kind: text}, nil
	case reflect.Bool:
		return &shape{kind: boolean}, nil
	case reflect.Int, reflect.Int64, reflect.Float64:
		return &shape{kind: number}, nil
	case reflect.Slice:
		return containerOf(list, t)
	case reflect.Map:
		return containerOf(dict, t)
	case reflect.Struct:
		return recordOf(t)
	}
	return nil, fmt.Errorf("the input has a field of type %s, which has no fixed form", t)
}

func containerOf(k kind, t reflect.Type) (*shape, error) {
	if k == dict && t.Key().Kind() != reflect.String {
		return nil, fmt.Errorf("the input has a map of type %s, whose keys are no text", t)
	}
	elem, err := shapeOf(t.Elem())
	return &shape{kind: k, elem: elem}, err
}

func recordOf(t reflect.Type) (*shape, error) {
	out := &shape{kind: record}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" {
			return nil, fmt.Errorf("field %s of %s has no name in JSON", t.Field(i).Name, t)
		}
		of, err := shapeOf(t.Field(i).Type)
		if err != nil {
			return nil, err
		}
		if values := t.Field(i).Tag.Get("oneof"); values != "" {
			of.values = strings.Split(values, ",")
		}
		out.fields = append(out.fields, field{name: name, key: ast.InternedTerm(name), index: i, shape: of})
	}
	out.count()
	return out, nil
}

// count numbers the facts of a record, in the order of paths.
func (s *shape) count() {
	s.facts = 0
	for i := range s.fields {
		f := &s.fields[i]
		f.first = s.facts
		if f.shape.kind == record {
			s.facts += f.shape.facts
		} else {
			s.facts++
		}
	}
}

// field finds a field of a record by name.
func (s *shape) field(name string) (*shape, bool) {
	for _, f := range s.fields {
		if f.name == name {
			return f.shape, true
		}
	}
	return nil, false
}

// at is the shape at the end of a path that is there; "" goes from a list or a map to what it holds.
func (s *shape) at(path ...string) *shape {
	for _, name := range path {
		if name == "" {
			s = s.elem
			continue
		}
		s, _ = s.field(name)
	}
	return s
}

// names are the names of a record's fields.
func (s *shape) names() []string {
	var names []string
	for _, f := range s.fields {
		names = append(names, f.name)
	}
	return names
}

// schema is the shape as JSON schema, in which an unknown field is a type error. OPA's type checker knows no typed maps:
// what lies behind a map is checked by unknownFields.
func (s *shape) schema() map[string]any {
	switch s.kind {
	case record:
		properties := map[string]any{}
		for _, f := range s.fields {
			properties[f.name] = f.shape.schema()
		}
		return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	case list:
		return map[string]any{"type": "array", "items": s.elem.schema()}
	}
	return map[string]any{"type": map[kind]string{text: "string", number: "number", boolean: "boolean", dict: "object"}[s.kind]}
}
