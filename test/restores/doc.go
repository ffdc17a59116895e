// Package restores proves on the real parts that data comes back: on two control planes with Velero, its AWS plugin, an object store that
// speaks S3, the snapshot controllers and a CSI driver, which share the object store and the storage as two regions share a bucket and an array.
//
//   - The pair is both clusters, east and west, with what they share. The package starts it once, and stops it when its tests have ended.
//   - A step is carried out as Salvor does it: previewed, stored as JSON, applied under a guard and a deadline, and verified until the world agrees.
//     Each cluster is reached with the clients that Salvor uses, whose rights are those of deploy/rbac and no others.
//   - What came of it is looked at as the admin, object by object: what a responder says of itself proves nothing.
//
// Pods of these clusters have no containers, so what runs in them (exec hooks, copies of files, data movers) is proved elsewhere, by fakes.
package restores
