package kube

import (
	"maps"
	"slices"
)

// allPosts are all watches but those of nodes and leases.
func (s *Source) allPosts() []watcher {
	var out []watcher
	d, p := s.desk, s.pace.unhurried(s.opts.StaleAfter)
	d.out = s.rest
	out = append(out, newPost(d, p, podKind(s.opts.Client), newCensus(d, s.knownPods, barePod)))
	out = append(out,
		newPost(d, p, deploymentKind(s.opts.Client), newCensus(d, s.knownWorkloads("Deployment"), bareWorkload)),
		newPost(d, p, statefulSetKind(s.opts.Client), newCensus(d, s.knownWorkloads("StatefulSet"), bareWorkload)),
		newPost(d, p, daemonSetKind(s.opts.Client), newCensus(d, s.knownWorkloads("DaemonSet"), bareWorkload)))
	builtIn := builtInObjects(s.opts.Client)
	for _, kind := range slices.Sorted(maps.Keys(builtIn)) {
		out = append(out, newPost(d, p, builtIn[kind], newCensus(d, s.knownObjects(kind), bareObject)))
	}
	return out
}

func (s *Source) knownPods() map[string]seenPod { return podsOf(s.opts.View.KnownPods(s.opts.Cluster)) }

func (s *Source) knownWorkloads(kind string) func() map[string]seenWorkload {
	return func() map[string]seenWorkload { return workloadsOf(kind, s.opts.View.KnownWorkloads(s.opts.Cluster)) }
}

func (s *Source) knownObjects(kind string) func() map[string]seenObject {
	return func() map[string]seenObject { return objectsOf(s.opts.View.KnownObjects(s.opts.Cluster, kind)) }
}
