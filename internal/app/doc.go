// Package app puts Salvor together: it opens the store, rebuilds the view, and runs everything that turns what is seen into
// moves, until it is told to stop. Nothing is decided here.
//
// The order of the start is the order of trust: the store first; then the view and the index of incidents are folded from
// all that it retains; only when both have caught up do watches, judgements and moves begin. The stop is the reverse: intake first refuses,
// then moves end, then the store closes.
package app
