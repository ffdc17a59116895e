// Package chat shows incidents in channels of a chat, one message for each, and takes what people say by its buttons.
//
// Chat is a view of the record and nothing else. A message is made of the card of its incident as it stands; whenever a record is added it is
// edited, so that no button outlives what it asks, whoever decided and wherever. What people press is said to the approval desk, where it
// counts or does not, like anything that is said on the command line.
//
// Any replica may show an incident. Which one does, and where the message is, is a [Place] that is kept in the ledger and changed by
// compare-and-set: it is written before the message is, so that a replica that takes over knows that there may be one, and looks for it before it
// posts. Chat that is away delays messages and nothing else.
package chat
