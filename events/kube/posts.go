package kube

import (
	"maps"
	"slices"
)

// open prepares all watches but those of nodes and leases.
func (s *Source) open() {
	client, p := s.opts.Client, s.pace.unhurried(s.opts.StaleAfter)
	d := s.desk
	d.out = s.rest
	s.posts = append(s.posts,
		newPost(d, p, podKind(client), newCensus(d, s.knownPods, barePod)),
		newPost(d, p, deploymentKind(client), newCensus(d, s.knownWorkloads("Deployment"), bareWorkload)),
		newPost(d, p, statefulSetKind(client), newCensus(d, s.knownWorkloads("StatefulSet"), bareWorkload)),
		newPost(d, p, daemonSetKind(client), newCensus(d, s.knownWorkloads("DaemonSet"), bareWorkload)))
	s.secret = &secrets{source: s, desk: d, pace: p, asking: map[string]bool{}}
	builtIn := builtInObjects(client, s.secret.note)
	for _, kind := range slices.Sorted(maps.Keys(builtIn)) {
		post := s.post(d, p, kind, builtIn[kind])
		if kind == "Namespace" {
			s.secret.there = post.exists
		}
		s.posts = append(s.posts, post)
	}
	if s.opts.Metadata != nil {
		s.posts = append(s.posts, s.post(d, p, "CustomResourceDefinition", definitionKind(s.opts.Metadata)))
	}
	if s.opts.Dynamic != nil {
		for _, c := range customs() {
			s.posts = append(s.posts, s.post(d, s.pace.leisurely(s.opts.StaleAfter), c.full(), c.in(s.opts.Dynamic)))
		}
	}
}

func (s *Source) post(d desk, p pace, kind string, k kind[seenObject]) *post[seenObject] {
	return newPost(d, p, k, newCensus(d, s.knownObjects(kind), bareObject))
}

func (s *Source) knownPods() map[string]seenPod { return podsOf(s.opts.View.KnownPods(s.opts.Cluster)) }

func (s *Source) knownWorkloads(kind string) func() map[string]seenWorkload {
	return func() map[string]seenWorkload { return workloadsOf(kind, s.opts.View.KnownWorkloads(s.opts.Cluster)) }
}

func (s *Source) knownObjects(kind string) func() map[string]seenObject {
	return func() map[string]seenObject { return objectsOf(s.opts.View.KnownObjects(s.opts.Cluster, kind)) }
}
