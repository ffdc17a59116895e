// Package replay runs Salvor over what was recorded, or over a scene that a person wrote, in virtual time, with no cluster and no
// NATS: the same pipeline, engine, classifiers, runbooks and policy as in a running replica, on a ledger in memory.
//
// What it reaches outside is on paper: a responder previews what its arguments name, an effect is said to have worked unless the
// scene says otherwise, and nobody else repairs nodes unless it says so. The same input and configuration give the same records,
// byte for byte.
package replay
