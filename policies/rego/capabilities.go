package rego

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// impure names what is refused beyond the functions that OPA itself marks as nondeterministic: whole families whose use
// is to reach the network, the host or secrets, and notes that nobody would read.
var impure = [...]string{"http.", "net.", "opa.", "rand.", "uuid.", "io.jwt.", "crypto.x509.", "providers.", "trace"}

// pureCapabilities is the language that rules may use: every function of this OPA whose answer depends on its arguments
// alone. What is missing here cannot be compiled, under "with" neither.
func pureCapabilities() *ast.Capabilities {
	all := ast.CapabilitiesForThisVersion()
	all.AllowNet = []string{} // empty is nobody, nil would be everybody
	all.Builtins = slices.DeleteFunc(all.Builtins, func(f *ast.Builtin) bool { return !pure(f) })
	return all
}

func pure(f *ast.Builtin) bool {
	if f.IsNondeterministic() {
		return false
	}
	return !slices.ContainsFunc(impure[:], func(prefix string) bool { return strings.HasPrefix(f.Name, prefix) })
}

// refusedFunction says whether OPA has a function of that name that rules may not use.
func refusedFunction(name string) bool {
	f, known := ast.BuiltinMap[name]
	return known && !pure(f)
}
