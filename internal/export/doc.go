// Package export writes what a running Salvor recorded in a span as a file that salvor replay judges again: what judges, the histories of
// the incidents that lived then, what policy was asked about them, and the events.
//
// The log keeps the last 8 events of each object, so of what says the same again and again only the end is there: ticks, and watchers,
// probers and dead man's switches that say every few seconds how things are. An export makes up for those, at places in the order of
// events that are free since their events are not kept any more. What it made up says so by its source, [Source].
package export
