package rego

import (
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
)

// Format lays out a file of rules or tests as OPA does, so that what differs between two versions is what their authors changed. An
// error says what cannot be parsed, with the name of the file and the line.
func Format(name string, text []byte) ([]byte, error) {
	options := ast.ParserOptions{RegoVersion: ast.RegoV1}
	out, err := format.SourceWithOpts(name, text, format.Opts{RegoVersion: ast.RegoV1, ParserOptions: &options})
	if err == nil {
		return out, nil
	}
	var list ast.Errors
	var one *ast.Error
	if errors.As(err, &list) || errors.As(err, &one) {
		var found problems
		found.addParse(name, err)
		return nil, found.err()
	}
	return nil, fmt.Errorf("format %s: %w", name, err)
}
