package policies

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/classifiers"
)

// schema is a JSON schema (draft-07) of a Go type, with the comments of its fields.
type schema struct {
	Dialect     string             `json:"$schema,omitempty"`
	ID          string             `json:"$id,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        any                `json:"type"`
	Format      string             `json:"format,omitempty"`
	Const       any                `json:"const,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Other       any                `json:"additionalProperties,omitempty"` // false for a record, the schema of the values of a map
	Items       *schema            `json:"items,omitempty"`
}

// comments are what is written behind the fields of the types of this package, by "Type.Field".
type comments map[string]string

func readComments(t *testing.T) comments {
	t.Helper()
	out := comments{}
	names, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				out.of(spec)
			}
			return true
		})
	}
	return out
}

func (c comments) of(spec *ast.TypeSpec) {
	record, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range record.Fields.List {
		for _, name := range field.Names {
			c[spec.Name.Name+"."+name.Name] = strings.TrimSpace(field.Comment.Text())
		}
	}
}

// schemaOf describes a type. Everything is required and nothing else is there, as in what Salvor writes.
func (c comments) schemaOf(of reflect.Type) *schema {
	switch {
	case of == reflect.TypeFor[time.Time]():
		return &schema{Type: "string", Format: "date-time"}
	case of.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return &schema{Type: "string"}
	}
	switch of.Kind() {
	case reflect.Pointer:
		out := c.schemaOf(of.Elem())
		out.Type = []any{out.Type, "null"}
		return out
	case reflect.Struct:
		return c.recordOf(of)
	case reflect.Slice:
		return &schema{Type: "array", Items: c.schemaOf(of.Elem())}
	case reflect.Map:
		return &schema{Type: "object", Other: c.schemaOf(of.Elem())}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Int:
		return &schema{Type: "integer"}
	case reflect.Float64:
		return &schema{Type: "number"}
	}
	return &schema{Type: "string"}
}

func (c comments) recordOf(of reflect.Type) *schema {
	out := &schema{Type: "object", Properties: map[string]*schema{}, Other: false}
	for i := range of.NumField() {
		f := of.Field(i)
		name := f.Tag.Get("json")
		part := c.schemaOf(f.Type)
		part.Description = c[of.Name()+"."+f.Name]
		if values := f.Tag.Get("oneof"); values != "" {
			part.Enum = strings.Split(values, ",")
		}
		out.Properties[name], out.Required = part, append(out.Required, name)
	}
	return out
}

// published are the documents whose schemas are shipped.
func published(c comments) map[string]*schema {
	input, decision := c.schemaOf(reflect.TypeFor[Question]()), c.schemaOf(reflect.TypeFor[Decision]())
	input.Title, input.Description = "input of a policy", "What rules see as input. Within a version, fields are only added."
	input.Properties["schema"].Const = InputVersion
	decision.Title, decision.Description = "decision", "What is answered, and stored beside the input."
	out := map[string]*schema{"input": input, "decision": decision}
	for name, s := range out {
		s.Dialect, s.ID = "http://json-schema.org/draft-07/schema#", fmt.Sprintf("https://salvor.io/schemas/policy/v%d/%s.json", InputVersion, name)
	}
	return out
}

