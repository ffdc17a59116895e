// Package scenarios holds stories: scenes that a person wrote, each with what Salvor is to make of it. "salvor replay STORY" plays
// one of them; see README.md beside them.
package scenarios
