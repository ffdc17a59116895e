package rego

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"go.yaml.in/yaml/v3"

	"github.com/salvor-io/salvor/policies"
)

// settingsCheck holds the settings of one file against those that the shipped rules read. Others are their author's own.
type settingsCheck struct {
	file   string
	groups map[string]any // those of all files together: settings name them; nil when they cannot be read
	taken  bool           // some version took them before: what only this one would refuse is let be
	found  *problems
	own    *[]ownSetting
}

// ownSetting is a setting that the shipped rules do not know: some rule of its author has to read it.
type ownSetting struct {
	name, file string
	line       int
}

// checkSettings finds what is wrong with settings, line by line, and returns those that only rules of their author can read.
func (p *problems) checkSettings(list []file, merged map[string]any, taken bool) (own []ownSetting) {
	groups, _ := merged["groups"].(map[string]any)
	if _, there := merged["groups"]; !there {
		groups = map[string]any{}
	}
	for _, one := range list {
		document := p.documentOf(one)
		if document == nil {
			continue
		}
		p.addTwice(one.path, document)
		if config := p.configOf(one.path, document); config != nil {
			settingsCheck{one.path, groups, taken, p, &own}.settings(config)
		}
	}
	return own
}

// addUnread refuses settings that no rule reads: nobody would notice that they change nothing.
func (p *problems) addUnread(compiler *ast.Compiler, own []ownSetting) {
	for _, setting := range own {
		if !settingRead(compiler, setting.name) {
			p.addAt(setting.file, setting.line, "salvor.config.%s: no rule reads this setting%s", setting.name, meant(setting.name, namesOf(reflect.TypeFor[policies.Settings]())))
		}
	}
}

// settingRead says whether a rule names a setting, all settings, or some setting by a variable.
func settingRead(compiler *ast.Compiler, name string) bool {
	prefix := ast.MustParseRef("data." + configPath)
	read := false
	for path, module := range compiler.Modules {
		if path == configPath {
			continue
		}
		ast.WalkRefs(module, func(ref ast.Ref) bool {
			if ref.HasPrefix(prefix) {
				text, isText := ast.String(""), false
				if len(ref) > len(prefix) {
					text, isText = ref[len(prefix)].Value.(ast.String)
				}
				read = read || !isText || string(text) == name
			}
			return read
		})
	}
	return read
}

func (p *problems) addAt(file string, line int, format string, args ...any) {
	*p = append(*p, Problem{File: file, Line: line, Text: fmt.Sprintf(format, args...)})
}

// settings checks the ones that are known.
func (c settingsCheck) settings(n *yaml.Node) {
	known := reflect.TypeFor[policies.Settings]()
	c.entries("", n, func(name *yaml.Node) (reflect.StructField, bool) {
		f, ok := fieldNamed(known, name.Value)
		if !ok {
			*c.own = append(*c.own, ownSetting{name.Value, c.file, name.Line})
		}
		return f, ok
	})
}

func (c settingsCheck) wrong(n *yaml.Node, at, format string, args ...any) {
	if at != "" {
		at = "." + at
	}
	c.found.addAt(c.file, n.Line, "salvor.config%s: %s", at, fmt.Sprintf(format, args...))
}

// check holds a value against the type that it is to have, and against what the tag of its field says.
func (c settingsCheck) check(at string, n *yaml.Node, of reflect.Type, tag reflect.StructTag) {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		c.wrong(n, at, "anchors and aliases are not read here: write the value out")
	case n.Tag == "!!null":
		c.wrong(n, at, "it is empty: give it a value, or take it out")
	case of.Kind() == reflect.Struct:
		c.entries(at, n, func(name *yaml.Node) (reflect.StructField, bool) { return c.field(at, name, of) })
		c.complete(at, n, of)
		c.inOrder(at, n, of)
	case of.Kind() == reflect.Map:
		c.entries(at, n, func(name *yaml.Node) (reflect.StructField, bool) { return c.key(at, name, of, tag) })
	case of.Kind() == reflect.Slice:
		c.list(at, n, of, tag)
	default:
		c.scalar(at, n, of, tag)
	}
}

// entries checks each entry by the field that is found for its key.
func (c settingsCheck) entries(at string, n *yaml.Node, find func(name *yaml.Node) (reflect.StructField, bool)) {
	if n.Kind != yaml.MappingNode {
		c.wrong(n, at, "want keys with values, not %s", formOf(n))
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		if f, ok := find(name); ok {
			c.check(strings.TrimPrefix(at+"."+name.Value, "."), n.Content[i+1], f.Type, f.Tag)
		}
	}
}

// complete finds keys that a record cannot do without.
func (c settingsCheck) complete(at string, n *yaml.Node, of reflect.Type) {
	for i := range of.NumField() {
		f := of.Field(i)
		if name := f.Tag.Get("json"); f.Tag.Get("needed") != "" && n.Kind == yaml.MappingNode && valueOf(n, name) == nil {
			c.wrong(n, at+"."+name, "it is missing")
		}
	}
}

// inOrder finds a freeze that ends before it begins, which would hold nothing.
func (c settingsCheck) inOrder(at string, n *yaml.Node, of reflect.Type) {
	if of != reflect.TypeFor[policies.Freeze]() || n.Kind != yaml.MappingNode {
		return
	}
	from, until := instantOf(valueOf(n, "from")), instantOf(valueOf(n, "until"))
	if !from.IsZero() && !until.IsZero() && !from.Before(until) {
		c.wrong(valueOf(n, "until"), at+".until", "it ends before it begins")
	}
}

func (c settingsCheck) field(at string, name *yaml.Node, of reflect.Type) (reflect.StructField, bool) {
	f, ok := fieldNamed(of, name.Value)
	if !ok {
		c.wrong(name, at+"."+name.Value, "no setting is named so%s; there are %s", meant(name.Value, namesOf(of)), strings.Join(namesOf(of), ", "))
	}
	return f, ok
}

func (c settingsCheck) key(at string, name *yaml.Node, of reflect.Type, tag reflect.StructTag) (reflect.StructField, bool) {
	keys := listed(tag, "keys")
	ok := keys == nil || slices.Contains(keys, name.Value)
	if !ok {
		c.wrong(name, at+"."+name.Value, "%s", never(name.Value, keys))
	}
	return reflect.StructField{Type: of.Elem(), Tag: tag}, ok
}

func (c settingsCheck) list(at string, n *yaml.Node, of reflect.Type, tag reflect.StructTag) {
	if n.Kind != yaml.SequenceNode {
		c.wrong(n, at, "want a list, not %s", formOf(n))
		return
	}
	if tag.Get("some") != "" && len(n.Content) == 0 {
		c.wrong(n, at, "it is empty: an ask of nobody is never answered")
	}
	for i, item := range n.Content {
		c.check(fmt.Sprintf("%s[%d]", at, i), item, of.Elem(), reflect.StructTag(fmt.Sprintf("oneof:%q form:%q", tag.Get("each"), tag.Get("eachform"))))
	}
}

func formOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys with values"
	case yaml.SequenceNode:
		return "a list"
	}
	return fmt.Sprintf("%q", n.Value)
}

func listed(tag reflect.StructTag, key string) []string {
	if text := tag.Get(key); text != "" {
		return strings.Split(text, ",")
	}
	return nil
}

func fieldNamed(of reflect.Type, name string) (reflect.StructField, bool) {
	for i := range of.NumField() {
		if f := of.Field(i); f.Tag.Get("json") == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func namesOf(of reflect.Type) []string {
	var names []string
	for i := range of.NumField() {
		names = append(names, of.Field(i).Tag.Get("json"))
	}
	return names
}
