package kubeclient

import (
	"errors"
	"fmt"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Access says where a cluster is reached and as whom: by a context of a kubeconfig file, or as the pod Salvor runs in.
// The zero value says neither and is refused.
type Access struct {
	Kubeconfig string // path of a kubeconfig file
	Context    string // context in that file; empty means its current context
	InCluster  bool   // use the service account of this pod instead of a kubeconfig
}

func (a Access) config() (*rest.Config, error) {
	switch {
	case a.InCluster && a.Kubeconfig != "":
		return nil, errors.New("choose cluster access: both a kubeconfig and in-cluster access are given, keep one of them")
	case a.InCluster:
		cfg, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("read in-cluster credentials: %w", err)
		}
		return cfg, nil
	case a.Kubeconfig == "":
		return nil, errors.New("choose cluster access: give a kubeconfig, or say that the credentials of this pod are to be used")
	}
	return a.fromFile()
}

func (a Access) fromFile() (*rest.Config, error) {
	cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: a.Kubeconfig},
		&clientcmd.ConfigOverrides{CurrentContext: a.Context},
	).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig %s, context %q: %w", a.Kubeconfig, a.Context, err)
	}
	return cfg, nil
}
