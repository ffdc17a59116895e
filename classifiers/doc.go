// Package classifiers says what is broken and how far it reaches.
//
// Terms:
//
//   - A [View] is all that is known of the fleet now, folded from events. Its time is the time of the last event it folded;
//     it has no other clock, so that the same events always give the same view.
//   - A [Finding] is what a classifier says of a view at one moment.
//   - A [Fault] is a finding that persisted through its confirmation window: a kind, an anchor, a scope, the signals that
//     agree out of those that were asked, the evidence, and a sentence.
//   - A [Classifier] is a pure function of the view.
//
// Missing data is neither up nor down: a signal whose observer is blind is not asked, and without any signal asked nothing
// is found.
//
// A worked example: the lease events of worker-1 say fresh, then stale. [Node] finds a fault of kind node, anchored at
// worker-1 and its UID, "worker-1 is silent: its Lease was not renewed for 25s", with one signal of two agreeing: the Ready
// condition was asked too and has not turned yet.
package classifiers
