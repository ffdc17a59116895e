// Package probe tries, again and again, whether the control plane of one cluster can be reached, and appends what it finds to the
// event log.
//
// Terms:
//
//   - A target is what is tried: the API server of the cluster, or its etcd.
//   - A check tries a target once, on a connection of its own. It says that the target is up, that it is not up and why, or that it
//     cannot tell.
//   - What is held of a target is what two attempts in a row agreed on. One attempt that fails, or one that succeeds, flips nothing.
//   - A prober is who tries: a replica of Salvor, or a witness that runs elsewhere.
//
// Who cannot tell says nothing: neither up nor down. That is so when the fault may be the prober's own (no name server answers, its
// proxy is away, it has no file descriptors or no credentials left, the process stood still), when the answer speaks of something
// else, and when the log takes nothing. What is held is said for [Worth] after the last attempt that agrees with it, and no longer;
// what the log did not take is never said later. Hence the view hears of a prober that can tell at least every 8 s, and takes one for
// blind that it does not hear of.
//
// The figures: an attempt begins every 2.5 s, 0.5 s after one that disagrees with what is held, and may take 4 s. An API server
// that refuses connections is down after about 3 s, one that does not answer any more after about 11 s.
package probe
