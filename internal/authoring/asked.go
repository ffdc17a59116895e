package authoring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/salvor-io/salvor/policies"
)

// Asked is a question, and what was decided about it, where that is known.
type Asked struct {
	Question policies.Question
	Decision *policies.Decision // nil for a question alone
	Missing  []string           // paths of facts that the document lacks; they are zero
}

// ReadAsked reads a question, a decision as Salvor stores it, or a recorded case of a test. A field that no question has is an error.
func ReadAsked(text []byte) (Asked, error) {
	var parts struct {
		Question json.RawMessage    `json:"question"`
		Decision *policies.Decision `json:"decision"`
		Document json.RawMessage    `json:"document"` // of a decision with its place
	}
	if err := json.Unmarshal(text, &parts); err != nil {
		return Asked{}, fmt.Errorf("it is no JSON object of a question: %w", err)
	}
	if parts.Document != nil {
		return ReadAsked(parts.Document)
	}
	question := json.RawMessage(text)
	if parts.Question != nil {
		question = parts.Question
	}
	out := Asked{Decision: parts.Decision}
	in := json.NewDecoder(bytes.NewReader(question))
	in.DisallowUnknownFields()
	if err := in.Decode(&out.Question); err != nil {
		return Asked{}, fmt.Errorf("it is no question that Salvor asks: %w", err)
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return Asked{}, errors.New("something follows after its end")
	}
	var err error
	out.Missing, err = missing(question)
	return out, err
}

// missing are the paths of facts that a document lacks.
func missing(question []byte) ([]string, error) {
	whole, err := json.Marshal(policies.Question{})
	if err != nil {
		return nil, err
	}
	var want, is map[string]any
	if err := errors.Join(json.Unmarshal(whole, &want), json.Unmarshal(question, &is)); err != nil {
		return nil, err
	}
	return lacking("", want, is), nil
}

func lacking(below string, want, is map[string]any) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value, there := is[name]
		part, isRecord := want[name].(map[string]any)
		has, _ := value.(map[string]any)
		switch {
		case !there:
			out = append(out, below+name)
		case isRecord:
			out = append(out, lacking(below+name+".", part, has)...)
		}
	}
	return out
}
