package doctor_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	authv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/alertmanager"
	"github.com/salvor-io/salvor/internal/api"
	"github.com/salvor-io/salvor/internal/doctor"
)

func TestAllIsWell(t *testing.T) {
	w := newWorld(t)
	r := w.examine(t)
	if r.Problems != 0 || r.Warnings != 0 || r.OK != len(r.Findings) {
		t.Errorf("a world that is well is found to be\n%s", text(r))
	}
	for check, says := range map[string]string{
		"loads": "1 cluster, 1 intake, 0 people, 1 Alertmanager", "ready": "store: ok; view: ok; ready", "takes writes": "the running server",
		"reach": "API server v1.36.3", "observe rights": "reads that are needed are allowed", "observe writes nothing": "no right to write", "nodes": "3 nodes, 3 ready; faults of kind node are in mode act",
		"act rights": "accesses that the responders declare are allowed", "act has no more": "no other right", "same cluster": "cp-1", "second repairers": "none found",
		"power switch": "worker-1 is on", "probe shop": "/health?key=... answers as expected in", "Prometheus": "/east answers in", "round trip": "arrived at Salvor for cluster prod-eu after",
		"alerts reach Salvor": fmt.Sprintf("all %d shipped alerts reach Salvor, for cluster prod-eu", len(alertmanager.Shipped())), "others still hear": "from anybody else",
	} {
		holds(t, r, doctor.OK, check, says)
	}
	if strings.Join(w.asked, " ") != "GET /worker-1" {
		t.Errorf("the power switch was asked %v", w.asked)
	}
	if len(w.seen) != 1 || w.ended != 1 || strings.HasPrefix(w.seen[0].Labels.Of("alertname"), "Salvor") {
		t.Errorf("%d test alerts were raised and %d ended: %v", len(w.seen), w.ended, w.seen)
	}
}

