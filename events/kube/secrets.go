package kube

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/metadata"
)

const (
	watchSecrets  = "salvor.io/watch-secrets" // label of namespaces whose Secrets may be watched
	maxNamespaces = 64                        // that are watched for Secrets
)

// secrets watches the Secrets of the namespaces that ask for it, each by a watch of its own.
type secrets struct {
	source *Source
	desk   desk
	pace   pace
	there  func(namespace string) bool // says whether a namespace exists, or that this is not known

	mu     sync.Mutex
	asking map[string]bool // namespaces with the label; false when it was not there at the last look
}

// note takes in what a namespace says of its Secrets.
func (s *secrets) note(n *corev1.Namespace) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.Labels[watchSecrets] != "true" {
		delete(s.asking, n.Name)
		return
	}
	if _, known := s.asking[n.Name]; !known && len(s.asking) >= maxNamespaces {
		s.desk.log.Warn("secrets of a namespace are not watched: too many namespaces ask for it", "namespace", n.Name, "most", maxNamespaces)
		return
	}
	s.asking[n.Name] = true
}

// wanted are the namespaces that ask and exist. One that was not there at two looks is forgotten.
func (s *secrets) wanted() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for namespace, was := range s.asking {
		there := s.there(namespace)
		switch s.asking[namespace] = there; {
		case there:
			out = append(out, namespace)
		case !was:
			delete(s.asking, namespace)
		}
	}
	return out
}

// run starts and ends watches until ctx ends. Of a namespace that asks no longer, what was told stands.
func (s *secrets) run(ctx context.Context) {
	running := map[string]context.CancelFunc{}
	var all sync.WaitGroup
	defer all.Wait()
	every(ctx, s.pace.tick, func(time.Time) {
		wanted := s.wanted()
		for namespace, stop := range running {
			if !slices.Contains(wanted, namespace) {
				stop()
				delete(running, namespace)
			}
		}
		for _, namespace := range wanted {
			if running[namespace] == nil {
				ctx, stop := context.WithCancel(ctx)
				running[namespace] = stop
				p := s.of(namespace)
				all.Go(func() { p.run(ctx) })
			}
		}
	})
}

// of is the watch of one namespace.
func (s *secrets) of(namespace string) *post[seenObject] {
	known := func() map[string]seenObject {
		out := s.source.knownObjects("Secret")()
		maps.DeleteFunc(out, func(_ string, o seenObject) bool { return o.Namespace != namespace })
		return out
	}
	return newPost(s.desk, s.pace, secretKind(s.source.opts.Metadata, namespace), newCensus(s.desk, known, bareObject))
}

// secretsIn names the watch of one namespace in observer events.
func secretsIn(namespace string) string { return "secrets/" + namespace }

// secretKind are the Secrets of a namespace, of which only the metadata are asked for: their values are never sent.
func secretKind(client metadata.Interface, namespace string) kind[seenObject] {
	api := client.Resource(corev1.SchemeGroupVersion.WithResource("secrets")).Namespace(namespace)
	return kind[seenObject]{
		name: secretsIn(namespace), resource: "secrets in namespace " + namespace, client: client,
		known: keyOf("Secret"), keep: typed(projectSecret),
		list:  func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) { return api.List(ctx, opts) },
		watch: api.Watch,
		get: func(ctx context.Context, _, name string) (runtime.Object, error) {
			return api.Get(ctx, name, metav1.GetOptions{})
		},
	}
}

// projectSecret tells one content from another by who wrote which keys and when, as the managed fields say. Nothing can be
// guessed back from that but the names of keys.
func projectSecret(m *metav1.PartialObjectMetadata) (seenObject, error) {
	o, err := projectObject("Secret", m)
	written := slices.Clone(m.ManagedFields)
	slices.SortFunc(written, func(a, b metav1.ManagedFieldsEntry) int {
		return cmp.Or(cmp.Compare(a.Manager, b.Manager), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Subresource, b.Subresource))
	})
	var texts []string
	for _, f := range written {
		texts = append(texts, f.Manager, string(f.Operation), f.Subresource)
		if f.Time != nil {
			texts = append(texts, strconv.FormatInt(f.Time.Unix(), 10))
		}
		if f.FieldsV1 != nil {
			texts = append(texts, f.FieldsV1.GetRawString())
		}
	}
	o.Content = content(texts...)
	return o, err
}
