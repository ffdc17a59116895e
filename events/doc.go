// Package events is the vocabulary of what was seen.
//
// Terms:
//
//   - An [Event] is one observation about one object of one cluster. Its ID is its identity: two events with equal IDs
//     are the same observation, however often and by however many observers it was reported.
//   - A [Log] keeps events durably and in one order. What it has accepted survives the death of any process.
//   - A [Recorded] event is an event with its place in that order and the time at which the Log accepted it.
//   - A [Source] turns something outside (a watch, a probe) into events and appends them to a Log.
//   - A [Handler] takes events from a shared durable subscription; what it returns decides what becomes of the event.
//
// An event travels as a CloudEvent 1.0: the attributes id, source, type, subject and time, the extension attribute
// "cluster", and a JSON payload whose shape belongs to the type (see the list at [TypeNode]).
//
// A worked example: the kubelet of worker-1 stops renewing its Lease. The watch appends
//
//	Event{ID: "lease/4c1e.../1234/stale", Type: TypeLease, Cluster: "prod-eu", Entity: "node/worker-1", Data: {"state":"stale",...}}
//
// once, although two replicas saw it, since both derive the same ID. Every replica folds it into its view of the fleet.
package events
