package rego

import (
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Every way to name a function: called, replaced, or put in place of another.
func TestImpureFunctionsAreRefused(t *testing.T) {
	for _, name := range []string{
		"http.send", "net.lookup_ip_addr", "net.cidr_contains", "time.now_ns", "rand.intn", "opa.runtime", "uuid.rfc4122",
		"io.jwt.decode_verify", "io.jwt.encode_sign", "json.match_schema", "json.verify_schema", "crypto.x509.parse_and_verify_certificates",
		"providers.aws.sign_req",
	} {
		if !refusedFunction(name) {
			t.Errorf("%s is not refused, or this OPA does not have it", name)
		}
		for form, text := range map[string]string{
			"called":                    `deny contains "x" if NAME(input)`,
			"called in a helper":        "f(x) := NAME(x)\ndeny contains \"x\" if f(1)",
			"in place of a builtin":     `deny contains "x" if count([1]) == 1 with count as NAME`,
			"in place of a rule":        "f(x) := x\ndeny contains \"x\" if f(1) with f as NAME",
			"replaced by a value":       `deny contains "x" if input.now with NAME as {"a": 1}`,
			"replaced by a function":    "f(x) := x\ndeny contains \"x\" if f(1) with NAME as f",
			"called below another with": `deny contains "x" if { count([NAME(1) | input.now]) == 1 with input.now as "x" }`,
		} {
			_, err := New(t.Context(), rules(strings.ReplaceAll(text, "NAME", name)), Options{})
			if err == nil || !strings.Contains(err.Error(), name+" is refused: rules reach no network, clock, chance or environment") {
				t.Errorf("%s %s: %v", name, form, err)
			}
		}
	}
}

// The compiler alone refuses them too: what an author reads first is not what protects.
func TestCompilerHasNoImpureFunctions(t *testing.T) {
	for _, text := range []string{
		`deny contains "x" if http.send({}).status_code == 200`,
		`deny contains "x" if count([1]) == 1 with count as http.send`,
		"f(x) := x\ndeny contains \"x\" if f({}) with f as http.send",
		`deny contains "x" if input.now with http.send as {}`,
		`deny contains "x" if trace("x")`,
		`deny contains "x" if count([1]) == 1 with count as trace`,
	} {
		module := ast.MustParseModuleWithOpts("package salvor.policies.zone\n"+text, ast.ParserOptions{RegoVersion: ast.RegoV1})
		_, err := compileModules(map[string]*ast.Module{"zone.rego": module}, questionShape(t), Options{})
		if err == nil {
			t.Errorf("compiled: %s", text)
		}
	}
}

func TestCapabilitiesKeepTheLanguage(t *testing.T) {
	capabilities := pureCapabilities()
	for _, name := range []string{"count", "sprintf", "time.clock", "time.parse_rfc3339_ns", "regex.match", "walk", "internal.member_2", "object.get"} {
		if !capabilities.ContainsBuiltin(name) {
			t.Errorf("%s is missing", name)
		}
	}
	if slices.ContainsFunc(capabilities.Builtins, (*ast.Builtin).IsNondeterministic) {
		t.Error("a function that OPA marks as nondeterministic is left")
	}
	if capabilities.AllowNet == nil || len(capabilities.AllowNet) > 0 {
		t.Error("schemas may be fetched from the network")
	}
	if all := ast.CapabilitiesForThisVersion(); !all.ContainsBuiltin("http.send") {
		t.Error("OPA's own list was changed")
	}
}
