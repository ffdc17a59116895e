package rego

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"
)

// documentOf is the only document of a file, nil when there is none: of more, all but the first would be missed.
func (p *problems) documentOf(one file) *yaml.Node {
	var document, next yaml.Node
	reader := yaml.NewDecoder(bytes.NewReader(one.text))
	err := reader.Decode(&document)
	if errors.Is(err, io.EOF) {
		p.addAt(one.path, 1, wantSettings)
		return nil
	}
	if err == nil {
		err = reader.Decode(&next)
	}
	switch {
	case errors.Is(err, io.EOF):
		return &document
	case err == nil:
		p.addAt(one.path, next.Line, "more than one document stands in it: take out the lines with ---")
	default:
		*p = append(*p, unparsed(one, err))
	}
	return nil
}

const wantSettings = "it must hold settings as {salvor: {config: {...}}} and nothing else"

// configOf is the node of the settings in a document, nil when it holds something else. The path is written out, since that is how OPA's
// own tools read such a file too.
func (p *problems) configOf(file string, document *yaml.Node) *yaml.Node {
	inner := root(document)
	for _, key := range []string{"salvor", "config"} {
		if other := otherThan(key, inner); other != nil {
			p.addAt(file, other.Line, wantSettings)
			return nil
		}
		inner = valueOf(inner, key)
	}
	if inner.Kind != yaml.MappingNode {
		p.addAt(file, inner.Line, "salvor.config must be a map")
		return nil
	}
	return inner
}

// otherThan is what a node has beside a key, or has instead of it; nil when there is nothing else.
func otherThan(key string, n *yaml.Node) *yaml.Node {
	if n.Kind != yaml.MappingNode || valueOf(n, key) == nil {
		return n
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != key {
			return n.Content[i]
		}
	}
	return nil
}

// addTwice refuses keys that stand twice in one place: one of them would be missed.
func (p *problems) addTwice(file string, n *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		lines := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if before, twice := lines[key.Value]; twice {
				p.addAt(file, key.Line, "%s stands here twice, in line %d first: keep one", key.Value, before)
				continue
			}
			lines[key.Value] = key.Line
		}
	}
	for _, below := range n.Content {
		p.addTwice(file, below)
	}
}

func root(document *yaml.Node) *yaml.Node {
	if document.Kind == yaml.DocumentNode && len(document.Content) == 1 {
		return document.Content[0]
	}
	return document
}

func valueOf(n *yaml.Node, key string) *yaml.Node {
	if n == nil {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
