package restores

import (
	"fmt"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
)

// Reader is the client that observes a cluster.
func (p *pair) Reader(cluster string) (kubernetes.Interface, error) {
	c, err := p.named(cluster)
	if err != nil {
		return nil, err
	}
	return c.observes.Kubernetes, nil
}

// Writer is the client that acts on a cluster.
func (p *pair) Writer(cluster string) (kubernetes.Interface, error) {
	c, err := p.named(cluster)
	if err != nil {
		return nil, err
	}
	return c.acts.Kubernetes, nil
}

// Custom is the client that observes what Kubernetes itself does not define.
func (p *pair) Custom(cluster string) (dynamic.Interface, error) {
	c, err := p.named(cluster)
	if err != nil {
		return nil, err
	}
	return c.observes.Dynamic, nil
}

// CustomWriter is the client that acts on what Kubernetes itself does not define.
func (p *pair) CustomWriter(cluster string) (dynamic.Interface, error) {
	c, err := p.named(cluster)
	if err != nil {
		return nil, err
	}
	return c.acts.Dynamic, nil
}

func (p *pair) named(name string) (*cluster, error) {
	for _, c := range []*cluster{p.a, p.b} {
		if c.name == name {
			return c, nil
		}
	}
	return nil, fmt.Errorf("no cluster named %q is configured", name)
}
