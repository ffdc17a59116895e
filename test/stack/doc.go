// Package stack runs a real Kubernetes control plane on this machine, without containers, for tests, benchmarks, the demo
// and people.
//
//   - A stack is etcd, kube-apiserver, kube-controller-manager and kube-scheduler of the pinned Kubernetes version with stock
//     settings, any number of nodes, and Alertmanagers if wanted. Everything listens on free loopback ports.
//   - A node is a Node object whose kubelet is played by a KWOK process: it renews the node's Lease every 10 s and runs its
//     pods. Nodes of one failure domain share one process; by default each node is a domain of its own.
//   - To fail a node is to kill that process. Its Lease goes stale, a pod deleted on it stays Terminating, and its power is
//     still on: a silent kubelet is not a stopped machine.
//   - The power switch is an HTTP server that really kills and restarts those processes, and that can be told to refuse, to
//     hang, to lie, to do as asked without an answer, or to be absent.
//   - The storage system is a CSI driver whose volumes are folders of this machine, with upstream's provisioner and snapshot
//     controllers. Two stacks given the same folder share it as two clusters share a storage array.
//   - An object store speaks S3 and is no part of a stack: several may be given the same. Velero, if there is a store, is
//     upstream's server with its AWS plugin, and keeps its backups there.
//   - The supervisor is the process all others are children of. It ends when its owner lets go of it or dies, and the kernel
//     kills the others when it ends: nothing is left running.
//   - A part is a program of the stack, built from Go modules into .cache/stack of the checkout, once for each version.
//
// Beside the stack, a test starts its own processes with StartChild, so that they die with it, and gets the path of a plain
// NATS server from Binary(ctx, NATSServer, log).
//
// A test uses it like this:
//
//	s, err := stack.Start(ctx, stack.Options{
//		Log:           testWriter,
//		Alertmanagers: stack.Alertmanagers{Replicas: 2, Config: stack.Routing{Webhooks: []string{hook}}.Config()},
//	})
//	if err != nil { ... }
//	defer s.Stop()
//	err = s.Apply(ctx, rbac)                                // as the admin, on the server's side
//	client := newClient(s.Kubeconfig(stack.Actor))          // or stack.Admin, stack.Human, stack.Observer
//	err = s.SetSwitch(ctx, "worker-1", stack.Switch{Mode: stack.SwitchRefuses, Reason: "locked"})
//	err = s.FailNode(ctx, "worker-1")                       // kill -9, no goodbye
//	writes, err := s.AuditLog()                             // who wrote what, how often
//	err = s.HealNode(ctx, "worker-1")
//
// And with backups like this:
//
//	store, err := stack.StartStore(ctx, stack.StoreOptions{})
//	if err != nil { ... }
//	defer store.Stop()
//	s, err := stack.Start(ctx, stack.Options{Backups: stack.Backups{Store: store}})
//	if err != nil { ... }
//	defer s.Stop()
//	err = os.WriteFile(filepath.Join(s.VolumeDir(handle), "orders"), orders, 0o644)
//	out, err := s.Velero(ctx, "backup", "create", "daily", "--include-namespaces", "shop", "--wait")
//	err = s.SetStorageMood(ctx, stack.StorageMood{RefuseSnapshots: "the array is degraded"})
//	err = s.KillVelero(ctx)                                 // or store.Fail(ctx): the location becomes unavailable
package stack
