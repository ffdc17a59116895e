// Package people knows who is calling and what they may do.
//
// Everybody who calls is somebody: either they hold a bearer token that is theirs, or they are root or the server's own
// user on the Unix socket, as the kernel says. Nobody else is let in. What they may do is a role, checked for each verb.
package people
