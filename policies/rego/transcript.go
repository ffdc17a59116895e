package rego

import (
	"encoding"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// transcript is a part of a question, fact after fact: two are equal if rules see the same in them. A fact is what lies in a record of the
// question and is none itself.
type transcript struct {
	text []byte
	ends []int // where each fact ends
}

// fact is the nth, in the order of shape.paths.
func (w *transcript) fact(n int) []byte {
	begin := 0
	if n > 0 {
		begin = w.ends[n-1]
	}
	return w.text[begin:w.ends[n]]
}

// write writes a value of the shape's type. What cannot be stored is an error, as it is of term.
func (w *transcript) write(s *shape, v reflect.Value) (err error) {
	if s.kind != record {
		w.text, err = s.append(w.text, v)
		w.ends = append(w.ends, len(w.text))
		return err
	}
	for _, f := range s.fields {
		if err := w.write(f.shape, v.Field(f.index)); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

// append writes a value so that another one never begins or ends alike.
func (s *shape) append(to []byte, v reflect.Value) ([]byte, error) {
	switch s.kind {
	case record:
		return s.appendRecord(to, v)
	case list:
		return s.appendList(to, v)
	case dict:
		return s.appendDict(to, v)
	case number:
		return appendNumber(to, v)
	case boolean:
		if v.Bool() {
			return append(to, 1), nil
		}
		return append(to, 0), nil
	}
	return s.appendMarked(to, v)
}

func (s *shape) appendRecord(to []byte, v reflect.Value) (_ []byte, err error) {
	for _, f := range s.fields {
		if to, err = f.shape.append(to, v.Field(f.index)); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return to, nil
}

func (s *shape) appendList(to []byte, v reflect.Value) (_ []byte, err error) {
	to = binary.AppendUvarint(to, uint64(v.Len()))
	for i := range v.Len() {
		if to, err = s.elem.append(to, v.Index(i)); err != nil {
			return nil, fmt.Errorf("%d: %w", i, err)
		}
	}
	return to, nil
}

func (s *shape) appendDict(to []byte, v reflect.Value) (_ []byte, err error) {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	to = binary.AppendUvarint(to, uint64(len(keys)))
	for _, key := range keys {
		to = appendText(to, key.String())
		if to, err = s.elem.append(to, v.MapIndex(key)); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return to, nil
}

func (s *shape) appendMarked(to []byte, v reflect.Value) ([]byte, error) {
	if !s.marked {
		return appendText(to, v.String()), nil
	}
	text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil {
		return nil, err
	}
	return appendText(to, string(text)), nil
}

// appendText writes what stringTerm makes of a text.
func appendText(to []byte, s string) []byte {
	s = readable(s)
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

// readable replaces bytes that are no text as JSON does, so that a stored question is answered like the first one.
func readable(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

func appendNumber(to []byte, v reflect.Value) ([]byte, error) {
	if v.CanInt() {
		return binary.AppendVarint(to, v.Int()), nil
	}
	f := v.Float()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, notStored(f)
	}
	return binary.BigEndian.AppendUint64(to, math.Float64bits(f)), nil
}

func notStored(f float64) error { return fmt.Errorf("%v is no number that can be stored", f) }
