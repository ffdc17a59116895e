// Package kubeclient builds the clients with which Salvor talks to one Kubernetes cluster: one that only observes and one
// that acts, each with credentials of its own.
//
// Neither trusts its caller. The observing client refuses every write before it leaves the process; the acting client asks
// a guard right before each write is sent, so that a step whose turn has passed cannot write, whatever code it runs in.
package kubeclient
