// Package api answers people and their programs: incidents and their plans, the stream of what happens, pauses, and who the
// caller is, as JSON below /v1 and as server-sent events.
//
// Everybody who calls is a [people.Person]; each path checks its verb. Reading never changes anything: all changes are POST or
// DELETE. Errors are JSON: {"error", "why", "do"}.
package api