// TestFindings spoils one thing at a time: it is found, and nothing else is.
func TestFindings(t *testing.T) {
	const (
		nhc  = "/apis/remediation.medik8s.io/v1/nodehealthchecks"
		mhc  = "/apis/machine.openshift.io/v1/machinehealthchecks"
		capi = "/apis/cluster.x-k8s.io/v1/machinehealthchecks"
	)
	may := func(c *credentials, group, resource string, verbs ...string) {
		c.rules = append(c.rules, authv1.ResourceRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: verbs})
	}
	serves := func(w *world, group, path, object string) {
		w.groups = append(w.groups, group)
		w.objects[path] = object
	}
	mode := func(w *world, mode string) { w.config = strings.Replace(w.config, "node: act", "node: "+mode, 1) }
	deployment := func(name, image, env string) string {
		return `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"` + name + `","namespace":"kube-system"},"spec":{"template":{"spec":{"containers":[{"image":"` + image + `","env":[` + env + `]}]}}}}`
	}
	for _, c := range []struct {
		name  string
		spoil func(*world)
		state doctor.State
		check string
		says  string
	}{
		{"wrong configuration", func(w *world) { w.config = "listn: 1\n" }, doctor.Problem, "loads", "salvor.yaml:1: listn: unknown key"},
		{"local links", func(w *world) {
			w.config = strings.Replace(w.config, "https://salvor.example.org", "http://localhost:9095", 1)
		}, doctor.Warning, "worth a look", "external_url"},

		{"server not ready", func(w *world) { w.ready = "store: ok\nview: not ready: the view is 9s behind\n" }, doctor.Problem, "ready", "the view is 9s behind"},

		{"no API server", func(w *world) { w.version = "" }, doctor.Problem, "reach", "does not answer well"},
		{"clock is ahead", func(w *world) { w.date = time.Now().Add(time.Minute) }, doctor.Warning, "reach", "differ by"},

		{"a read is missing", func(w *world) { w.observe.refused = []string{"list volumeattachments", "watch leases"} }, doctor.Problem, "observe rights", "reads are refused: list storage.k8s.io/volumeattachments, watch coordination.k8s.io/leases"},
		{"observe may write", func(w *world) { may(&w.observe, "apps", "deployments", "get", "patch") }, doctor.Problem, "observe writes nothing", "patch apps/deployments"},
		{"observe may do all", func(w *world) { may(&w.observe, "*", "*", "*") }, doctor.Problem, "observe writes nothing", "* */*"},
		{"observe may run commands by GET", func(w *world) { may(&w.observe, "", "pods/exec", "get") }, doctor.Problem, "observe writes nothing", "get pods/exec"},
		{"observe on OpenShift", func(w *world) { may(&w.observe, "project.openshift.io", "projectrequests", "create") }, doctor.Warning, "observe writes nothing", "create project.openshift.io/projectrequests"},
		{"a write is missing", func(w *world) { w.act.refused = []string{"delete pods"} }, doctor.Problem, "act rights", "accesses that the responders declare are refused: delete pods"},
		{"act may do all", func(w *world) { may(&w.act, "*", "*", "*") }, doctor.Warning, "act has no more", "* */*"},
		{"act may do more", func(w *world) { may(&w.act, "", "secrets", "delete", "get") }, doctor.Warning, "act has no more", "delete secrets"},
		{"another cluster", func(w *world) { w.otherUID = "other" }, doctor.Problem, "same cluster", "different clusters"},

		{"NodeHealthCheck", func(w *world) {
			serves(w, "remediation.medik8s.io", nhc, list("remediation.medik8s.io/v1", "NodeHealthCheck", `all },"spec":{}`))
		}, doctor.Problem, "second repairers", "the mode act is refused: NodeHealthCheck ns/all repairs 3 of 3 nodes, too"},
		{"NodeHealthCheck of some", func(w *world) {
			w.nodes[1].Labels["pool"] = "a"
			serves(w, "remediation.medik8s.io", nhc, list("remediation.medik8s.io/v1", "NodeHealthCheck", `a },"spec":{"selector":{"matchLabels":{"pool":"a"}}}`))
		}, doctor.Problem, "second repairers", "1 of 3 nodes"},
		{"NodeHealthCheck in mode ask", func(w *world) {
			mode(w, "ask")
			serves(w, "remediation.medik8s.io", nhc, list("remediation.medik8s.io/v1", "NodeHealthCheck", `all },"spec":{}`))
		}, doctor.Warning, "second repairers", "NodeHealthCheck ns/all repairs 3 of 3 nodes, too"},
		{"NodeHealthCheck paused", func(w *world) {
			serves(w, "remediation.medik8s.io", nhc, list("remediation.medik8s.io/v1", "NodeHealthCheck", `all },"spec":{"pauseRequests":["x"]}`))
		}, doctor.Warning, "second repairers", "once it is no longer paused"},
		{"NodeHealthCheck unseen", func(w *world) { serves(w, "remediation.medik8s.io", nhc, ""); w.forbidden[nhc] = true }, doctor.Warning, "second repairers", "cannot tell: NodeHealthChecks of remediation.medik8s.io cannot be listed"},
		{"MachineHealthCheck", func(w *world) {
			serves(w, "machine.openshift.io", mhc, list("machine.openshift.io/v1", "MachineHealthCheck", `w },"spec":{"unhealthyConditions":[{"type":"Ready","status":"Unknown"}]}`))
		}, doctor.Problem, "second repairers", "MachineHealthCheck ns/w repairs nodes of the Machines it selects, too"},
		{"MachineHealthCheck of Cluster API", func(w *world) {
			serves(w, "cluster.x-k8s.io", capi, list("cluster.x-k8s.io/v1", "MachineHealthCheck", `w },"spec":{"checks":{"unhealthyNodeConditions":[{"type":"Ready"}]}}`))
		}, doctor.Problem, "second repairers", "MachineHealthCheck ns/w"},
		{"Machines elsewhere", func(w *world) { w.nodes[1].Annotations = map[string]string{"cluster.x-k8s.io/machine": "m"} }, doctor.Warning, "second repairers", "in its management cluster"},
		{"Karpenter repairs", func(w *world) {
			serves(w, "karpenter.sh", "/apis/apps/v1/namespaces/kube-system/deployments/karpenter", deployment("karpenter", "karpenter:1", `{"name":"FEATURE_GATES","value":"SpotToSpotConsolidation=false,NodeRepair=true"}`))
		}, doctor.Problem, "second repairers", "Karpenter (Deployment kube-system/karpenter)"},
		{"Karpenter unseen", func(w *world) { w.groups = append(w.groups, "karpenter.sh") }, doctor.Warning, "second repairers", "whether its node repair is on is not seen"},
		{"draino", func(w *world) {
			w.objects["/apis/apps/v1/namespaces/kube-system/deployments/draino"] = deployment("draino", "planetlabs/draino:1", "")
		}, doctor.Problem, "second repairers", "draino (Deployment kube-system/draino)"},
		{"draino by its image", func(w *world) {
			w.objects["/apis/apps/v1/deployments"] = `{"apiVersion":"apps/v1","kind":"DeploymentList","items":[` + deployment("evictor", "planetlabs/draino:1", "") + `]}`
		}, doctor.Problem, "second repairers", "draino (Deployment kube-system/evictor)"},
		{"node-problem-detector", func(w *world) {
			w.nodes[1].Status.Conditions = append(w.nodes[1].Status.Conditions, corev1.NodeCondition{Type: "KernelDeadlock", Status: corev1.ConditionFalse})
		}, doctor.Warning, "second repairers", "node-problem-detector reports conditions of 1 of 3 nodes"},
		{"EKS node group", func(w *world) { w.nodes[1].Labels["eks.amazonaws.com/nodegroup"] = "a" }, doctor.Warning, "second repairers", "by default it is off"},
		{"EKS Auto Mode", func(w *world) { w.nodes[1].Labels["eks.amazonaws.com/compute-type"] = "auto" }, doctor.Problem, "second repairers", "EKS Auto Mode"},
		{"GKE", func(w *world) { w.nodes[1].Labels["cloud.google.com/gke-nodepool"] = "a" }, doctor.Warning, "second repairers", "GKE"},
		{"AKS", func(w *world) { w.nodes[1].Labels["kubernetes.azure.com/agentpool"] = "a" }, doctor.Problem, "second repairers", "AKS"},

		{"switch away", func(w *world) { w.power = "nonsense" }, doctor.Problem, "power switch", "no answer that counts"},
		{"switch lies", func(w *world) { w.power = `{"power":"off"}` }, doctor.Problem, "power switch", "says that worker-1 is off, but the node is ready"},

		{"service away", func(w *world) { w.shop = http.StatusBadGateway }, doctor.Problem, "probe shop", "it answers 502 Bad Gateway, not 200"},
		{"Prometheus away", func(w *world) { w.config = strings.Replace(w.config, "PROM/east", "PROM/west", 1) }, doctor.Problem, "Prometheus", "404 Not Found"},
		{"Prometheus lies", func(w *world) { w.metrics = strings.Replace(w.metrics, `"1"`, `"2"`, 1) }, doctor.Problem, "Prometheus", "it answers something else"},
		{"Prometheus warns", func(w *world) { w.metrics = `{"warnings":["store away"],` + w.metrics[1:] }, doctor.Warning, "Prometheus", "store away"},

		{"Alertmanager away", func(w *world) { w.config = strings.Replace(w.config, "{url: AM,", "{url: AM/wrong,", 1) }, doctor.Problem, "reach", "404"},
		{"Alertmanager refuses", func(w *world) { w.refuses = true }, doctor.Problem, "takes alerts", "404"},
		{"alert does not arrive", func(w *world) { w.silent = true }, doctor.Problem, "round trip", "did not arrive"},
		{"alert arrives for another cluster", func(w *world) { w.elsewhere = "prod-us" }, doctor.Problem, "round trip", "did not arrive"},
		{"only an older test alert is there", func(w *world) {
			w.silent = true
			w.seen = []api.Alert{{Cluster: "prod-eu", At: time.Now(), Alert: events.Alert{Labels: events.NewLabelSet(map[string]string{"salvor_test": "older"})}}}
		}, doctor.Problem, "round trip", "did not arrive"},
		{"Salvor's route does not continue", func(w *world) { w.routes = strings.Replace(w.routes, "salvor, continue: true", "salvor", 1) },
			doctor.Problem, "others still hear", "null is not told of Watchdog, pager is not told of "},
		{"a route is above Salvor's", func(w *world) {
			w.routes = strings.Replace(w.routes, "    - {receiver: salvor,", `    - {receiver: "null", matchers: ['alertname=~"Watchdog|etcd.*"']}`+"\n    - {receiver: salvor,", 1)
		}, doctor.Warning, "alerts reach Salvor", `6 of ` + strconv.Itoa(len(alertmanager.Shipped())) + ` shipped alerts do not reach Salvor, for cluster prod-eu: ` +
			`the route {alertname=~"Watchdog|etcd.*"} to null takes them and does not continue: Watchdog, etcdDatabaseQuotaLowSpace, etcdExcessiveDatabaseGrowth, etcdInsufficientMembers, etcdMembersDown and 1 more`},
		{"critical alerts go elsewhere", func(w *world) {
			w.routes = strings.Replace(w.routes, "    - {receiver: salvor,", "    - {receiver: pager, matchers: ['severity=\"critical\"', 'job=\"apiserver\"']}\n    - {receiver: salvor,", 1)
		}, doctor.Warning, "alerts reach Salvor", "takes them and does not continue when their severity is critical: TargetDown of apiserver"},
		{"the route takes another cluster's", func(w *world) {
			w.routes = strings.Replace(w.routes, `"Salvor.*"'`, `"Salvor.*"', 'cluster="prod-us"'`, 1)
		}, doctor.Warning, "alerts reach Salvor", "no route of Salvor matches them: "},
		{"routes were not moved", func(w *world) {
			w.routes = strings.Replace(w.routes, "    - continue: true\n      routes:\n        -", "    - continue: true\n    -", 1)
			w.routes = strings.Replace(w.routes, "        - {receiver: team-db", "    - {receiver: team-db", 1)
		}, doctor.Warning, "others still hear", "the receiver of the top route hears of every alert"},
		{"no receiver is Salvor's", func(w *world) { w.routes = strings.ReplaceAll(w.routes, "salvor", "other") }, doctor.Warning, "routing", "no receiver of its configuration"},
		{"no configuration is shown", func(w *world) { w.routes = "" }, doctor.Warning, "routing", "does not show its routes"},
		{"configuration is no YAML", func(w *world) { w.routes = "route: [" }, doctor.Warning, "routing", "read its configuration"},
		{"broken matcher", func(w *world) { w.routes = strings.Replace(w.routes, "critical|warning", "'('", 1) }, doctor.Warning, "routing", "cannot tell"},
		{"no intake", func(w *world) { w.config = strings.Replace(w.config, "intakes:", "intakes: []\n#", 1) }, doctor.Warning, "round trip", "no intake is configured"},
		{"no server", func(w *world) { w.ready = "" }, doctor.Warning, "round trip", "no server runs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.spoil(w)
			r := w.examine(t)
			holds(t, r, c.state, c.check, c.says)
			if r.Problems+r.Warnings != 1 {
				t.Errorf("%d problems and %d warnings, want the one:\n%s", r.Problems, r.Warnings, text(r))
			}
		})
	}
}

