package replay

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/salvor-io/salvor/internal/config"
)

const story = `A node dies.
-- salvor.yaml --
clusters:
  - {name: prod, observe: {in_cluster: true}, act: {kubeconfig: act}, modes: {node: act}, sole_repairer: true}
-- scene --
cluster prod
node a-1..a-4 zone=a
node b-1..b-4 zone=b
+60s
lease a-1 stale
+3m
lease a-1 fresh
+10m
`

func outcome(t *testing.T, text string) *Outcome {
	t.Helper()
	f, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.Play(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTwoReplaysAreEqual(t *testing.T) {
	first, second := outcome(t, story).Text(), outcome(t, story).Text()
	if first != second || !strings.Contains(first, "step 1/2 cordon") || !strings.HasSuffix(first, "1 incident closed\n") {
		t.Fatalf("one is\n%s\nthe other\n%s", first, second)
	}
}

// TestACrashChangesNothing kills the replica at each second of the recovery: the same steps are done, each once, and it ends the same.
func TestACrashChangesNothing(t *testing.T) {
	for _, after := range []string{"14s", "15s", "16s", "29s", "30s", "31s", "45s"} {
		text := strings.Replace(story, "lease a-1 stale\n+3m\n", "lease a-1 stale\n+"+after+"\ncrash\n+3m\n", 1)
		out := outcome(t, text)
		if len(out.Incidents) != 1 || out.Incidents[0].Live() {
			t.Errorf("crash after %s:\n%s", after, out.Text())
		}
		for _, step := range []string{"step 1/2 cordon: node/a-1: keeps new pods off the nodes done", "step 1/1 restore"} {
			if n := strings.Count(out.Text(), step); n < 1 || n > 2 {
				t.Errorf("crash after %s: %q %d times:\n%s", after, step, n, out.Text())
			}
		}
	}
}

// TestWhoseRules: a story is judged by its own rules, whatever is on the disk, and by a configuration that is given with the rules of that.
func TestWhoseRules(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "no.rego"), []byte("package salvor.policies.mine\n\ndeny contains \"my own rule says no\" if true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	brings := strings.Replace(story, "-- scene --", "-- policies/own.rego --\npackage salvor.policies.own\n\ndeny contains \"the rule of the story says no\" if true\n-- scene --", 1)
	named := strings.Replace(story, "clusters:", "policies: {dir: "+dir+"}\nclusters:", 1)
	mine, err := config.Parse("mine.yaml", []byte("policies: {dir: "+dir+"}\nclusters: [{name: prod, observe: {in_cluster: true}, act: {kubeconfig: act}, modes: {node: act}}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text      string
		cfg       *config.Config
		has, lack string
	}{
		{brings, nil, "the rule of the story", "my own rule"}, {brings, mine, "my own rule", "the rule of the story"}, {story, mine, "my own rule", "1 incident closed"},
		{named, nil, "1 incident closed", "my own rule"},
	} {
		f, err := Read(strings.NewReader(c.text))
		if err != nil {
			t.Fatal(err)
		}
		out, err := f.Play(t.Context(), c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if text := out.Text(); !strings.Contains(text, c.has) || strings.Contains(text, c.lack) && c.has != "my own rule" {
			t.Errorf("want %q and not %q:\n%s", c.has, c.lack, text)
		}
	}
}

// TestWhatASceneNamesHasToBe: a word that nothing is named by is no order.
func TestWhatASceneNamesHasToBe(t *testing.T) {
	for _, order := range []string{"fails node.cordn", "works x", "takes node.cordn 5s", "repairers banana"} {
		f, err := Read(strings.NewReader(strings.Replace(story, "+60s\n", "+60s\n"+order+"\n", 1)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Play(t.Context(), nil); err == nil {
			t.Errorf("%s is taken", order)
		}
	}
}
