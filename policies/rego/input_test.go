package rego

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/salvor-io/salvor/policies"
)

func questionShape(t testing.TB) *shape {
	t.Helper()
	of, err := shapeOf(reflect.TypeFor[policies.Question]())
	if err != nil {
		t.Fatal(err)
	}
	return of
}

// fill sets everything in v to something that is not its zero value.
func fill(v reflect.Value, seed int) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Date(2026, 3, 1, 12, 0, seed%60, 123456789, time.FixedZone("", 3600))))
	case v.CanInt():
		v.SetInt(int64(1 + seed%3))
	case v.CanFloat():
		v.SetFloat([]float64{0.25, 1e-9, 3e21, 123456789, -7}[seed%5])
	case v.Kind() == reflect.String:
		v.SetString([]string{"plain", "<&> \" \u2028", "caf\u00e9", "broken \xff\xfe byte"}[seed%4])
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range v.Len() {
			fill(v.Index(i), seed+i)
		}
	case v.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for i, key := range []string{"a", "b \xff"} {
			value := reflect.New(v.Type().Elem()).Elem()
			fill(value, seed+i)
			v.SetMapIndex(reflect.ValueOf(key), value)
		}
	default:
		for i := range v.NumField() {
			fill(v.Field(i), seed+i)
		}
	}
}

func jsonTerm(t testing.TB, q policies.Question) ast.Value {
	t.Helper()
	raw, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	value, err := ast.ValueFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestInputIsTheJSONFormOfTheQuestion(t *testing.T) {
	for seed := range 10 {
		var q policies.Question
		fill(reflect.ValueOf(&q).Elem(), seed)
		got, err := questionShape(t).term(reflect.ValueOf(q))
		if err != nil {
			t.Fatal(err)
		}
		if want := jsonTerm(t, q); got.Value.Compare(want) != 0 {
			t.Fatal(cmp.Diff(want.String(), got.String()))
		}
		if diff := cmp.Diff(jsonTerm(t, q).String(), got.String()); diff != "" {
			t.Errorf("written in another way: %s", diff)
		}
	}
}

// A fact that is empty is there and empty: never null, never left out.
func TestInputIsTotal(t *testing.T) {
	q := policies.Question{Plan: policies.Proposal{Targets: []policies.Target{{}}}, Pauses: []policies.Pause{{}}}
	engine := load(t, rules(`missing contains path if {
	[path, value] := walk(input)
	value == null
}
deny contains "null" if count(missing) > 0
act contains "there" if {
	input.plan.targets[0].zone == ""
	input.plan.targets[0].namespace == ""
	input.pauses[0].target == ""
	input.person.name == ""
	count(input.person.groups) == 0
	count(input.plan.steps) == 0
	count(input.view.zones) == 0
	count(input.unknown) == 0
}`))
	said, err := engine.Ask(t.Context(), q)
	if err != nil || len(said.Deny) != 0 || len(said.Act) != 1 {
		t.Errorf("said %+v, %v", said, err)
	}
}

func TestShapesWithoutAFixedFormAreRefused(t *testing.T) {
	for _, sample := range []any{
		struct {
			P *int `json:"p"`
		}{}, struct {
			A any `json:"a"`
		}{}, struct {
			N int
		}{}, struct {
			M map[int]string `json:"m"`
		}{}, struct {
			L []chan int `json:"l"`
		}{},
	} {
		if of, err := shapeOf(reflect.TypeOf(sample)); err == nil {
			t.Errorf("%T has shape %+v", sample, of)
		}
	}
}
