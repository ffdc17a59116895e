package doctor_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	authv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/doctor"
)

// world is all that a salvor.yaml names, on servers of the test: as new it is well.
type world struct {
	dir       string
	config    string // salvor.yaml; DIR, API, AM, POWER, SHOP and PROM stand for the places
	observe   credentials
	act       credentials
	version   string
	date      time.Time // by the API server's clock; zero is now
	nodes     []corev1.Node
	otherUID  types.UID         // of the node as the credentials to act see it, if it is another one
	groups    []string          // API groups that are served
	objects   map[string]string // what GET of a path answers
	forbidden map[string]bool   // paths that may not be read
	power     string            // what the switch answers
	shop      int               // status of what the probe asks
	metrics   string            // what Prometheus answers; NOW stands for the time that it is asked about
	silent    bool              // Alertmanager takes alerts and tells nobody
	refuses   bool              // Alertmanager takes no alerts
	ready     string            // what a running server answers at /readyz; empty: none runs
	elsewhere string            // cluster that alerts arrive for, if it is another one
	routes    string            // Alertmanager's configuration as it shows it
	without   []string          // responders whose rights were left out

	mu     sync.Mutex
	asked  []string // methods and paths that the power switch was asked
	seen   []api.Alert
	ended  int // alerts that were raised and ended
	places map[string]string
}

// credentials are what one token may do.
type credentials struct {
	refused []string // "verb resource" that is refused of what is asked for
	rules   []authv1.ResourceRule
}

const configuration = `data_dir: DIR/data
external_url: https://salvor.example.org
listen: {socket: DIR/s}
clusters:
  - name: prod-eu
    observe: {kubeconfig: DIR/observe}
    act: {kubeconfig: DIR/act}
    modes: {node: act}
    power: {http: {url: "POWER/{node}"}}
    prometheus: {url: PROM/east}
intakes: [{name: am, token_file: DIR/intake, clusters: [prod-eu]}]
alertmanagers: [{url: AM, token_file: DIR/am}]
probes: [{name: shop, url: "SHOP/health?key=s3cret", clusters: [prod-eu], expect: {body_contains: ok}}]
`

// running is a configuration with Salvor's routes as Alertmanager shows it: secrets are hidden.
const running = `global: {smtp_auth_password: <secret>, slack_api_url: <secret>, of_a_newer_version: {x: 1}}
route:
  receiver: pager
  routes:
    - {receiver: salvor, continue: true, matchers: ['alertname!~"Salvor.*"'], group_by: ['...'], routes: [{matchers: ['alertname="Watchdog"'], repeat_interval: 1m}]}
    - continue: true
      routes:
        - {receiver: "null", matchers: ['alertname="Watchdog"'], continue: false}
        - {receiver: team-db, match: {team: db}, match_re: {severity: critical|warning}}
receivers:
  - {name: pager, pagerduty_configs: [{routing_key: <secret>, of_a_newer_version: 1}]}
  - {name: "null"}
  - {name: team-db, webhook_configs: [{url: <secret>}]}
  - {name: salvor, webhook_configs: [{url: <secret>, http_config: {authorization: {type: Bearer, credentials: <secret>}}}]}
`

func newWorld(t *testing.T) *world {
	own := authv1.ResourceRule{Verbs: []string{"create"}, APIGroups: []string{"authorization.k8s.io"}, Resources: []string{"selfsubjectaccessreviews", "selfsubjectrulesreviews"}}
	return &world{dir: t.TempDir(), config: configuration, version: "v1.36.3", power: `{"power":"on"}`, shop: http.StatusOK,
		metrics: `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[NOW,"1"]}]}}`, ready: "store: ok\nview: ok\nready\n", routes: running,
		observe: credentials{rules: []authv1.ResourceRule{own, {Verbs: []string{"get", "list", "watch"}, APIGroups: []string{""}, Resources: []string{"nodes"}}}},
		act:     credentials{rules: []authv1.ResourceRule{own, {Verbs: []string{"get", "list", "patch"}, APIGroups: []string{""}, Resources: []string{"nodes"}}}},
		nodes:   []corev1.Node{node("cp-1", "node-role.kubernetes.io/control-plane", ""), node("worker-1"), node("worker-2")},
		groups:  []string{"apps"}, objects: map[string]string{}, forbidden: map[string]bool{}, places: map[string]string{}}
}

