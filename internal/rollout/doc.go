// Package rollout brings policy into force: for the whole fleet, one revision at a time, and only what a replica can answer for.
//
// Terms:
//
//   - A [Source] holds what an author wrote: a directory, or a signed bundle at an address. A [Candidate] is what it holds now.
//   - The trail says which revision is in force: each replica follows it and decides by that revision, which it takes from the store
//     and not from its own source. So replicas need not share a disk, and one whose source is broken goes on with the last good one.
//   - A candidate is read, compiled, tested, and judged by what it would make of questions: a fixed set of them, and those that were
//     decided lately. Where nothing gets looser it is in force at once. Else it is held until another person than its author says
//     [Rollout.Activate]. One that cannot be used is refused; what is in force stays.
//   - A replica offers what its source holds once. It offers again when that changes, so two replicas with different sources do
//     not take turns. The price: a new replica with an old directory offers that once, which is in force where it is not looser.
//   - A shadow is a policy that is asked beside the one in force. Nothing is done by what it says.
//
// # What is written in which order
//
// A packed policy is stored under its revision before an entry of the trail names it. A replica that dies between the two leaves a pack
// that nobody names, and offers again when it lives again. The entry is a compare-and-set on the trail: who loses reads it again and
// judges again. A replica that cannot use the revision in force decides nothing: it denies, and says why.
package rollout
