package kubeclient_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/salvor-io/salvor/internal/kubeclient"
)

// server speaks TLS, without which client-go sends no credentials; it answers every request with an empty object and remembers what it was asked.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
	agent string
	auth  string
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, r.Method+" "+r.URL.Path)
		s.agent, s.auth = r.UserAgent(), r.Header.Get("Authorization")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"apiVersion":"v1","kind":"Node","metadata":{"name":"a"}}`)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

func kubeconfig(t *testing.T, host string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q, insecure-skip-tls-verify: true}}]
users: [{name: observer, user: {token: eyes}}, {name: actor, user: {token: hands}}]
contexts:
- {name: observe, context: {cluster: c, user: observer}}
- {name: act, context: {cluster: c, user: actor}}
current-context: observe
`, host)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// writes are one of each way to change the world; reads change nothing.
var (
	writes = map[string]func(context.Context, kubeclient.Clients) error{
		"create": func(ctx context.Context, c kubeclient.Clients) error {
			_, err := c.Kubernetes.CoreV1().Nodes().Create(ctx, &corev1.Node{}, metav1.CreateOptions{})
			return err
		},
		"dry run": func(ctx context.Context, c kubeclient.Clients) error {
			_, err := c.Kubernetes.CoreV1().Nodes().Create(ctx, &corev1.Node{}, metav1.CreateOptions{DryRun: []string{"All"}})
			return err
		},
		"update": func(ctx context.Context, c kubeclient.Clients) error {
			_, err := c.Kubernetes.CoreV1().Nodes().Update(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.UpdateOptions{})
			return err
		},
		"patch": func(ctx context.Context, c kubeclient.Clients) error {
			_, err := c.Kubernetes.CoreV1().Nodes().Patch(ctx, "a", types.MergePatchType, []byte(`{}`), metav1.PatchOptions{})
			return err
		},
		"delete": func(ctx context.Context, c kubeclient.Clients) error {
			return c.Kubernetes.CoreV1().Pods("ns").Delete(ctx, "a", metav1.DeleteOptions{})
		},
		"evict": func(ctx context.Context, c kubeclient.Clients) error {
			return c.Kubernetes.CoreV1().RESTClient().Post().Namespace("ns").Resource("pods").Name("a").SubResource("eviction").Do(ctx).Error()
		},
		"dynamic patch": func(ctx context.Context, c kubeclient.Clients) error {
			_, err := c.Dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "nodes"}).
				Patch(ctx, "a", types.MergePatchType, []byte(`{}`), metav1.PatchOptions{})
			return err
		},
		"client built from config": func(ctx context.Context, c kubeclient.Clients) error {
			hc, err := rest.HTTPClientFor(c.Config)
			if err != nil {
				return err
			}
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Config.Host+"/api/v1/nodes", strings.NewReader("{}"))
			if err != nil {
				return err
			}
			resp, err := hc.Do(req)
			if err == nil {
				err = resp.Body.Close()
			}
			return err
		},
		"exec by GET": func(ctx context.Context, c kubeclient.Clients) error {
			return c.Kubernetes.CoreV1().RESTClient().Get().Namespace("ns").Resource("pods").Name("a").SubResource("exec").Do(ctx).Error()
		},
		"proxy by GET": func(ctx context.Context, c kubeclient.Clients) error {
			return c.Kubernetes.CoreV1().RESTClient().Get().Resource("nodes").Name("a").SubResource("proxy").Do(ctx).Error()
		},
		"subject access review of somebody else": func(ctx context.Context, c kubeclient.Clients) error {
			return c.Kubernetes.AuthorizationV1().RESTClient().Post().Resource("subjectaccessreviews").Do(ctx).Error()
		},
	}
	reads = map[string]func(context.Context, kubeclient.Clients) error{
		"get": func(ctx context.Context, c kubeclient.Clients) error {
			_, err := c.Kubernetes.CoreV1().Nodes().Get(ctx, "a", metav1.GetOptions{})
			return err
		},
		"get what is named like a subresource": func(ctx context.Context, c kubeclient.Clients) error {
			return c.Kubernetes.CoreV1().RESTClient().Get().Namespace("ns").Resource("services").Name("proxy").Do(ctx).Error()
		},
		"get status of what is named like a subresource": func(ctx context.Context, c kubeclient.Clients) error {
			return c.Kubernetes.CoreV1().RESTClient().Get().Resource("nodes").Name("exec").SubResource("status").Do(ctx).Error()
		},
		"head": func(ctx context.Context, c kubeclient.Clients) error {
			return c.Kubernetes.CoreV1().RESTClient().Verb(http.MethodHead).Resource("nodes").Do(ctx).Error()
		},
		"watch": func(ctx context.Context, c kubeclient.Clients) error {
			w, err := c.Kubernetes.CoreV1().Nodes().Watch(ctx, metav1.ListOptions{})
			if err == nil {
				w.Stop()
			}
			return err
		},
		"may I": func(ctx context.Context, c kubeclient.Clients) error {
			return c.Kubernetes.AuthorizationV1().RESTClient().Post().Resource("selfsubjectaccessreviews").Do(ctx).Error()
		},
		"what may I": func(ctx context.Context, c kubeclient.Clients) error {
			return c.Kubernetes.AuthorizationV1().RESTClient().Post().Resource("selfsubjectrulesreviews").Do(ctx).Error()
		},
	}
)

