// Package timeline renders the history of an incident for people: [Show] as the timeline that somebody reads at 3 a.m., [Lines]
// as lines of what happens now, [Report] as the Markdown of a post-mortem.
//
// It says what is in the record and nothing else: a line appears only when what it says is known. All times are UTC. Text
// that came from outside is shown so that it can neither move a terminal's cursor nor be taken for Markdown.
package timeline
