// Package responders is the vocabulary of doing: what one responder can do to the world, and what a plan is.
//
// Terms:
//
//   - A [Responder] can do one thing to the world. It previews (reads only), applies (safe to repeat) and verifies (asks the
//     world, not itself).
//   - [Args] are what a runbook step passes to a responder, resolved to plain JSON values.
//   - A [Change] is what one step will do: explicit targets, effects, class, expected duration, the command a person would
//     type. It is computed by Preview from the world and is all that Apply and Verify get.
//   - A [Plan] is a list of steps with their changes, the checks that end it, and a digest over all of it.
//   - An [Outcome] says how things stand in the world: verified, partly, not verified or unknown. Never just "ran". A
//     [Finding] is an outcome with what is not yet so.
//   - A [Catalog] is an explicit list of responders; nothing registers itself.
//
// A worked example: the step {use: node.cordon, with: {nodes: [worker-1]}} is previewed against the cluster of the incident.
// The change names node/worker-1 with its UID, says "worker-1 takes no new pods" and "kubectl cordon worker-1", class
// reversible. Apply sets spec.unschedulable under that UID and resourceVersion; a second Apply finds it set and writes
// nothing; Verify reads the node again and finds so.
package responders
