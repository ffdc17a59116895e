package runbooks

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/responders"
)

const apiVersion, kind = "salvor.io/v1", "Runbook"

var plainName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// decode reads one document. All that is wrong with it is in the error, a line each.
func decode(catalog responders.Catalog, file string, document *yaml.Node) (Runbook, error) {
	d := &decoder{file: file, catalog: catalog}
	r := Runbook{Source: file}
	if len(document.Content) != 1 {
		return r, fmt.Errorf("%s: it holds no runbook", file)
	}
	d.fields(document.Content[0], "runbook", fields{
		"apiVersion": d.constant(apiVersion),
		"kind":       d.constant(kind),
		"metadata":   func(n *yaml.Node) { d.metadata(n, &r) },
		"spec":       func(n *yaml.Node) { d.spec(n, &r) },
	}, "apiVersion", "kind", "metadata", "spec")
	return r, errors.Join(d.wrong...)
}

func (d *decoder) metadata(node *yaml.Node, r *Runbook) {
	d.fields(node, "metadata", fields{"name": func(n *yaml.Node) { r.Name = d.name(n) }}, "name")
}

// needed are the keys of a runbook for faults. One that takes back what others did has no place in the order, and nothing to verify.
var needed = []string{"fault", "steps", "verify"}

func (d *decoder) spec(node *yaml.Node, r *Runbook) {
	var causes *yaml.Node // what they may be the kind of fault says, which may stand below
	known, required := fields{
		"fault": func(n *yaml.Node) { r.Fault = d.fault(n) },
		"steps": func(n *yaml.Node) { r.Steps = d.steps(n) },
	}, needed
	r.OnDemand = true
	if r.Return = d.returns(node); r.Return {
		known["return"], required = func(*yaml.Node) {}, []string{"fault", "steps"}
	} else {
		known["cause"] = func(n *yaml.Node) { causes = n }
		known["promised"] = func(n *yaml.Node) { r.Promised = d.truth(n, "promised") }
		known["order"] = func(n *yaml.Node) { r.Order, r.OnDemand = d.number(n), false }
		known["verify"] = func(n *yaml.Node) {
			d.items(n, "verify", func(item *yaml.Node) { r.Verify = append(r.Verify, d.check(item, r.Verify)) })
		}
		known["undo"] = func(n *yaml.Node) { d.undo(n, r) }
	}
	d.fields(node, "spec", known, required...)
	if causes != nil {
		d.causes(causes, r)
	}
}

// causes reads what of a kind of fault a runbook is for.
func (d *decoder) causes(node *yaml.Node, r *Runbook) {
	d.items(node, "cause", func(item *yaml.Node) {
		cause, all := classifiers.Cause(d.text(item)), classifiers.Causes(r.Fault)
		switch {
		case len(all) == 0:
			d.complain(item, "faults of kind %s have no cause to choose by", r.Fault)
		case !slices.Contains(all, cause):
			d.complain(item, "faults of kind %s have no cause %q; they have: %v", r.Fault, cause, all)
		case slices.Contains(r.Causes, cause):
			d.complain(item, "the cause %q is given twice", cause)
		}
		r.Causes = append(r.Causes, cause)
	})
}

// returns says whether a runbook says that it takes back what others did. To say that it does not is to say nothing, and wrong.
func (d *decoder) returns(spec *yaml.Node) bool {
	for i := 0; i+1 < len(spec.Content); i += 2 {
		if key, value := spec.Content[i], spec.Content[i+1]; key.Value == "return" && value.Tag == "!!bool" {
			return strings.EqualFold(value.Value, "true")
		}
	}
	return false
}

// truth reads a key that is true where it is written: to say that it is not is to say nothing, and wrong.
func (d *decoder) truth(node *yaml.Node, key string) bool {
	if node.Tag != "!!bool" || !strings.EqualFold(node.Value, "true") {
		d.complain(node, "%s is true, or is left out", key)
	}
	return true
}

// undo reads steps, or the name of the runbook that has them.
func (d *decoder) undo(node *yaml.Node, r *Runbook) {
	if node.Kind == yaml.ScalarNode {
		r.UndoBy, r.undoLine = d.name(node), node.Line
		return
	}
	r.Undo = d.steps(node)
}

func (d *decoder) fault(node *yaml.Node) classifiers.Kind {
	k := classifiers.Kind(d.text(node))
	if !slices.Contains(classifiers.Kinds(), k) {
		d.complain(node, "there is no kind of fault %q; there are: %v", k, classifiers.Kinds())
	}
	return k
}

func (d *decoder) steps(node *yaml.Node) []Step {
	var steps []Step
	d.items(node, "steps", func(item *yaml.Node) {
		step := d.step(item)
		if slices.ContainsFunc(steps, func(s Step) bool { return s.Name == step.Name }) {
			d.complain(item, "a step before this one is named %q too", step.Name)
		}
		steps = append(steps, step)
	})
	return steps
}

func (d *decoder) step(node *yaml.Node) Step {
	s := Step{Deadline: defaultDeadline, OnFailure: responders.OnFailureStop}
	d.fields(node, "step", fields{
		"name":      func(n *yaml.Node) { s.Name = d.name(n) },
		"use":       func(n *yaml.Node) { s.Use = d.text(n) },
		"with":      func(n *yaml.Node) { s.With = d.values(n) },
		"deadline":  func(n *yaml.Node) { s.Deadline = d.duration(n, true) },
		"onFailure": func(n *yaml.Node) { s.OnFailure = d.onFailure(n) },
	}, "name", "use")
	d.fits(node, s.Use, s.With)
	return s
}

func (d *decoder) onFailure(node *yaml.Node) responders.OnFailure {
	f := responders.OnFailure(d.text(node))
	if f != responders.OnFailureStop && f != responders.OnFailureContinue {
		d.complain(node, "onFailure is %s or %s, not %q", responders.OnFailureStop, responders.OnFailureContinue, f)
	}
	return f
}

func (d *decoder) check(node *yaml.Node, before []Check) Check {
	c := Check{Settle: defaultSettle, Deadline: defaultVerify}
	d.fields(node, "check", fields{
		"name":     func(n *yaml.Node) { c.Name = d.name(n) },
		"use":      func(n *yaml.Node) { c.Use = d.text(n) },
		"with":     func(n *yaml.Node) { c.With = d.values(n) },
		"settle":   func(n *yaml.Node) { c.Settle = d.duration(n, false) },
		"deadline": func(n *yaml.Node) { c.Deadline = d.duration(n, true) },
	}, "use")
	if c.Name == "" {
		c.Name = c.Use
	}
	if slices.ContainsFunc(before, func(b Check) bool { return b.Name == c.Name }) {
		d.complain(node, "a check before this one is named %q too; give it another name", c.Name)
	}
	if c.Settle >= c.Deadline {
		d.complain(node, "the check must settle (%s) before its deadline (%s)", c.Settle, c.Deadline)
	}
	d.fits(node, c.Use, c.With)
	return c
}

// fits holds the arguments against the responder, with an example in place of each path.
func (d *decoder) fits(node *yaml.Node, use string, with map[string]Value) {
	if use == "" {
		return // reported as missing
	}
	responder, err := d.catalog.Lookup(use)
	if err != nil {
		d.complain(node, "%v", err)
		return
	}
	args := responders.Args{}
	for name, value := range with {
		args[name] = value.example()
	}
	if err := responder.Spec().Check(args); err != nil {
		d.complain(node, "%v", err)
	}
}
