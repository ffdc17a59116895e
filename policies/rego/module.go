package rego

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Where what may stand: rules that decide, rules that help them, and settings.
const (
	policiesPath = "salvor.policies"
	libPath      = "salvor.lib"
	configPath   = "salvor.config"
)

// words are what rules can say.
var words = [...]string{"deny", "ask", "act"}

func isWord(name string) bool { return slices.Contains(words[:], name) }

// parseRules parses every file and holds the form that the contract asks for.
func parseRules(list []file, capabilities *ast.Capabilities) (map[string]*ast.Module, error) {
	modules := map[string]*ast.Module{}
	var found problems
	for _, one := range list {
		module, err := parse(one, capabilities)
		if err != nil {
			found.addParse(one.path, err)
			continue
		}
		found.checkModule(module)
		modules[one.path] = module
	}
	return modules, found.err()
}

func parse(one file, capabilities *ast.Capabilities) (*ast.Module, error) {
	return ast.ParseModuleWithOpts(one.path, string(one.text), ast.ParserOptions{RegoVersion: ast.RegoV1, Capabilities: capabilities})
}

func (p *problems) addParse(name string, err error) {
	var list ast.Errors
	var one *ast.Error
	switch {
	case errors.As(err, &one):
		p.add(ast.NewLocation(nil, name, 1, 1), "%s", one.Message)
	case errors.As(err, &list):
		for _, one := range list {
			p.add(one.Location, "%s", one.Message)
		}
	default:
		p.add(ast.NewLocation(nil, name, 1, 1), "%s", err)
	}
}

func (p *problems) checkModule(module *ast.Module) {
	name := strings.TrimPrefix(module.Package.Path.String(), "data.")
	decides := strings.HasPrefix(name, policiesPath+".")
	helps := name == libPath || strings.HasPrefix(name, libPath+".")
	switch {
	case !decides && !helps:
		p.add(module.Package.Location, "package %s is not read: rules that decide belong in a package below %s, rules that help them below %s",
			name, policiesPath, libPath)
		return
	case wordIn(module.Package.Path[1:]) != "":
		p.add(module.Package.Location, "package %s: deny, ask and act are rules, not names of packages", name)
		return
	}
	for _, rule := range module.Rules {
		p.checkForm(rule, decides)
		p.checkPure(rule)
	}
}

// checkPure names functions that rules may not use, as a call or under "with". The compiler refuses them as well, since
// they are not among its capabilities; here the author reads why.
func (p *problems) checkPure(rule *ast.Rule) {
	ast.WalkRefs(rule, func(ref ast.Ref) bool {
		if name := ref.String(); refusedFunction(name) {
			p.add(ref[0].Location, "%s is refused: rules reach no network, clock, chance or environment; the time is input.now", name)
		}
		return false
	})
}

// checkForm holds that a rule whose name is or contains one of the words is a partial set of that very name.
func (p *problems) checkForm(rule *ast.Rule, decides bool) {
	ref := rule.Head.Ref()
	word := wordIn(ref)
	switch {
	case word == "":
	case !decides:
		p.add(rule.Location, "%s says nothing here: move it to a package below %s", word, policiesPath)
	case rule.Default:
		p.add(rule.Location, "%s cannot have a default: it is a set, empty when no rule adds to it", word)
	case len(ref) != 1 || len(rule.Head.Args) > 0 || rule.Head.RuleKind() != ast.MultiValue:
		p.add(rule.Location, "%s has another form than the contract: write `%s contains %s if { ... }`", ref, word, example(word))
	default:
		p.checkMember(word, rule)
	}
}

// wordIn is the word that a path names somewhere, as itself or as a set of attributed copies, or "".
func wordIn(path ast.Ref) string {
	for _, part := range path {
		var name string
		switch value := part.Value.(type) {
		case ast.Var:
			name = string(value)
		case ast.String:
			name = string(value)
		}
		if name = strings.TrimSuffix(name, attributedMark); isWord(name) {
			return name
		}
	}
	return ""
}

func example(word string) string {
	if word == "ask" {
		return `{"groups": ["sre-oncall"], "votes": 1, "reason": "..."}`
	}
	return `"the reason"`
}

// checkMember refuses at load what is malformed whatever the input is. The rest shows when the rule is evaluated.
func (p *problems) checkMember(word string, rule *ast.Rule) {
	member := rule.Head.Key
	if word == "ask" {
		if object, ok := member.Value.(ast.Object); ok {
			if err := knownAskFields(object); err != nil {
				p.add(rule.Location, "ask: %s", err)
				return
			}
		}
	}
	if _, isRef := member.Value.(ast.Ref); isRef || !member.IsGround() || !literal(member) {
		return
	}
	if err := checkWord(word, member.Value); err != nil {
		p.add(rule.Location, "%s: %s", word, err)
	}
}

// literal says that a term is written out: nothing in it is computed.
func literal(term *ast.Term) bool {
	written := true
	ast.WalkTerms(term, func(part *ast.Term) bool {
		switch part.Value.(type) {
		case ast.Ref, ast.Var, ast.Call, *ast.ArrayComprehension, *ast.SetComprehension, *ast.ObjectComprehension, *ast.TemplateString:
			written = false
		}
		return !written
	})
	return written
}

// attributed is the name of the set that holds what the rules of a word said, each with where its rule stands. No author
// can write such a name.
func attributed(word string) string { return word + attributedMark }

const attributedMark = "@"

func attributedRule(rule *ast.Rule) bool {
	word, copied := strings.CutSuffix(string(rule.Head.Name), attributedMark)
	return copied && isWord(word)
}

// attribute adds, beside each rule that says a word, its copy that says [member, "file:line"], and returns the sets that hold the copies:
// by word, and those of a word by package. The rules themselves stay, since others may refer to them.
func attribute(modules map[string]*ast.Module) []*wordSet {
	var sets []*wordSet
	for _, module := range modules {
		for _, rule := range module.Rules {
			word := string(rule.Head.Name)
			if !isWord(word) {
				continue
			}
			module.Rules = append(module.Rules, attributedCopy(rule, word))
			path := module.Package.Path.Append(ast.StringTerm(attributed(word)))
			if !slices.ContainsFunc(sets, func(known *wordSet) bool { return known.path.Equal(path) }) {
				sets = append(sets, &wordSet{word: word, path: path})
			}
		}
	}
	slices.SortFunc(sets, func(a, b *wordSet) int {
		return cmp.Or(slices.Index(words[:], a.word)-slices.Index(words[:], b.word), a.path.Compare(b.path))
	})
	return sets
}

func attributedCopy(rule *ast.Rule, word string) *ast.Rule {
	said := rule.Copy()
	at := fmt.Sprintf("%s:%d", rule.Location.File, rule.Location.Row)
	said.Head.Name = ast.Var(attributed(word))
	said.Head.Reference = ast.Ref{ast.VarTerm(attributed(word)).SetLocation(rule.Location)}
	said.Head.Key = ast.ArrayTerm(said.Head.Key, ast.StringTerm(at)).SetLocation(rule.Head.Key.Location)
	return said
}
