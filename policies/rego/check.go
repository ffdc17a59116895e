package rego

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

// explain is a compiler's error in the words of the guide for authors.
func explain(err *ast.Error) string {
	message := err.Message
	for _, word := range words {
		message = strings.ReplaceAll(message, attributed(word), word)
	}
	switch detail := err.Details.(type) {
	case *ast.RefErrInvalidDetail:
		if name, isText := detail.Ref[detail.Pos].Value.(ast.String); isText && len(detail.OneOf) > 0 {
			return unknownField(detail.Ref[:detail.Pos].String(), string(name), texts(detail.OneOf))
		}
	case *ast.RefErrUnsupportedDetail:
		return fmt.Sprintf("%s: %s is a %s", message, detail.Ref[:detail.Pos+1], detail.Have)
	case nil:
	default:
		return message + ": " + strings.Join(strings.Fields(strings.Join(detail.Lines(), ", ")), " ")
	}
	return message
}

func texts(values []ast.Value) []string {
	var all []string
	for _, value := range values {
		if name, ok := value.(ast.String); ok {
			all = append(all, string(name))
		}
	}
	return all
}

func unknownField(of, name string, names []string) string {
	slices.Sort(names)
	return fmt.Sprintf("%s has no field %s%s; it has %s", of, name, meant(name, names), strings.Join(names, ", "))
}

// checkCompiled holds for one compiled rule what OPA's own checks leave open.
func (p *problems) checkCompiled(compiler *ast.Compiler, rule *ast.Rule, input *shape) {
	if rule.Location == nil || attributedRule(rule) {
		return // a setting, or the copy of a rule
	}
	p.unknownFields(compiler, rule, variableShapes(rule, input))
	ast.WalkRefs(rule, func(ref ast.Ref) bool {
		if ref.HasPrefix(ast.DefaultRootRef) && len(compiler.GetRulesDynamicWithOpts(ref, ast.RulesOptions{})) == 0 {
			p.add(rule.Location, "%s is not there: no rule and no setting is named so", written(compiler, ref))
		}
		return false
	})
}

// checkValues refuses texts of one compiled rule that cannot be meant: what a part of the input never is, times that nobody can answer in,
// and time zones that are none.
func (p *problems) checkValues(compiler *ast.Compiler, rule *ast.Rule, input *shape) {
	if rule.Location == nil || attributedRule(rule) {
		return
	}
	p.impossibleValues(compiler, rule, variableShapes(rule, input))
	p.answerTimes(rule)
	ast.WalkExprs(rule, func(expr *ast.Expr) bool {
		if expr.IsCall() && strings.HasPrefix(expr.Operator().String(), "time.") {
			p.timeZones(expr)
		}
		return false
	})
}

// timeZones refuses zones that are written out and that no machine, or not each, understands alike.
func (p *problems) timeZones(expr *ast.Expr) {
	if namesLocalZone(expr) {
		p.add(expr.Location, "the time zone Local differs from machine to machine: name one, such as Europe/Berlin")
		return
	}
	for _, operand := range expr.Operands() {
		list, isList := operand.Value.(*ast.Array)
		if !isList || list.Len() < 2 {
			continue
		}
		if zone, written := list.Elem(1).Value.(ast.String); written {
			if _, err := time.LoadLocation(string(zone)); err != nil {
				p.add(expr.Location, "there is no time zone %q: name one, such as Europe/Berlin", string(zone))
			}
		}
	}
}

func namesLocalZone(expr *ast.Expr) bool {
	local := false
	for _, operand := range expr.Operands() {
		ast.WalkTerms(operand, func(term *ast.Term) bool {
			local = local || term.Value.Compare(ast.String("Local")) == 0
			return local
		})
	}
	return local
}

// addUnused refuses rules below salvor.policies that no deny, ask or act uses. They can have no effect: most likely their
// name is a misspelt word.
func (p *problems) addUnused(compiler *ast.Compiler) {
	used := reached(compiler, attributedRules(compiler))
	for _, name := range slices.Sorted(maps.Keys(compiler.Modules)) {
		module := compiler.Modules[name]
		if !strings.HasPrefix(module.Package.Path.String(), "data."+policiesPath+".") {
			continue
		}
		for _, rule := range module.Rules {
			if name := rule.Head.Ref().String(); !used[rule] && !isWord(name) {
				p.add(rule.Location, "%s has no effect: it is not deny, ask or act, and none of those uses it%s", name, meant(name, words[:]))
			}
		}
	}
}

// attributedRules are the rules that the answer is made of.
func attributedRules(compiler *ast.Compiler) []*ast.Rule {
	var all []*ast.Rule
	for _, module := range compiler.Modules {
		for _, rule := range module.Rules {
			if attributedRule(rule) {
				all = append(all, rule)
			}
		}
	}
	return all
}

// reached are some rules and all that their values can depend on.
func reached(compiler *ast.Compiler, from []*ast.Rule) map[*ast.Rule]bool {
	used, next := map[*ast.Rule]bool{}, slices.Clone(from) // the compiler's own list stays as it is
	for len(next) > 0 {
		rule := next[len(next)-1]
		next = next[:len(next)-1]
		if used[rule] {
			continue
		}
		used[rule] = true
		if rule.Else != nil {
			next = append(next, rule.Else)
		}
		for dependency := range compiler.Graph.Dependencies(rule) {
			if rule, ok := dependency.(*ast.Rule); ok {
				next = append(next, rule)
			}
		}
	}
	return used
}

// meant is a hint at the known name that an unknown one is close to, or nothing.
func meant(name string, known []string) string {
	for _, candidate := range known {
		if name != candidate && distance(strings.ToLower(name), candidate) <= min(len(candidate)-1, 1+len(candidate)/6) {
			return fmt.Sprintf(" (did you mean %s?)", candidate)
		}
	}
	return ""
}

// distance counts the letters to insert, remove, replace or swap with the next to turn one name into the other.
func distance(a, b string) int {
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
		for j := range table[i] {
			table[i][j] = step(table, a, b, i, j)
		}
	}
	return table[len(a)][len(b)]
}

func step(table [][]int, a, b string, i, j int) int {
	if i == 0 || j == 0 {
		return i + j
	}
	best := table[i-1][j-1]
	if a[i-1] != b[j-1] {
		best = 1 + min(best, table[i-1][j], table[i][j-1])
	}
	if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
		best = min(best, 1+table[i-2][j-2])
	}
	return best
}
