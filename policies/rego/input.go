package rego

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"
)

// term converts a value of the shape's type to what rules see. It equals the value's JSON form, but is total: lists and
// maps that are nil are empty, and fields that JSON would omit are there.
func (s *shape) term(v reflect.Value) (*ast.Term, error) {
	switch s.kind {
	case record:
		return s.recordTerm(v)
	case list:
		return s.listTerm(v)
	case dict:
		return s.dictTerm(v)
	case number:
		return numberTerm(v)
	case boolean:
		return ast.InternedTerm(v.Bool()), nil
	}
	return s.textTerm(v)
}

func (s *shape) recordTerm(v reflect.Value) (*ast.Term, error) {
	pairs := make([][2]*ast.Term, len(s.fields))
	for i, f := range s.fields {
		value, err := f.shape.term(v.Field(f.index))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		pairs[i] = [2]*ast.Term{f.key, value}
	}
	return ast.ObjectTerm(pairs...), nil
}

// inputOf converts the facts of a record that are needed, and leaves out the others, and records that hold none. Facts are in the order of
// paths.
func (s *shape) inputOf(v reflect.Value, needed []bool) (*ast.Term, error) {
	var pairs [][2]*ast.Term
	for i := range s.fields {
		value, err := s.fields[i].inputOf(v, needed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.fields[i].name, err)
		}
		if value != nil {
			pairs = append(pairs, [2]*ast.Term{s.fields[i].key, value})
		}
	}
	if pairs == nil {
		return nil, nil
	}
	return ast.ObjectTerm(pairs...), nil
}

// inputOf is the field's part of the input, nil when it has none.
func (f *field) inputOf(of reflect.Value, needed []bool) (*ast.Term, error) {
	switch {
	case f.shape.kind == record:
		return f.shape.inputOf(of.Field(f.index), needed[f.first:])
	case needed[f.first]:
		return f.shape.term(of.Field(f.index))
	}
	return nil, nil
}

func (s *shape) listTerm(v reflect.Value) (*ast.Term, error) {
	terms := make([]*ast.Term, v.Len())
	for i := range terms {
		value, err := s.elem.term(v.Index(i))
		if err != nil {
			return nil, fmt.Errorf("%d: %w", i, err)
		}
		terms[i] = value
	}
	return ast.ArrayTerm(terms...), nil
}

func (s *shape) dictTerm(v reflect.Value) (*ast.Term, error) {
	object := ast.NewObjectWithCapacity(v.Len())
	for each := v.MapRange(); each.Next(); {
		value, err := s.elem.term(each.Value())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", each.Key(), err)
		}
		object.Insert(stringTerm(each.Key().String()), value)
	}
	return ast.NewTerm(object), nil
}

func (s *shape) textTerm(v reflect.Value) (*ast.Term, error) {
	if !s.marked {
		return stringTerm(v.String()), nil
	}
	written, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil {
		return nil, err
	}
	return stringTerm(string(written)), nil
}

func stringTerm(s string) *ast.Term { return ast.StringTerm(readable(s)) }

// numberTerm writes a number with the digits that JSON has for it, since rules can print it.
func numberTerm(v reflect.Value) (*ast.Term, error) {
	if v.CanInt() {
		return ast.InternedTerm(int(v.Int())), nil
	}
	f := v.Float()
	if size := math.Abs(f); f == 0 || size >= 1e-6 && size < 1e21 {
		return ast.NumberTerm(json.Number(strconv.FormatFloat(f, 'f', -1, 64))), nil
	}
	written, err := json.Marshal(f)
	if err != nil {
		return nil, notStored(f)
	}
	return ast.NumberTerm(json.Number(written)), nil
}
