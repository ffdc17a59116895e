package velero

import (
	"strings"
	"testing"
)

func TestModifiers(t *testing.T) {
	got, err := rulesOf(`
# smaller
deployments.apps: replace /spec/replicas 1
deployments.apps: add /metadata/labels/copy "1"
services/web: remove /spec/loadBalancerIP
configmaps: replace /data/greeting hello you
`)
	if err != nil {
		t.Fatal(err)
	}
	want := `resourceModifierRules:
- conditions:
    groupResource: deployments.apps
  patches:
  - operation: replace
    path: /spec/replicas
    value: "1"
  - operation: add
    path: /metadata/labels/copy
    value: '"1"'
- conditions:
    groupResource: services
    resourceNameRegex: ^web$
  patches:
  - operation: remove
    path: /spec/loadBalancerIP
- conditions:
    groupResource: configmaps
  patches:
  - operation: replace
    path: /data/greeting
    value: hello you
version: v1
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if none, err := rulesOf("\n# nothing\n"); none != "" || err != nil {
		t.Errorf("of no lines came %q, %v", none, err)
	}
}

func TestModifiersThatAreRefused(t *testing.T) {
	for line, says := range map[string]string{
		"deployments: replace /spec/replicas 1":          "with its group",
		"deployments.apps replace /spec/replicas 1":      "write it as in",
		"deployments.apps: move /spec/a /spec/b":         "write it as in",
		"deployments.apps: replace spec/replicas 1":      "write it as in",
		"deployments.apps: replace /spec/replicas":       "needs a value",
		"deployments.apps: remove /spec/replicas 1":      "takes no value",
		`deployments.apps: add /metadata/labels/a "b"c"`: "must be JSON",
		`deployments.apps: add /metadata/labels/a b\c`:   "must be JSON",
		`deployments.apps: add /metadata/labels/a {"b"`:  "must be JSON",
		`deployments.apps: add /metadata/"a 1`:           "no quotes",
		"configmaps: add /data/x True":                   "must be JSON",
		"*.apps: remove /spec":                           "write it as in",
		"configmaps: add /data/x 0x1p4":                  "must be JSON",
	} {
		if got, err := rulesOf(line); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%s: %q, %v, want %q", line, got, err, says)
		}
	}
}
