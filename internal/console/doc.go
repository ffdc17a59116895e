// Package console is what people see of Salvor in a browser: a list of incidents, and a page for each, on which those who are asked decide.
//
// Pages are made here and work without scripts; a small script keeps them current. They set a [card.Card] and add nothing of their own, so that
// the page says what chat says. Reading changes nothing: what changes something is a POST of a page of this very session. A form names the
// plan that it was made for, so what people say is said of what they were shown.
package console
