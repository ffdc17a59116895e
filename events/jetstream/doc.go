// Package jetstream keeps events on NATS JetStream: it is the durable [events.Log].
//
// Terms:
//
//   - A [Conn] is a connection to one NATS, either embedded in this process ([Embed]) or elsewhere ([Dial]). Everything
//     after connecting is the same code. A Conn outlives restarts of the server behind it: handles taken from it
//     reconnect by themselves.
//   - A [Log] is the stream SALVOR_EVENTS behind a Conn, with SALVOR_DEAD beside it for what could not be handled.
//
// # Durability
//
// The embedded server fsyncs each write before it acknowledges it. An external server does so only when its operator
// wrote
//
//	jetstream { sync_interval: always }
//
// into its configuration, or accepts that losing power on a majority of replicas at once loses up to two minutes.
// [Conn.Durable] says what the server lets us know about it.
//
// # What is kept
//
// SALVOR_EVENTS keeps the last 8 events of each subject for 30 days and refuses new ones when its bytes are used up; it
// never drops what it accepted to make room. A duplicate is recognised for 15 minutes by its event ID, also after a
// restart, as long as the event is among those kept: 8 newer events of the same subject and a restart together make the
// log forget that it saw an event.
//
// # Trouble
//
// A full disk wedges a stream of an embedded server until the server restarts. The Conn notices, reports it by
// [Conn.Healthy], waits until the directory takes writes again and restarts the server. Appends meanwhile answer
// [events.ErrUnavailable]; Follow and Subscribe go on where they were.
package jetstream
