package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/salvor-io/salvor/internal/protection"
)

var update = flag.Bool("update", false, "write what is found as what is wanted")

// cluster is an API server that serves lists out of a file: documents of YAML, each with the path of the list that it is in.
func cluster(t *testing.T, file string) *httptest.Server {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lists := map[string][]any{}
	for _, doc := range strings.Split(string(text), "\n---\n") {
		var d struct {
			In    string `json:"in"`
			Items []any  `json:"items"`
		}
		if err := yaml.Unmarshal([]byte(doc), &d); err != nil || d.In == "" {
			t.Fatalf("%v in %s", err, doc)
		}
		lists[d.In] = append([]any{}, d.Items...)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { listing(t, w, r, lists) }))
	t.Cleanup(s.Close)
	return s
}

func listing(t *testing.T, w http.ResponseWriter, r *http.Request, lists map[string][]any) {
	if r.Method != http.MethodGet {
		t.Errorf("it writes: %s %s", r.Method, r.URL)
	}
	answer := func(code int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		if err := json.NewEncoder(w).Encode(body); err != nil {
			t.Error(err)
		}
	}
	switch path := strings.TrimPrefix(r.URL.Path, "/"); path {
	case "version":
		answer(200, map[string]any{"gitVersion": "v1.36.3"})
	case "api":
		answer(200, map[string]any{"kind": "APIVersions", "versions": []string{"v1"}})
	case "apis":
		groups := []any{}
		for in := range lists {
			if group, rest, ok := strings.Cut(strings.TrimPrefix(in, "apis/"), "/"); ok && strings.HasPrefix(in, "apis/") {
				version, _, _ := strings.Cut(rest, "/")
				v := map[string]any{"groupVersion": group + "/" + version, "version": version}
				groups = append(groups, map[string]any{"name": group, "versions": []any{v}, "preferredVersion": v})
			}
		}
		answer(200, map[string]any{"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
	default:
		items, known := lists[path]
		switch {
		case known && len(items) == 1 && items[0] == "forbidden":
			answer(403, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403, "message": "no", "details": map[string]any{"kind": filepath.Base(path)}})
		case known:
			answer(200, listOf(path, items))
		case !strings.HasPrefix(path, "apis/") || strings.Count(path, "/") < 3:
			answer(404, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404})
		default:
			answer(200, listOf(path, []any{}))
		}
	}
}

// listOf is a list as the API server writes it.
func listOf(path string, items []any) map[string]any {
	kinds := map[string]string{"namespaces": "NamespaceList", "persistentvolumeclaims": "PersistentVolumeClaimList", "deployments": "DeploymentList", "statefulsets": "StatefulSetList",
		"daemonsets": "DaemonSetList", "cronjobs": "CronJobList", "storageclasses": "StorageClassList", "csidrivers": "CSIDriverList"}
	kind, builtIn := kinds[filepath.Base(path)]
	if !builtIn {
		kind = "List"
	}
	return map[string]any{"kind": kind, "apiVersion": strings.TrimPrefix(strings.TrimPrefix(filepath.Dir(path), "apis/"), "api/"), "metadata": map[string]any{}, "items": items}
}

