// Package chronicle records what was changed about Salvor itself: its configuration and who may do what, and the pauses of people.
//
// Terms:
//
//   - A [State] is what a replica is configured with, each setting by its path, with digests in the place of secrets.
//   - A change is a setting that is another than in the trail "config". A replica records at its start what has changed since ([Keep]);
//     of several replicas with one configuration one does.
//   - [Pauses] set and end pauses, and record both in the trail "pauses". A pause holds from the moment when it is set, whether it can
//     be recorded or not: what is not in the trail is found by comparing it with the pauses in force, and recorded later.
package chronicle
