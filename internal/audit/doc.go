// Package audit lets somebody who does not trust a Salvor check what it recorded.
//
// Terms:
//
//   - An audit is lines of JSON: all that is kept of incidents, of what policy was asked and of trails, byte for byte as it is stored
//     ([Auditor]). Whoever has the lines needs nothing else to check them.
//   - The chain: each record of an incident names the SHA-256 of the one before it, and of the documents of what policy was asked; each
//     entry of a trail that of the entry before it. Incidents are chained each by itself, since many are written at once and they are
//     archived one by one. Beside the bytes of each lies its mark, the SHA-256 of what was sent to be stored.
//   - A [Break] is a place where that does not fit together ([Check]).
//   - A head is the last record of an incident, or entry of a trail, by its hash: it stands for all before it. Whoever rewrites a chain
//     from some place to its end has other heads, so they are compared with those of an earlier audit that was signed ([Sign]) and
//     kept where nobody rewrites it.
//
// # What this cannot tell
//
// Without an earlier audit it is not known whether the last records of an incident, or a whole incident, were taken out, or whether
// somebody wrote a chain anew.
package audit
