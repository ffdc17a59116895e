// Package authoring is what authors of policy do with real questions: they ask their rules about one and are told how the answer came
// about, keep one as a test, and ask a candidate about all that were asked lately.
package authoring
