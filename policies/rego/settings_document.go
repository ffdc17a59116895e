package rego

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// documentOf is the only document of a file: of more, all but the first would be missed.
func documentOf(text []byte) (*yaml.Node, error) {
	var document, next yaml.Node
	reader := yaml.NewDecoder(bytes.NewReader(text))
	if err := reader.Decode(&document); err != nil {
		return nil, err
	}
	if err := reader.Decode(&next); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("more than one document stands in it: take out the lines with ---")
	}
	return &document, nil
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
