package rego

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
)

// decoder reads a question from its JSON, and notes which of its facts the JSON has. What it reads may share the memory of the JSON.
type decoder struct {
	scanner
	has   []bool           // by fact of the whole question
	lacks map[int][]string // of a fact that is there: what is not in the records of its lists and maps
}

// facts reads a record of the question, whose facts begin at the first.
func (d *decoder) facts(s *shape, v reflect.Value, first int) error {
	_, err := d.fields(s, func(f *field) error {
		at := first + f.first
		if f.shape.kind == record {
			return d.facts(f.shape, v.Field(f.index), at)
		}
		d.has[at] = true
		return d.value(f.shape, v.Field(f.index), at)
	})
	return err
}

// fields calls take for each field of a record that is there, in any order, and passes over what is none. It says which were there.
func (d *decoder) fields(s *shape, take func(*field) error) (seen uint64, err error) {
	if err := d.enter('{'); err != nil {
		return 0, err
	}
	likely := 0
	for n := 0; ; n++ {
		more, err := d.more(n, '}')
		if err != nil || !more {
			return seen, err
		}
		key, err := d.key()
		if err != nil {
			return 0, err
		}
		at := s.indexOf(key, likely)
		switch {
		case at < 0:
			err = d.skip(0)
		case seen&(1<<at) != 0:
			err = fmt.Errorf("it is there twice")
		default:
			seen, likely = seen|1<<at, at+1
			err = take(&s.fields[at])
		}
		if err != nil {
			return 0, fmt.Errorf("%s: %w", key, err)
		}
	}
}

// indexOf finds a field by its name, -1 when there is none; most follow one another as they are declared.
func (s *shape) indexOf(name string, likely int) int {
	if likely < len(s.fields) && s.fields[likely].name == name {
		return likely
	}
	return slices.IndexFunc(s.fields, func(f field) bool { return f.name == name })
}

// value reads a value that belongs to a fact.
func (d *decoder) value(s *shape, v reflect.Value, fact int) error {
	switch s.kind {
	case record:
		return d.record(s, v, fact)
	case list:
		return d.list(s, v, fact)
	case dict:
		return d.dict(s, v, fact)
	case number:
		return d.number(v)
	case boolean:
		if !d.takeWord("true") && !d.takeWord("false") {
			return d.wrong("true or false")
		}
		v.SetBool(d.text[d.at-2] == 'u')
		return nil
	}
	return d.marked(s, v)
}

// record reads a record in a list or a map, and notes what it lacks.
func (d *decoder) record(s *shape, v reflect.Value, fact int) error {
	seen, err := d.fields(s, func(f *field) error { return d.value(f.shape, v.Field(f.index), fact) })
	if err != nil || seen == 1<<len(s.fields)-1 {
		return err
	}
	for i, f := range s.fields {
		if seen&(1<<i) == 0 && !slices.Contains(d.lacks[fact], f.name) {
			d.lacks[fact] = append(d.lacks[fact], f.name)
		}
	}
	return nil
}

// list reads a list. One that is null is empty, as one that was stored so is.
func (d *decoder) list(s *shape, v reflect.Value, fact int) error {
	if d.takeWord("null") {
		return nil
	}
	if err := d.enter('['); err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for n := 0; ; n++ {
		more, err := d.more(n, ']')
		if err != nil || !more {
			return err
		}
		v.Grow(1)
		v.SetLen(n + 1)
		if err := d.value(s.elem, v.Index(n), fact); err != nil {
			return fmt.Errorf("%d: %w", n, err)
		}
	}
}

// dict reads a map. One that is null is empty.
func (d *decoder) dict(s *shape, v reflect.Value, fact int) error {
	if d.takeWord("null") {
		return nil
	}
	if err := d.enter('{'); err != nil {
		return err
	}
	v.Set(reflect.MakeMap(v.Type()))
	for n := 0; ; n++ {
		more, err := d.more(n, '}')
		if err != nil || !more {
			return err
		}
		key, err := d.key()
		if err != nil {
			return err
		}
		value := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(s.elem, value, fact); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), value)
	}
}

func (d *decoder) number(v reflect.Value) error {
	written, err := d.scanner.number()
	if err != nil {
		return err
	}
	if v.CanInt() {
		n, err := strconv.ParseInt(written, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("want a whole number, not %s", written)
		}
		v.SetInt(n)
		return nil
	}
	f, err := strconv.ParseFloat(written, 64)
	if err != nil {
		return fmt.Errorf("want a number, not %s", written)
	}
	v.SetFloat(f)
	return nil
}

func (d *decoder) marked(s *shape, v reflect.Value) error {
	text, err := d.string()
	if err != nil {
		return err
	}
	if !s.marked {
		v.SetString(text)
		return nil
	}
	return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
}
