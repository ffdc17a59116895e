package replay

import (
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
	cfg, err := config.Parse("salvor.yaml", f.Config)
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.Play(t.Context(), cfg)
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
