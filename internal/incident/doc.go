// Package incident is the life of one fault, from the moment it counts as one to a verified end, as pure values.
//
// Terms:
//
//   - A [Key] is what makes two findings the same fault: cluster, kind and anchor.
//   - A [Record] is one entry of an incident's history. The history is the incident; nothing else is. Each names the SHA-256 of the
//     one before it as that is stored, so that a history in which a byte was changed does not fit any more.
//   - An [Incident] is a history folded: its state and all that later moves need.
//   - A [State] is where an incident stands. The table in machine.go says for each state and each kind of record what
//     becomes of it; a record the table refuses is never written.
//   - A [Move] is what has to happen next. [Incident.Upcoming] finds it from the incident and what is seen now; it does nothing.
//
// A worked example: worker-1 has been silent through the confirmation window. The history becomes opened, decided(act),
// intent(cordon), done(cordon), ..., checked(verified), and the incident stands at recovered until the node returns: cleared,
// decided(act, undo), intent(restore), done(restore), closed.
package incident