// TestNoSecondRepairer holds that these are none.
func TestNoSecondRepairer(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"NodeHealthCheck of no node": func(w *world) {
			w.groups = append(w.groups, "remediation.medik8s.io")
			w.objects["/apis/remediation.medik8s.io/v1/nodehealthchecks"] = list("remediation.medik8s.io/v1", "NodeHealthCheck", `x },"spec":{"selector":{"matchLabels":{"pool":"b"}}}`)
		},
		"MachineHealthCheck of spot instances": func(w *world) {
			w.groups = append(w.groups, "machine.openshift.io")
			w.objects["/apis/machine.openshift.io/v1/machinehealthchecks"] = list("machine.openshift.io/v1", "MachineHealthCheck", `machine-api-termination-handler },"spec":{"unhealthyConditions":[{"type":"Terminating","status":"True"}]}`)
		},
		"group without the resource": func(w *world) { w.groups = append(w.groups, "cluster.x-k8s.io") },
		"Karpenter without repair": func(w *world) {
			w.groups = append(w.groups, "karpenter.sh")
			w.objects["/apis/apps/v1/namespaces/karpenter/deployments/karpenter"] = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"karpenter"},"spec":{"template":{"spec":{"containers":[{"args":["--feature-gates=NodeRepair=false"]}]}}}}`
		},
		"draino scaled to none": func(w *world) {
			w.objects["/apis/apps/v1/namespaces/draino/deployments/draino"] = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"draino"},"spec":{"replicas":0}}`
		},
		"fargate": func(w *world) { w.nodes[1].Labels["eks.amazonaws.com/compute-type"] = "fargate" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			spoil(w)
			if r := w.examine(t); r.Problems+r.Warnings != 0 {
				t.Errorf("found\n%s", text(r))
			}
		})
	}
}

