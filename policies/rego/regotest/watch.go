package regotest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/salvor-io/salvor/policies/rego"
)

// maxInputs bounds the distinct inputs that are kept.
const maxInputs = 10_000

// watcher sees each step of tests that run one after the other: what they reach, and the inputs under which they ask what deny, ask and
// act say.
type watcher struct {
	cover *cover.Cover
	keeps bool // the inputs
	test  *ast.Location
	seen  map[string]*asked

	leftOut int
}

// asked is an input, with the first test that has it.
type asked struct {
	input *ast.Term
	by    *ast.Location
}

func newWatcher(keepsInputs bool) *watcher {
	return &watcher{cover: cover.New(), keeps: keepsInputs, seen: map[string]*asked{}}
}

// Enabled implements topdown.QueryTracer.
func (w *watcher) Enabled() bool { return true }

// Config implements topdown.QueryTracer.
func (w *watcher) Config() topdown.TraceConfig { return w.cover.Config() }

// TraceEvent implements topdown.QueryTracer.
func (w *watcher) TraceEvent(event topdown.Event) {
	w.cover.TraceEvent(event)
	if !w.keeps {
		return
	}
	switch rule, _ := event.Node.(*ast.Rule); {
	case event.Op == topdown.EnterOp && rule != nil && isTest(rule):
		w.test = rule.Location
	case event.Op == topdown.IndexOp && event.Ref != nil && event.Input() != nil && w.test != nil && rego.WordOf(*event.Ref) != "":
		w.keep(event.Input())
	}
}

func isTest(rule *ast.Rule) bool {
	return slices.ContainsFunc(rule.Head.Ref(), func(part *ast.Term) bool {
		return strings.HasPrefix(strings.Trim(part.String(), `"`), tester.TestPrefix)
	})
}

func (w *watcher) keep(input *ast.Term) {
	key := input.String()
	known := w.seen[key]
	switch {
	case known != nil && w.test.Compare(known.by) < 0:
		known.by = w.test
	case known == nil && len(w.seen) < maxInputs:
		w.seen[key] = &asked{input, w.test}
	case known == nil:
		w.leftOut++
	}
}

// inputs are what was kept, in order of their tests.
func (w *watcher) inputs() []*asked {
	var all []*asked
	for _, one := range w.seen {
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b *asked) int { return cmp.Or(a.by.Compare(b.by), a.input.Value.Compare(b.input.Value)) })
	return all
}
