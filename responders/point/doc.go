// Package point says which backups could be restored now, which of them is chosen, and what is lost by going back to it.
//
// A recovery point is the moment to which a restore leads back. Of a backup it is the moment at which it began: its objects were read, and
// its snapshots taken, one after the other from then on, so that all that was written before is in it, and of what was written later nobody
// can say. [Choose] takes the newest backup that serves a [Want], and says of each that it does not take why. All of it is pure: backups
// are read by who has a client, and the time is given.
package point