func TestClusterThatOnlyWatches(t *testing.T) {
	w := newWorld(t)
	w.config = strings.NewReplacer("    act: {kubeconfig: DIR/act}\n", "", "    modes: {node: act}\n", "", `    power: {http: {url: "POWER/{node}"}}`+"\n", "").Replace(w.config)
	r := w.examine(t)
	holds(t, r, doctor.OK, "act rights", "nothing can be done")
	holds(t, r, doctor.OK, "power switch", "none is configured")
	if r.Problems+r.Warnings != 0 {
		t.Errorf("found\n%s", text(r))
	}
}

// TestRightsThatWereLeftOut: what was left out on purpose is not missing, and is too much where it was granted nevertheless. Nothing else goes with it.
func TestRightsThatWereLeftOut(t *testing.T) {
	w := newWorld(t)
	w.act.refused = []string{"create restores", "delete restores", "delete pods"}
	w.act.rules = append(w.act.rules, authv1.ResourceRule{APIGroups: []string{"velero.io"}, Resources: []string{"restores", "backups"}, Verbs: []string{"create"}})
	w.without = []string{"velero.restore", "namespace.restore"}
	r := w.examine(t)
	holds(t, r, doctor.OK, "left out", "fails: namespace.restore, velero.restore")
	holds(t, r, doctor.Problem, "act rights", "are refused: delete pods")
	holds(t, r, doctor.Warning, "act has no more", "may also create velero.io/restores, which")
	if strings.Contains(text(r), "delete velero.io/restores") || strings.Contains(text(r), "create velero.io/backups") {
		t.Errorf("found\n%s", text(r))
	}
}

