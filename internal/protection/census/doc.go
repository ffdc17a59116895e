// Package census reads of a cluster what says how the promises stand: what has to be kept, and what is kept. It writes nothing.
//
// Every list is read in pages, is bounded, and ends with the context. What is not installed is known not to be there. What may not be read,
// or could not be, is named, and nothing that rests on it is known.
package census
