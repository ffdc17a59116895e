package rego

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/salvor-io/salvor/policies"
)

// AskDocument answers a question as it was stored. Lacks are the paths of facts that the rules read and that the document does not
// have, as one of an older version may: then nothing is answered. What a document has beyond a question is left out.
func (r *Rules) AskDocument(ctx context.Context, question json.RawMessage) (said policies.Said, lacks []string, err error) {
	var has map[string]any
	var q policies.Question
	if err := json.Unmarshal(question, &has); err != nil {
		return said, nil, fmt.Errorf("read the question: %w", err)
	}
	if lacks = r.program.input.lacks("", has); len(lacks) > 0 {
		return said, lacks, nil
	}
	if err := json.Unmarshal(question, &q); err != nil {
		return said, nil, fmt.Errorf("read the question: %w", err)
	}
	said, err = r.Ask(ctx, q)
	return said, nil, err
}

// AskDocument answers a question as it was stored, by the rules in force, as Rules.AskDocument does.
func (e *Engine) AskDocument(ctx context.Context, question json.RawMessage) (policies.Said, []string, error) {
	rules := e.current.Load()
	if rules == nil {
		return policies.Said{}, nil, fmt.Errorf("evaluate policy: no rules are loaded")
	}
	return rules.AskDocument(ctx, question)
}

// lacks are the paths of fields that are not there, down to lists and maps.
func (s *shape) lacks(below string, has map[string]any) []string {
	var out []string
	for _, f := range s.fields {
		value, there := has[f.name]
		part, _ := value.(map[string]any)
		switch {
		case !there:
			out = append(out, below+f.name)
		case f.shape.kind == record:
			out = append(out, f.shape.lacks(below+f.name+".", part)...)
		}
	}
	return out
}
