package rego

import (
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// recollection is what rules are worth in one evaluation: what was known before it, and what it works out. Under "with" other values hold:
// there nothing was known. A value is always that of all that a rule says, since evaluation does not stop early.
type recollection struct {
	topdown.VirtualCache
	helpers *helper
	asking  *asking // nil while rules are loaded: nothing is remembered then
	values  []worth // by number
	depth   int
}

// worth is the value of a rule that varies.
type worth struct {
	value   *ast.Term // nil when it has none
	known   bool
	key     []byte // once it was looked for
	learned bool
}

func recollect(helpers *helper, a *asking) *recollection {
	r := &recollection{VirtualCache: topdown.NewVirtualCache(), helpers: helpers, asking: a}
	if a != nil {
		r.values = make([]worth, a.numbered)
	}
	return r
}

// Push begins what is under "with".
func (r *recollection) Push() {
	r.depth++
	r.VirtualCache.Push()
}

// Pop ends it.
func (r *recollection) Pop() {
	r.depth--
	r.VirtualCache.Pop()
}

// Get gives the value at a path, or says that there is none; neither when that is not known.
func (r *recollection) Get(path ast.Ref) (value *ast.Term, undefined bool) {
	h := r.helper(path)
	switch {
	case h == nil:
		return r.VirtualCache.Get(path)
	case h.constant != nil:
		return h.constant, false
	}
	w := &r.values[h.number]
	if !w.known && w.key == nil && h.number >= len(r.asking.sets) { // sets were looked for before
		w.key = r.asking.key(h.number, h.about)
		w.value, w.known = r.asking.helped.recall(w.key)
	}
	return w.value, w.known && w.value == nil
}

// Put learns the value at a path, nil when there is none.
func (r *recollection) Put(path ast.Ref, value *ast.Term) {
	h := r.helper(path)
	if h == nil || !h.varies {
		r.VirtualCache.Put(path, value)
		return
	}
	w := &r.values[h.number]
	w.value, w.known, w.learned = value, true, true
}

// helper is the rule at a path where its value is that of the question.
func (r *recollection) helper(path ast.Ref) *helper {
	if r.depth > 0 {
		return nil
	}
	h := r.helpers.at(path)
	if h == nil || h.constant == nil && (!h.varies || r.asking == nil) {
		return nil
	}
	return h
}

// keep remembers what was learned, if it is small: what is large is seldom asked for twice.
func (r *recollection) keep() {
	for _, w := range r.values {
		if w.learned && w.key != nil {
			if size, small := sizeOf(w.value); small {
				r.asking.helped.keep(w.key, w.value, size)
			}
		}
	}
}

// maxParts bounds the values of helpers that are remembered.
const maxParts = 200

// sizeOf is about how many bytes a value takes, as far as it is small.
func sizeOf(value *ast.Term) (bytes int, small bool) {
	parts := 0
	var count func(*ast.Term)
	count = func(part *ast.Term) {
		if parts++; parts > maxParts {
			return
		}
		bytes += 64
		switch of := part.Value.(type) {
		case ast.String:
			bytes += len(of)
		case *ast.Array:
			of.Foreach(count)
		case ast.Set:
			of.Foreach(count)
		case ast.Object:
			of.Foreach(func(key, value *ast.Term) { count(key); count(value) })
		}
	}
	if value != nil {
		count(value)
	}
	return bytes, parts <= maxParts
}