// kubeconfig leads to a server.
func kubeconfig(t *testing.T, dir string, s *httptest.Server) string {
	t.Helper()
	path := filepath.Join(dir, "kubeconfig")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: prod\nclusters: [{name: c, cluster: {server: %q}}]\ncontexts: [{name: prod, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {token: t}}]\n", s.URL)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// golden compares with a file beside the test.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "protection", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

// TestProtection shows what people see of a cluster in which some is well and some is not, with promises and without.
func TestProtection(t *testing.T) {
	dir := t.TempDir()
	s := cluster(t, "testdata/protection/cluster.yaml")
	at := kubeconfig(t, dir, s)
	promises := filepath.Join("testdata", "protection", "salvor.yaml")
	hide := func(text string) string { return strings.NewReplacer(at, "KUBECONFIG", s.URL, "SERVER").Replace(text) }
	for _, c := range []struct {
		name string
		args []string
		code int
	}{
		{"stranger.txt", []string{"--kubeconfig", at}, exitNotKept},
		{"promised.txt", []string{"--kubeconfig", at, "-f", promises}, exitNotKept},
		{"promised.json", []string{"--kubeconfig", at, "-f", promises, "-o", "json"}, exitNotKept},
		{"plan.yaml", []string{"plan", "--kubeconfig", at, "-f", promises}, exitOK},
	} {
		got := salvor(t.Context(), nil, append([]string{"protection"}, c.args...)...)
		if got.code != c.code {
			t.Errorf("%s: exit %d, want %d, said %q", c.name, got.code, c.code, got.talked)
		}
		golden(t, c.name, hide(got.out))
		if c.name == "plan.yaml" {
			golden(t, "plan.talk", hide(got.talked))
		} else if got.talked != "" {
			t.Errorf("%s: said %q", c.name, got.talked)
		}
	}
}

// TestWhichClusterIsLookedAt holds how a cluster is found, and what is said where it is not clear which one is meant.
func TestWhichClusterIsLookedAt(t *testing.T) {
	dir := t.TempDir()
	s := cluster(t, "testdata/protection/empty.yaml")
	at := kubeconfig(t, dir, s)
	t.Chdir(dir)
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file("two.yaml", "clusters: [{name: a, observe: {kubeconfig: kubeconfig}}, {name: b, observe: {kubeconfig: kubeconfig, context: prod}}]\n")
	lost := file("lost", "apiVersion: v1\nkind: Config\ncurrent-context: x\nclusters: [{name: c, cluster: {server: \"http://127.0.0.1:1\"}}]\ncontexts: [{name: x, context: {cluster: c}}]\n")
	if err := os.MkdirAll(filepath.Join(dir, ".kube"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(at, filepath.Join(dir, ".kube", "config")); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(dir, ".kube", "config")
	at = kubeconfig(t, dir, s)
	for _, c := range []struct {
		args, env string
		code      int
		out, talk string
	}{
		{"", "", exitOK, home + " at ", ""},
		{"", at, exitOK, at + " at ", ""},
		{"--context prod", at, exitOK, "prod at ", ""},
		{"-f two.yaml", "", exitOK, "a at ", ""},
		{"-f two.yaml --cluster b", "", exitOK, "b at ", ""},
		{"-f two.yaml --cluster c", "", exitUsage, "", `no cluster is named "c" in the configuration; there are: a, b`},
		{"-f two.yaml --kubeconfig " + at, "", exitUsage, "", "say which cluster that kubeconfig leads to: --cluster a, or --cluster b"},
		{"-f two.yaml --cluster a --kubeconfig " + at, "", exitOK, "a at ", ""},
		{"--cluster a --kubeconfig " + at, "", exitUsage, "", "no configuration is read"},
		{"", at + ":" + at, exitError, "", "KUBECONFIG names several files"},
		{"--kubeconfig nowhere", "", exitError, "", "no such file or directory"},
		{"--kubeconfig " + lost, "", exitNotKnown, lost + " at ", ""},
		{"-f nowhere.yaml", "", exitError, "", "no such file or directory"},
		{"plan --kubeconfig " + at, "", exitError, "", "nothing was promised to anybody"},
		{"plan -f two.yaml", "", exitUsage, "", "say for which one"},
		{"-o csv", "", exitUsage, "", "no output form"},
	} {
		got := salvor(t.Context(), map[string]string{"KUBECONFIG": c.env, "HOME": dir}, append([]string{"protection"}, strings.Fields(c.args)...)...)
		if got.code != c.code || !strings.HasPrefix(got.out, c.out) || !strings.Contains(got.talked, c.talk) {
			t.Errorf("%q: exit %d, want %d\n%s%s", c.args, got.code, c.code, got.out, got.talked)
		}
	}
}

// TestProtectionIsHarmlessToATerminal holds that what others wrote does not write to the terminal.
func TestProtectionIsHarmlessToATerminal(t *testing.T) {
	bad := "\x1b[2J\nok"
	standing := protection.Standing{Application: bad, Namespace: bad, Backups: []protection.Held{{Missing: []string{bad, bad + "2"}}}, Notes: []string{bad}, Point: &protection.Point{Name: bad}}
	var out strings.Builder
	err := writeProtection(&out, []protection.Report{{Cluster: bad, Standings: []protection.Standing{standing}, Notes: []string{bad}, LeftOut: []string{bad}, Unread: []protection.Unread{{Why: bad, Do: bad}}}})
	if err != nil || strings.Contains(out.String(), "\x1b") || strings.Contains(out.String(), "\nok") {
		t.Errorf("%v, %q", err, out.String())
	}
}