// node is a ready node with labels.
func node(name string, labels ...string) corev1.Node {
	n := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("uid-" + name), Labels: map[string]string{}},
		Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}}}
	for i := 0; i+1 < len(labels); i += 2 {
		n.Labels[labels[i]] = labels[i+1]
	}
	return n
}

// examine starts the servers, writes the files and examines them.
func (w *world) examine(t *testing.T) doctor.Report {
	t.Helper()
	for place, handler := range map[string]http.HandlerFunc{"AM": w.alertmanager, "POWER": w.powerSwitch, "SHOP": w.service, "PROM": w.prometheus} {
		srv := httptest.NewServer(handler)
		t.Cleanup(srv.Close)
		w.places[place] = srv.URL
	}
	kube := httptest.NewTLSServer(http.HandlerFunc(w.apiServer)) // without TLS client-go sends no token
	t.Cleanup(kube.Close)
	w.places["API"] = kube.URL
	w.serve(t)
	for name, content := range map[string]string{"intake": "in", "am": "am-token", "observe": kubeconfig("eyes"), "act": kubeconfig("hands"), "salvor.yaml": w.config} {
		content = strings.NewReplacer("DIR", w.dir, "API", w.places["API"], "AM", w.places["AM"], "POWER", w.places["POWER"], "SHOP", w.places["SHOP"], "PROM", w.places["PROM"]).Replace(content)
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	waits := time.Minute
	if w.silent || w.elsewhere != "" { // waited for in vain
		waits = 3 * time.Second
	}
	return doctor.Examine(t.Context(), doctor.Options{Config: filepath.Join(w.dir, "salvor.yaml"), Version: "v1", TestAlert: true, Without: w.without,
		AlertWaits: waits, Log: slog.New(slog.DiscardHandler)})
}

func kubeconfig(token string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "API", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: %s}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`, token)
}

// serve is the running server, if one runs.
func (w *world) serve(t *testing.T) {
	if w.ready == "" {
		return
	}
	l, err := net.Listen("unix", filepath.Join(w.dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(out http.ResponseWriter, _ *http.Request) {
		if !strings.HasSuffix(w.ready, "ready\n") {
			out.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprint(out, w.ready)
	})
	mux.HandleFunc("GET /v1/version", func(out http.ResponseWriter, _ *http.Request) { answer(out, api.Version{Version: "v1"}) })
	mux.HandleFunc("GET /v1/alerts", func(out http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		answer(out, w.seen)
	})
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: mux}}
	srv.Start()
	t.Cleanup(srv.Close)
}

func answer(out http.ResponseWriter, body any) {
	out.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(out).Encode(body)
}

func (w *world) powerSwitch(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.asked = append(w.asked, r.Method+" "+r.URL.Path)
	w.mu.Unlock()
	fmt.Fprint(out, w.power)
}

func (w *world) service(out http.ResponseWriter, _ *http.Request) {
	out.WriteHeader(w.shop)
	fmt.Fprint(out, "ok")
}

func (w *world) prometheus(out http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/east/api/v1/query" || r.PostFormValue("query") != "vector(1)" {
		http.Error(out, "no such path", http.StatusNotFound)
		return
	}
	fmt.Fprint(out, strings.ReplaceAll(w.metrics, "NOW", r.PostFormValue("time")))
}

func (w *world) alertmanager(out http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Authorization") != "Bearer am-token":
		http.Error(out, "who are you", http.StatusUnauthorized)
	case r.Method == http.MethodGet && r.URL.Path == "/api/v2/status":
		answer(out, map[string]any{"cluster": map[string]any{"status": "ready", "peers": []int{1, 2}}, "versionInfo": map[string]string{"version": "0.28.1"},
			"config": map[string]string{"original": w.routes}})
	case r.Method == http.MethodPost && r.URL.Path == "/api/v2/alerts" && !w.refuses:
		w.take(r)
	default:
		http.Error(out, "no such path", http.StatusNotFound)
	}
}

// take takes alerts as Alertmanager does, and tells the server of them unless it is silent.
func (w *world) take(r *http.Request) {
	var list []struct {
		Labels map[string]string
		EndsAt time.Time
	}
	if json.NewDecoder(r.Body).Decode(&list) != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range list {
		if !a.EndsAt.After(time.Now()) {
			w.ended++
			continue
		}
		cluster := a.Labels["cluster"]
		if w.elsewhere != "" {
			cluster = w.elsewhere
		}
		if !w.silent {
			w.seen = append(w.seen, api.Alert{Cluster: cluster, At: time.Now(), Alert: events.Alert{Labels: events.NewLabelSet(a.Labels)}})
		}
	}
}

func (w *world) apiServer(out http.ResponseWriter, r *http.Request) {
	who := &w.observe
	if r.Header.Get("Authorization") == "Bearer hands" {
		who = &w.act
	}
	if !w.date.IsZero() {
		out.Header().Set("Date", w.date.UTC().Format(http.TimeFormat))
	}
	switch {
	case r.URL.Path == "/version":
		answer(out, map[string]string{"gitVersion": w.version})
	case r.URL.Path == "/apis":
		answer(out, w.groupList())
	case strings.HasSuffix(r.URL.Path, "/selfsubjectaccessreviews"):
		var review authv1.SelfSubjectAccessReview
		body, _ := io.ReadAll(r.Body)
		if _, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, &review); err != nil {
			panic(err)
		}
		review.Status.Allowed = who.may(review.Spec.ResourceAttributes)
		review.APIVersion, review.Kind = "authorization.k8s.io/v1", "SelfSubjectAccessReview"
		answer(out, review)
	case strings.HasSuffix(r.URL.Path, "/selfsubjectrulesreviews"):
		answer(out, authv1.SelfSubjectRulesReview{TypeMeta: metav1.TypeMeta{APIVersion: "authorization.k8s.io/v1", Kind: "SelfSubjectRulesReview"},
			Status: authv1.SubjectRulesReviewStatus{ResourceRules: who.rules}})
	default:
		w.object(out, r, who)
	}
}

func (c *credentials) may(at *authv1.ResourceAttributes) bool {
	for _, refused := range c.refused {
		if refused == at.Verb+" "+at.Resource {
			return false
		}
	}
	return at.Resource != "leases" || at.Namespace == corev1.NamespaceNodeLease
}

func (w *world) groupList() metav1.APIGroupList {
	list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIGroupList"}}
	for _, name := range w.groups {
		v := metav1.GroupVersionForDiscovery{GroupVersion: name + "/v1", Version: "v1"}
		list.Groups = append(list.Groups, metav1.APIGroup{Name: name, Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v})
	}
	return list
}

func (w *world) object(out http.ResponseWriter, r *http.Request, who *credentials) {
	name, isNode := strings.CutPrefix(r.URL.Path, "/api/v1/nodes")
	object, known := w.objects[r.URL.Path]
	switch {
	case w.forbidden[r.URL.Path] || isNode && who == &w.observe && !who.may(&authv1.ResourceAttributes{Verb: "list", Resource: "nodes"}):
		refuse(out, http.StatusForbidden, metav1.StatusReasonForbidden)
	case isNode && name == "":
		answer(out, corev1.NodeList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "NodeList"}, Items: w.nodes})
	case isNode:
		w.oneNode(out, strings.TrimPrefix(name, "/"))
	case known:
		out.Header().Set("Content-Type", "application/json")
		fmt.Fprint(out, object)
	default:
		refuse(out, http.StatusNotFound, metav1.StatusReasonNotFound)
	}
}

func (w *world) oneNode(out http.ResponseWriter, name string) {
	for _, n := range w.nodes {
		if n.Name == name {
			n.APIVersion, n.Kind = "v1", "Node"
			if w.otherUID != "" {
				n.UID = w.otherUID
			}
			answer(out, n)
			return
		}
	}
	refuse(out, http.StatusNotFound, metav1.StatusReasonNotFound)
}

func refuse(out http.ResponseWriter, code int, reason metav1.StatusReason) {
	out.Header().Set("Content-Type", "application/json")
	out.WriteHeader(code)
	_ = json.NewEncoder(out).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure", Reason: reason, Code: int32(code)})
}

// list is a list of objects of a kind as JSON, each given by name and the rest of it.
func list(apiVersion, kind string, items ...string) string {
	for i, item := range items {
		name, rest, _ := strings.Cut(item, " ")
		items[i] = fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":%q,"namespace":"ns"%s}`, apiVersion, kind, name, rest)
	}
	return fmt.Sprintf(`{"apiVersion":%q,"kind":"%sList","metadata":{},"items":[%s]}`, apiVersion, kind, strings.Join(items, ","))
}
