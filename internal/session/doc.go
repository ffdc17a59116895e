// Package session knows who looks at the console.
//
// A session is a signed cookie, good for twelve hours: it says whose it is and nothing that could be edited. Whoever salvor.yaml names is looked
// up at each request, with the role and groups of then; only who is named elsewhere, by an identity provider or as a user of the server's
// machine, carries theirs along. All replicas that share a key know each other's sessions. What has ended before its time, a session or a
// one-time link, is noted where all replicas see it.
package session
