// Package policies decides what may be done. It holds the question, the answer and the pure rules that turn what policy
// authors said into one decision; package rego evaluates their words, and no package here touches the world.
//
// Terms:
//
//   - A [Proposal] is what policy and people see of a plan: its class, explicit targets, steps, price and digest.
//   - A [Question] is all that is known when a decision is due. It is total: a fact is present or named in Unknown.
//   - [Said] is what the authors' rules answered: sets of deny, ask and act, each with its rule.
//   - A [Verdict] is Deny, Ask or Act. Deny is the zero value: a decision nobody filled in refuses.
//   - A [Decision] is the verdict with its reasons, who is to be asked, and the revision of the policy.
//   - A brake is a rule in Go that can only tighten: mode, pause, storm, budgets, a person at work.
//
// [Decide] is the whole way: ask the engine, [Combine] what it said, then tighten by class, by what is unknown, by mode and
// by brakes. Nothing after Combine can make an answer looser.
//
// A worked example: the rules say act for a cordon of one node, the mode of (prod-eu, node) is ask. Combine says Act, the
// mode holds it to Ask, and the decision carries both: Verdict Ask, Would Act.
package policies
