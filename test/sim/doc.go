// Package sim runs fleets, disasters and the whole of Salvor in virtual time, from a seed, and lets an oracle judge it that knows what
// was really broken.
//
// Terms:
//
//   - truth (truth.go): the clusters as they are. Machines die, kubelets hang, networks part, API servers go away, people cordon.
//   - sources (sources.go): what a replica's watches, probes and its intake make of that, with delays, losses and repetitions.
//   - fleet of replicas (salvor.go): lives of Salvor that share a log and a ledger, die between any two moves, and lag.
//   - hands (hands.go): the responders, on the truth.
//   - crowd (people.go): those who are asked, and others; some answer, late, twice, of another plan, or not at all.
//   - oracle (oracle.go, consent.go, recall.go): what must never happen, and what must have been found. It shares no code with the classifiers,
//     nor with what counts votes.
//   - bugs (bugs.go): mistakes that can be planted, to see that the oracle finds them.
//
// One seed is one run, to the last byte: all of it runs in one goroutine at a time on a clock.Virtual.
package sim
