// Package velero brings data back with Velero, and has it kept there: it makes Backups, Schedules and Restores, all through their objects in
// the cluster. What Velero says of itself is not believed: what a Restore was to bring back is looked for in the world.
package velero