// TestSchemasAreCurrent keeps what is shipped in bundle/schemas what the types are.
func TestSchemasAreCurrent(t *testing.T) {
	for name, s := range published(readComments(t)) {
		path := "bundle/schemas/" + name + ".json"
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(s); err != nil {
			t.Fatal(err)
		}
		is, err := os.ReadFile(path)
		if err == nil && bytes.Equal(is, want.Bytes()) {
			continue
		}
		if err == nil {
			grows(t, path, plain(t, is), plain(t, s))
		}
		switch {
		case !*update:
			t.Errorf("%s is not what the types say: go test ./policies -update", path)
		case !t.Failed():
			if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// grows holds the rule of versions: what was shipped for a version stays as it was.
func grows(t *testing.T, path string, shipped, now map[string]any) {
	t.Helper()
	if shipped["$id"] == now["$id"] {
		for _, lost := range shrunk("", shipped, now) {
			t.Errorf("%s: %s: within version %d fields are only added; raise InputVersion", path, lost, InputVersion)
		}
	}
}

// plain is a schema as JSON has it.
func plain(t *testing.T, of any) map[string]any {
	t.Helper()
	text, isText := of.([]byte)
	var err error
	if !isText {
		text, err = json.Marshal(of)
	}
	var out map[string]any
	if err = errors.Join(err, json.Unmarshal(text, &out)); err != nil {
		t.Fatal(err)
	}
	return out
}

// shrunk lists what a schema has lost, or has in another form.
func shrunk(at string, was, now map[string]any) []string {
	if now == nil {
		return []string{at + " is gone"}
	}
	var out []string
	if fmt.Sprint(was["type"]) != fmt.Sprint(now["type"]) {
		out = append(out, fmt.Sprintf("%s was %v and is %v", at, was["type"], now["type"]))
	}
	known, _ := now["enum"].([]any)
	values, _ := was["enum"].([]any)
	for _, value := range values {
		if !slices.Contains(known, value) {
			out = append(out, fmt.Sprintf("%s was %q at times, and cannot be", at, value))
		}
	}
	left, _ := now["properties"].(map[string]any)
	fields, _ := was["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		out = append(out, shrunkPart(at+"."+name, fields[name], left[name])...)
	}
	out = append(out, shrunkPart(at+"[_]", was["items"], now["items"])...)
	return append(out, shrunkPart(at+"[_]", was["additionalProperties"], now["additionalProperties"])...)
}

func shrunkPart(at string, was, now any) []string {
	before, isPart := was.(map[string]any)
	if !isPart {
		return nil
	}
	after, _ := now.(map[string]any)
	return shrunk(at, before, after)
}

func TestShrunkIsSeen(t *testing.T) {
	full := func() *schema { return published(readComments(t))["input"] }
	was := plain(t, full())
	if lost := shrunk("", was, plain(t, full())); len(lost) > 0 {
		t.Errorf("of the same: %v", lost)
	}
	for _, c := range []struct {
		change func(*schema)
		want   string
	}{
		{func(s *schema) { delete(s.Properties["plan"].Properties, "class") }, ".plan.class is gone"},
		{func(s *schema) { s.Properties["plan"].Properties["targets"].Items = nil }, ".plan.targets[_] is gone"},
		{func(s *schema) { delete(s.Properties["view"].Properties["zones"].Other.(*schema).Properties, "nodes") }, ".view.zones[_].nodes is gone"},
		{func(s *schema) { s.Properties["now"].Type = "number" }, ".now was string and is number"},
		{func(s *schema) { s.Properties["mode"].Enum = []string{"observe", "act"} }, `.mode was "suggest" at times, and cannot be`},
	} {
		now := full()
		c.change(now)
		if lost := shrunk("", was, plain(t, now)); !slices.Contains(lost, c.want) {
			t.Errorf("want %q of %v", c.want, lost)
		}
	}
}

// TestEveryFieldIsExplained: authors read the comments.
func TestEveryFieldIsExplained(t *testing.T) {
	said := readComments(t)
	var walk func(of reflect.Type)
	walk = func(of reflect.Type) {
		switch of.Kind() {
		case reflect.Slice, reflect.Map, reflect.Pointer:
			walk(of.Elem())
		case reflect.Struct:
			for i := range of.NumField() {
				if of != reflect.TypeFor[time.Time]() {
					if said[of.Name()+"."+of.Field(i).Name] == "" {
						t.Errorf("%s.%s has no comment behind it", of.Name(), of.Field(i).Name)
					}
					walk(of.Field(i).Type)
				}
			}
		}
	}
	walk(reflect.TypeFor[Question]())
	walk(reflect.TypeFor[Decision]())
}

// causes are all causes of faults there are, and none.
func causes() []string {
	out := []string{""}
	for _, kind := range classifiers.Kinds() {
		for _, cause := range classifiers.Causes(kind) {
			out = append(out, string(cause))
		}
	}
	return out
}

// TestValuesThatAreNamed: a field that has a fixed set of values names them all.
func TestValuesThatAreNamed(t *testing.T) {
	for _, c := range []struct {
		of    reflect.Type
		field string
		want  []string
	}{
		{reflect.TypeFor[Question](), "Mode", modeNames[:]}, {reflect.TypeFor[Proposal](), "Class", classNames[:]}, {reflect.TypeFor[ProposedStep](), "Class", classNames[:]},
		{reflect.TypeFor[Question](), "About", []string{string(AboutDecision), string(AboutGate), string(AboutAuthorize)}},
		{reflect.TypeFor[FaultFacts](), "Cause", causes()},
		{reflect.TypeFor[Decision](), "Verdict", verdictNames[:]}, {reflect.TypeFor[Decision](), "Would", verdictNames[:]},
	} {
		f, _ := c.of.FieldByName(c.field)
		if got := strings.Split(f.Tag.Get("oneof"), ","); !slices.Equal(got, c.want) {
			t.Errorf("%s.%s names %q, want %q", c.of.Name(), c.field, got, c.want)
		}
	}
}
