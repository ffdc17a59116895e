package regotest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/salvor-io/salvor/policies"
)

// Case is a question and the decision that is wanted of it, as a file *_test.json holds it. The whole way is gone for it: rules, class,
// mode and brakes. Facts that the question leaves out are zero.
type Case struct {
	Name     string            `json:"name"`
	Question policies.Question `json:"question"`
	Want     Want              `json:"want"`
}

// Want is what is wanted of a decision. What is nil is not compared; an empty list wants that nothing is there.
type Want struct {
	Verdict policies.Verdict  `json:"verdict"`
	Would   policies.Verdict  `json:"would"`
	Reasons []policies.Reason `json:"reasons,omitzero"`
	Held    []policies.Reason `json:"held,omitzero"`
	Asks    *policies.Asks    `json:"asks,omitempty"`
}

// WantOf wants a decision as it is.
func WantOf(d policies.Decision) Want {
	return Want{Verdict: d.Verdict, Would: d.Would, Reasons: d.Reasons, Held: d.Held, Asks: d.Asks}
}

// ReadCase reads a case strictly: a field that it does not have, and a name or a verdict that is missing, is an error.
func ReadCase(text []byte) (Case, error) {
	var c Case
	if err := decode(text, &c); err != nil {
		return Case{}, err
	}
	var has struct {
		Name     string           `json:"name"`
		Question *json.RawMessage `json:"question"`
		Want     struct {
			Verdict *json.RawMessage `json:"verdict"`
			Would   *json.RawMessage `json:"would"`
		} `json:"want"`
	}
	if err := json.Unmarshal(text, &has); err != nil {
		return Case{}, err
	}
	switch {
	case has.Name == "":
		return Case{}, errors.New("it has no name: say in words what it is about")
	case strings.ContainsFunc(has.Name, unicode.IsControl):
		return Case{}, errors.New("its name is not one line of text")
	case has.Question == nil:
		return Case{}, errors.New("it has no question: write the facts that it is about")
	case has.Want.Verdict == nil || has.Want.Would == nil:
		return Case{}, errors.New(`it does not say what is wanted: write "want": {"verdict": "ask", "would": "act"}, each deny, ask or act`)
	}
	return c, nil
}

// decode reads one JSON document strictly, on top of what is there.
func decode(text []byte, into any) error {
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(into); err != nil {
		return err
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows after its end")
	}
	return nil
}

// Write writes the case as ReadCase reads it.
func (c Case) Write(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	if err := out.Encode(c); err != nil {
		return fmt.Errorf("write case %s: %w", c.Name, err)
	}
	return nil
}
