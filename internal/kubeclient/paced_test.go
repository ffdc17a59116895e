package kubeclient

import (
	"context"
	"net/http"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"
)

// turns is a limiter that counts who waited for a turn.
type turns struct {
	flowcontrol.RateLimiter
	given int
}

func (t *turns) Wait(context.Context) error {
	t.given++
	return nil
}

func (t *turns) Accept() { t.given++ }

func TestWhatIsKnownTakesNoTurn(t *testing.T) {
	url, asked := counting(t)
	limiter := &turns{}
	cfg := &rest.Config{Host: url, RateLimiter: limiter}
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return once{next} })
	clients, err := connect(cfg, pacedBelow(cfg))
	if err != nil {
		t.Fatal(err)
	}
	ctx := ReadOnce(t.Context())
	for range 5 {
		_, _ = clients.Kubernetes.CoreV1().Nodes().Get(ctx, "a", metav1.GetOptions{}) // the answer is a number and no node
	}
	if asked() != 1 || limiter.given != 1 {
		t.Errorf("five equal reads were sent %d times and took %d turns, want one of each", asked(), limiter.given)
	}
}
