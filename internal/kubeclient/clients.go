package kubeclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"
)

// requestTimeout bounds every request but watches, which live as long as their context.
const requestTimeout = 30 * time.Second

// Clients reach one cluster with one set of credentials. They share one rate limit and one connection.
type Clients struct {
	Kubernetes kubernetes.Interface
	Dynamic    dynamic.Interface  // for kinds that Kubernetes itself does not define
	Metadata   metadata.Interface // for what is large or secret
	Config     *rest.Config       // what all were built from; clients built from it are bound by the same rules
}

// Observe builds clients that can only read: each write is refused with [ErrReadOnly] before it is sent. They send at most 50
// requests a second and 100 in a burst, call themselves salvor/<version>, and know contexts of [ReadOnce].
func Observe(access Access, version string) (Clients, error) {
	cfg, err := access.config()
	if err != nil {
		return Clients{}, err
	}
	cfg.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(50, 100)
	cfg.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return once{next} })
	seen, err := build(cfg, version, func(context.Context) error { return ErrReadOnly })
	if err != nil {
		return Clients{}, err
	}
	return connect(seen, pacedBelow(seen))
}

// Act builds clients that may write when guard agrees: it is called with the context of the request right before each
// write is sent, repetitions included, and refuses by returning an error, which the caller of the client can find with
// errors.Is. Reads are never guarded. They send at most 20 requests a second and 40 in a burst.
func Act(access Access, version string, guard func(ctx context.Context) error) (Clients, error) {
	if guard == nil {
		return Clients{}, errors.New("build acting client: it has no guard, and nothing may write unguarded")
	}
	cfg, err := access.config()
	if err != nil {
		return Clients{}, err
	}
	cfg.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(20, 40)
	acting, err := build(cfg, version, guard)
	if err != nil {
		return Clients{}, err
	}
	return connect(acting, acting) // paced above the guard: it agrees to what is sent at once
}

// build completes a configuration.
func build(cfg *rest.Config, version string, guard func(context.Context) error) (*rest.Config, error) {
	base, _, err := rest.DefaultServerUrlFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("read server address %q: %w", cfg.Host, err)
	}
	cfg.UserAgent = "salvor/" + version
	cfg.WarningHandlerWithContext = rest.NoWarnings{}
	cfg.Timeout = 0 // it would end watches; see deadline
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return deadline{next: next, after: requestTimeout} })
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return guarded{next: next, base: base.Path, guard: guard}
	})
	return cfg, nil
}

// connect makes clients by way, a form of cfg.
func connect(cfg, way *rest.Config) (Clients, error) {
	hc, err := rest.HTTPClientFor(way)
	if err != nil {
		return Clients{}, fmt.Errorf("build transport to %s: %w", cfg.Host, err)
	}
	typed, err := kubernetes.NewForConfigAndClient(way, hc)
	if err != nil {
		return Clients{}, fmt.Errorf("build client of %s: %w", cfg.Host, err)
	}
	dyn, err := dynamic.NewForConfigAndClient(way, hc)
	if err != nil {
		return Clients{}, fmt.Errorf("build dynamic client of %s: %w", cfg.Host, err)
	}
	meta, err := metadata.NewForConfigAndClient(metadata.ConfigFor(way), hc)
	if err != nil {
		return Clients{}, fmt.Errorf("build metadata client of %s: %w", cfg.Host, err)
	}
	return Clients{Kubernetes: typed, Dynamic: dyn, Metadata: meta, Config: cfg}, nil
}
