package rego

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/salvor-io/salvor/policies"
)

// maxSaid bounds how many sentences one answer may have.
const maxSaid = 1000

// take adds what was said with a word, up to as many sentences as an answer may have.
func take(said *policies.Said, word string, more policies.Said) error {
	room := maxSaid - len(said.Deny) - len(said.Ask) - len(said.Act)
	switch word {
	case "deny":
		if len(more.Deny) > room {
			return tooMuch(more.Deny[room])
		}
		said.Deny = append(said.Deny, more.Deny...)
	case "ask":
		if len(more.Ask) > room {
			return tooMuch(more.Ask[room].Reason)
		}
		said.Ask = append(said.Ask, more.Ask...)
	case "act":
		if len(more.Act) > room {
			return tooMuch(more.Act[room])
		}
		said.Act = append(said.Act, more.Act...)
	}
	return nil
}

func tooMuch(first policies.Reason) error {
	return fmt.Errorf("%s: the rules say more than %d sentences", first.Rule, maxSaid)
}

// takeMembers adds the members of a set of a word, which are pairs of what a rule said and where it stands.
func takeMembers(said *policies.Said, word string, members ast.Set) error {
	for _, pair := range members.Slice() {
		member := pair.Value.(*ast.Array)
		if err := takeMember(said, word, member.Elem(0).Value, string(member.Elem(1).Value.(ast.String))); err != nil {
			return err
		}
	}
	return nil
}

func takeMember(said *policies.Said, word string, member ast.Value, rule string) error {
	if word == "ask" {
		ask, err := askOf(member)
		if err != nil {
			return fmt.Errorf("%s: ask: %w", rule, err)
		}
		ask.Reason.Rule = rule
		said.Ask = append(said.Ask, ask)
		return nil
	}
	text, err := sentence(member)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", rule, word, err)
	}
	into := &said.Deny
	if word == "act" {
		into = &said.Act
	}
	*into = append(*into, policies.Reason{Text: text, Rule: rule})
	return nil
}

// askFields are what an ask can have.
var askFields = [...]string{"answer_within", "escalate_to", "groups", "on_timeout", "otherwise", "reason", "votes"}

// checkWord says what is wrong with a member of the set of a word, or nil.
func checkWord(word string, member ast.Value) error {
	if word == "ask" {
		_, err := askOf(member)
		return err
	}
	_, err := sentence(member)
	return err
}

// sentence is a reason as deny and act say it.
func sentence(member ast.Value) (string, error) {
	said, ok := member.(ast.String)
	if !ok {
		return "", fmt.Errorf("the reason must be a sentence, not %s", member)
	}
	if strings.TrimSpace(string(said)) == "" {
		return "", fmt.Errorf("the reason must not be empty: people read it")
	}
	return strings.Clone(string(said)), nil // the question that it may be a part of is not kept
}

// askOf decodes an ask strictly. Without votes it asks for one, without groups for anyone who may approve, without
// on_timeout it expires.
func askOf(member ast.Value) (policies.AskRule, error) {
	object, ok := member.(ast.Object)
	if !ok {
		return policies.AskRule{}, fmt.Errorf("it must be an object such as %s, not %s", example("ask"), member)
	}
	if err := knownAskFields(object); err != nil {
		return policies.AskRule{}, err
	}
	ask := policies.AskRule{Groups: []string{}, Votes: 1, EscalateTo: []string{}}
	var err error
	for _, name := range askFields {
		if value := object.Get(ast.InternedTerm(name)); value != nil && err == nil {
			if err = setAskField(&ask, name, value.Value); err != nil {
				err = fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if err == nil {
		err = wholeAsk(ask)
	}
	return ask, err
}

func knownAskFields(object ast.Object) error {
	for _, key := range object.Keys() {
		name, isText := key.Value.(ast.String)
		if isText && !slices.Contains(askFields[:], string(name)) {
			return fmt.Errorf("it has no field %s%s; it has %s", string(name), meant(string(name), askFields[:]), strings.Join(askFields[:], ", "))
		}
	}
	return nil
}

func setAskField(ask *policies.AskRule, name string, value ast.Value) (err error) {
	switch name {
	case "groups":
		ask.Groups, err = groupNames(value)
	case "escalate_to":
		ask.EscalateTo, err = groupNames(value)
	case "votes":
		ask.Votes, err = votes(value)
	case "answer_within":
		var within time.Duration
		within, err = duration(value)
		ask.WithinS = within.Seconds()
	case "on_timeout":
		ask.OnTimeout, err = onTimeout(value)
	case "otherwise":
		ask.Otherwise, err = yes(value)
	case "reason":
		ask.Reason.Text, err = sentence(value)
	}
	return err
}

// wholeAsk holds what must be true of the fields together.
func wholeAsk(ask policies.AskRule) error {
	switch escalates := ask.OnTimeout == "escalate"; {
	case ask.Reason.Text == "":
		return fmt.Errorf("the reason is missing: people must know why they are asked")
	case escalates && len(ask.EscalateTo) == 0:
		return fmt.Errorf("on_timeout is escalate, but escalate_to names no group")
	case escalates && ask.WithinS == 0:
		return fmt.Errorf("on_timeout is escalate, but answer_within names no time")
	case !escalates && len(ask.EscalateTo) > 0:
		return fmt.Errorf("escalate_to names groups, but on_timeout is not escalate")
	}
	return nil
}

// groupNames reads a list or a set of names.
func groupNames(value ast.Value) ([]string, error) {
	names := []string{}
	var err error
	add := func(term *ast.Term) {
		name, ok := term.Value.(ast.String)
		if !ok || strings.TrimSpace(string(name)) == "" {
			err = fmt.Errorf("%s is no name of a group", term)
		}
		names = append(names, strings.Clone(string(name)))
	}
	switch value := value.(type) {
	case *ast.Array:
		value.Foreach(add)
	case ast.Set:
		value.Foreach(add)
	default:
		err = fmt.Errorf("must be a list of names, not %s", value)
	}
	return names, err
}

func votes(value ast.Value) (int, error) {
	n, ok := value.(ast.Number)
	if !ok {
		return 0, fmt.Errorf("must be a number, not %s", value)
	}
	count, whole := n.Int()
	if !whole || count < 1 {
		return 0, fmt.Errorf("must be a whole number of at least 1, not %s", value)
	}
	return count, nil
}

func duration(value ast.Value) (time.Duration, error) {
	written, ok := value.(ast.String)
	if !ok {
		return 0, fmt.Errorf("must be a duration such as \"10m\", not %s", value)
	}
	d, err := time.ParseDuration(string(written))
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("must be a duration above zero such as \"10m\", not %q", string(written))
	}
	return d, nil
}

func onTimeout(value ast.Value) (string, error) {
	if written, ok := value.(ast.String); ok && (written == "escalate" || written == "expire") {
		return string(written), nil
	}
	return "", fmt.Errorf("must be \"escalate\" or \"expire\", not %s", value)
}

func yes(value ast.Value) (bool, error) {
	written, ok := value.(ast.Boolean)
	if !ok {
		return false, fmt.Errorf("must be true or false, not %s", value)
	}
	return bool(written), nil
}