// TestNoSuchResponderIsLeftOut holds that a slip of the pen leaves nothing out.
func TestNoSuchResponderIsLeftOut(t *testing.T) {
	w := newWorld(t)
	w.without = []string{"velero.restor"}
	holds(t, w.examine(t), doctor.Problem, "rights", `no responder is named "velero.restor"`)
}

// TestNoRightToSeeNodes holds that what cannot be seen is not said to be well.
func TestNoRightToSeeNodes(t *testing.T) {
	w := newWorld(t)
	w.observe.refused = []string{"list nodes"}
	r := w.examine(t)
	holds(t, r, doctor.Problem, "observe rights", "list nodes")
	holds(t, r, doctor.Problem, "nodes", "cannot be listed")
	holds(t, r, doctor.Warning, "power switch", "not asked")
	holds(t, r, doctor.Warning, "second repairers", "cannot tell")
}

func TestTwoAlertmanagersAndClusters(t *testing.T) {
	w := newWorld(t)
	w.config = strings.NewReplacer("am, token_file: DIR/intake, clusters: [prod-eu]", "am, token_file: DIR/intake, clusters: [prod-eu, prod-us]", "alertmanagers: [", "alertmanagers: [{url: AM/, token_file: DIR/am}, ",
		"intakes:", "  - {name: prod-us, observe: {kubeconfig: DIR/observe}}\nintakes:").Replace(w.config)
	w.elsewhere = "prod-us" // all arrives for the one cluster
	r := w.examine(t)
	if got := strings.Count(text(r), "arrived at Salvor for cluster prod-us"); got != 2 {
		t.Errorf("%d Alertmanagers are well, want 2\n%s", got, text(r))
	}
	holds(t, r, doctor.Warning, "round trip", "no Alertmanager's alerts of cluster prod-eu arrive")
	if w.ended != 4 {
		t.Errorf("%d test alerts were ended, want 4", w.ended)
	}
}

// TestServerThatHangs holds that a server that takes connections and does not answer is a problem, and no store is opened.
func TestServerThatHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ready = ""
	l, err := net.Listen("unix", filepath.Join(w.dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := w.examine(t)
	holds(t, r, doctor.Problem, "runs", "does not answer")
	holds(t, r, doctor.Warning, "takes writes", "not tried")
	if _, err := os.Stat(filepath.Join(w.dir, "data")); err == nil {
		t.Error("a store was opened")
	}
}
