// Package kube watches one cluster: its Nodes, the Leases by which their kubelets show that they live, its pods and what keeps them
// running, its namespaces, volumes and configuration, and its backups and deliveries where Velero, snapshots, Argo CD or Flux are
// installed. It appends what changed to the event log.
//
// Terms:
//
//   - A lookout is one watch on one kind of object: it lists, watches, and lists again when the watch was lost. It is
//     built on the reflector of client-go, the part of an informer that keeps up with the API server.
//   - A glimpse is what is kept of an object from the moment it was decoded: its projection.
//   - Its sight says whether it sees now, why not, and since when without a break. What is not seen is never judged. A kind that
//     the API server does not have, at two looks, is seen to have no objects.
//   - The roster is what was last seen of the nodes, the pulses what was last seen of their Leases. A census is what was last
//     said of the objects of any other kind: digests only, and of pods that are well nothing.
//   - A sign is something that is wrong with a pod, with the time from when, and until when, it counts as trouble.
//   - The outbox holds what the log has yet to accept: the newest event of each object. Nodes and Leases have one of their own.
//
// An event's ID says what was seen and not who saw it, so that any number of replicas make one event of one change. Only
// changes are published: first against what the log's View knew when the watch began, then against what was published.
// Now and then the View is compared with what is seen; a difference that lasts is published too, which mends whatever was
// lost on the way.
//
// A Lease is stale when no renewal was observed for a while of this process's monotonic clock during which both watches saw
// without a break, and one direct read agrees. The clocks of kubelets play no part. Hence a blind watch, a stopped
// process, or an API server that was away never makes a node look dead: after each of them the while begins anew.
package kube