func TestObservingClientNeverWrites(t *testing.T) {
	for _, base := range []string{"", "/k8s/clusters/c-1", "/behind/"} {
		srv := newServer(t)
		clients, err := kubeclient.Observe(kubeclient.Access{Kubeconfig: kubeconfig(t, srv.URL+base)}, "1.2.3")
		if err != nil {
			t.Fatal(err)
		}
		for name, write := range writes {
			if err := write(t.Context(), clients); !errors.Is(err, kubeclient.ErrReadOnly) {
				t.Errorf("%s below %q: got %v, want it refused as read-only", name, base, err)
			}
		}
		if asked := srv.requests(); len(asked) != 0 {
			t.Errorf("the server was asked %v", asked)
		}
		for name, read := range reads {
			if err := read(t.Context(), clients); err != nil {
				t.Errorf("%s below %q: %v", name, base, err)
			}
		}
		if asked := srv.requests(); len(asked) != len(reads) {
			t.Errorf("the server was asked %v, want one request for each of %d reads", asked, len(reads))
		}
	}
}

type holder struct{}

func TestActingClientAsksItsGuard(t *testing.T) {
	refusal := errors.New("another replica took this step over")
	srv := newServer(t)
	var asked int
	clients, err := kubeclient.Act(kubeclient.Access{Kubeconfig: kubeconfig(t, srv.URL), Context: "act"}, "1.2.3", func(ctx context.Context) error {
		asked++
		if ctx.Value(holder{}) == nil {
			return refusal
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range writes {
		if err := write(t.Context(), clients); !errors.Is(err, refusal) {
			t.Errorf("%s: got %v, want what the guard said", name, err)
		}
	}
	if got := srv.requests(); len(got) != 0 || asked != len(writes) {
		t.Errorf("the server was asked %v and the guard %d times, want nothing and %d", got, asked, len(writes))
	}
	asked = 0
	for name, read := range reads {
		if err := read(t.Context(), clients); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if asked != 0 {
		t.Errorf("the guard was asked about reads %d times", asked)
	}
	ctx := context.WithValue(t.Context(), holder{}, true)
	for name, write := range writes {
		if err := write(ctx, clients); err != nil {
			t.Errorf("%s with the right to write: %v", name, err)
		}
	}
}

func TestCredentialsAndNameAreThoseAskedFor(t *testing.T) {
	srv := newServer(t)
	file := kubeconfig(t, srv.URL)
	observe, err := kubeclient.Observe(kubeclient.Access{Kubeconfig: file, Context: "observe"}, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	act, err := kubeclient.Act(kubeclient.Access{Kubeconfig: file, Context: "act"}, "1.2.3", func(context.Context) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		clients kubeclient.Clients
		auth    string
	}{{observe, "Bearer eyes"}, {act, "Bearer hands"}} {
		if err := reads["get"](t.Context(), c.clients); err != nil {
			t.Fatal(err)
		}
		if srv.agent != "salvor/1.2.3" || srv.auth != c.auth {
			t.Errorf("came as %q with %q, want salvor/1.2.3 with %q", srv.agent, srv.auth, c.auth)
		}
	}
}

func TestAccessIsNeverGuessed(t *testing.T) {
	file := kubeconfig(t, "http://127.0.0.1:1")
	for name, c := range map[string]struct {
		access kubeclient.Access
		says   string
	}{
		"nothing":        {kubeclient.Access{}, "give a kubeconfig"},
		"both":           {kubeclient.Access{Kubeconfig: file, InCluster: true}, "keep one of them"},
		"no file":        {kubeclient.Access{Kubeconfig: file + ".missing"}, ".missing"},
		"no context":     {kubeclient.Access{Kubeconfig: file, Context: "prod"}, `"prod"`},
		"not in cluster": {kubeclient.Access{InCluster: true}, "in-cluster"},
	} {
		t.Setenv("KUBERNETES_SERVICE_HOST", "")
		if _, err := kubeclient.Observe(c.access, "1"); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want an error that says %q", name, err, c.says)
		}
	}
	if _, err := kubeclient.Act(kubeclient.Access{Kubeconfig: file}, "1", nil); err == nil {
		t.Error("an acting client without a guard was built")
	}
}
