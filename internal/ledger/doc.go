// Package ledger keeps the histories of incidents on NATS JetStream, and what has to stand beside them so that any replica
// can make the next move and no two make the same one.
//
// Terms:
//
//   - A record is appended after the record that the judgement was made on: the expected last sequence of the incident's
//     subject is the lock. Whoever comes second gets [ErrLost], has written nothing, and loads the incident again.
//   - All that is written about a fault has subjects with one beginning: the records of its incidents, and its key, which says
//     that the last of them has ended, for when their records are archived. Opening an incident is a compare-and-set of what was
//     last written under any of these subjects.
//   - The [Budget] is one record of all that plans hold: locked targets, and the nodes that count against the limits. A lock is
//     held by one incident and ends with it, never by time.
//   - A [Claim] is what a decision to act takes, and each intent again where it has been released: locks and entries of the
//     budget. It is written first, as a compare-and-set of the budget; whoever loses that has written no record.
//   - The archive holds one document for each incident that ended long ago: its whole history. It is there before the first of
//     the records is purged ([Ledger.Archive]). Of budget and keys only the last revision is kept ([Ledger.Compact]).
//   - Each record names the hash of the one before it in its incident, and of the document of what policy was asked where it is about
//     an answer. Such a document lies under a name that is made of its own hash, so that a record can name it while both are stored.
//     Beside what is written lies its hash as the writer knew it. Nothing here looks at hashes: whoever audits does ([Ledger.KeptIncident]).
//   - A trail is the history of something that is not an incident, such as the policy in force: entries that name the hash of the
//     entry before, each a compare-and-set on it ([Ledger.AppendTrail]).
//   - A delivery of [Ledger.Work] says that an incident needs its next move. A [Timer] is a wait: nothing else waits.
//
// # Lost answers
//
// A write whose answer is lost may have landed. Every record carries a nonce of its one attempt, so after any error but a
// plain refusal the ledger looks at what follows the expected sequence: if it carries the nonce, the write landed. If not, or
// if that cannot be found out, the error is [events.ErrUnavailable]: the record may even land later, and whoever loads the
// incident then sees it.
//
// # Who reads what
//
// Direct reads are answered by any copy of a stream and may be behind. Reads that a judgement hangs on ask the leader of the
// stream, which is up to date; direct reads serve where the compare-and-set of the write that follows would refuse what was
// judged on an old value, and are checked against the leader's last sequence where they carry a history.
//
// # Versions
//
// Every document names its schema. One that is not known is left as it is: [ErrNewer], hands off.
package ledger
