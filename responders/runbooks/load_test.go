package runbooks

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/all"
)

func catalogue(t testing.TB) responders.Catalog {
	t.Helper()
	catalog, err := all.Catalog(all.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

func files(content map[string]string) fs.FS {
	out := fstest.MapFS{}
	for name, text := range content {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func TestShippedLadder(t *testing.T) {
	set, err := Load(catalogue(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[classifiers.Kind][]string{classifiers.KindNode: {"node-failure", "node-displace"}, classifiers.KindZone: {"zone-failure", "zone-evacuation"},
		classifiers.KindData: {"backup-retry", "claims-restore", "data-restore", "namespace-restore", "volume-lost", "claims-from-backup"}, classifiers.KindConfig: {"config-restore", "secret-restore"}} {
		var names []string
		for _, r := range set.For(kind) {
			names = append(names, r.Name)
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("%s: %s", kind, diff)
		}
	}
	r, ok := set.Lookup("node-failure")
	nodes := map[string]Value{"nodes": {path: "fault.nodes"}}
	stop := responders.OnFailureStop
	want := Runbook{Name: "node-failure", Source: "node-failure.yaml", Fault: "node", Order: 10, Steps: []Step{
		{"cordon", "node.cordon", nodes, 30 * time.Second, stop},
		{"displace", "workload.displace", map[string]Value{"nodes": {path: "fault.nodes"}, "only": {literal: "stateless"}}, time.Minute, stop},
		{"fence", "node.fence", nodes, 2 * time.Minute, stop},
		{"release", "node.release", nodes, 5 * time.Minute, stop}},
		Verify: []Check{{"workload.available", "workload.available", map[string]Value{"displacedFrom": {path: "fault.nodes"}}, 15 * time.Second, 5 * time.Minute}},
		Undo:   []Step{{"restore", "node.restore", nodes, time.Minute, stop}}}
	if diff := cmp.Diff(want, r, cmp.AllowUnexported(Value{}, Runbook{})); diff != "" || !ok {
		t.Error(diff)
	}
}

// TestWhatNamesAReturn: a runbook takes back what it did by the steps of the one that it names, which is tried for no fault itself.
func TestWhatNamesAReturn(t *testing.T) {
	back := `apiVersion: salvor.io/v1
kind: Runbook
metadata: {name: back}
spec:
  fault: zone
  return: true
  steps:
    - {name: restore, use: node.restore, with: {zone: "${fault.zone}"}}
`
	mine := small + "  undo: back\n"
	set, err := Load(catalogue(t), files(map[string]string{"mine.yaml": mine, "back.yaml": back}))
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := set.Lookup("mine"); len(r.Undo) != 1 || r.Undo[0].Use != "node.restore" || r.UndoBy != "back" {
		t.Errorf("it is undone by %+v", r)
	}
	for _, r := range set.For(classifiers.KindZone) {
		if r.Name == "back" || r.Name == "zone-return" {
			t.Errorf("%s would be tried for a fault", r.Name)
		}
	}
	for name, c := range map[string]struct{ mine, back, want string }{
		"nobody":           {small + "  undo: forth\n", back, `mine.yaml:11: no runbook with return: true is named "forth"`},
		"itself":           {small + "  undo: mine\n", back, `mine.yaml:11: no runbook with return: true is named "mine"`},
		"no return":        {mine, strings.Replace(small, "name: mine", "name: back", 1), `mine.yaml:11: no runbook with return: true is named "back"`},
		"of another kind":  {mine, strings.Replace(back, "fault: zone", "fault: region", 1), "mine.yaml:11: back is for faults of kind region, not zone"},
		"with an order":    {mine, back + "  order: 5\n", `back.yaml:9: spec has no key "order"; it has: fault, return, steps`},
		"that is no":       {mine, strings.Replace(back, "return: true", "return: false", 1), `back.yaml:6: spec has no key "return"`},
		"that is a text":   {mine, strings.Replace(back, "return: true", "return: yes please", 1), `back.yaml:6: spec has no key "return"`},
		"a path for steps": {small + "  undo: \"${fault.zone}\"\n", back, "mine.yaml:11: the name \"${fault.zone}\" must be"},
	} {
		_, err := Load(catalogue(t), files(map[string]string{"mine.yaml": c.mine, "back.yaml": c.back}))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v\nwant %s", name, err, c.want)
		}
	}
}

const small = `apiVersion: salvor.io/v1
kind: Runbook
metadata: {name: mine}
spec:
  fault: zone
  order: 5
  steps:
    - {name: cordon, use: node.cordon, with: {nodes: [a, b]}, onFailure: continue}
  verify:
    - {name: up, use: workload.available, with: {displacedFrom: "${fault.nodes}"}}
`

func TestUsersAddAndReplace(t *testing.T) {
	replaced := strings.NewReplacer("name: mine", "name: node-displace", "fault: zone", "fault: node").Replace(small)
	set, err := Load(catalogue(t), files(map[string]string{"mine.yaml": small, "other.yml": "---\n" + replaced, "README.md": "not YAML: {", "empty.yaml": "# nothing\n"}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range set.All() {
		got = append(got, r.Name+" "+r.Source)
	}
	if diff := cmp.Diff([]string{"config-restore config-restore.yaml", "secret-restore secret-restore.yaml", "backup-retry backup-retry.yaml", "claims-restore claims-restore.yaml", "data-restore data-restore.yaml", "namespace-restore namespace-restore.yaml",
		"volume-lost volume-lost.yaml", "claims-from-backup claims-from-backup.yaml", "node-displace other.yml", "node-failure node-failure.yaml", "zone-return zone-return.yaml", "mine mine.yaml",
		"zone-failure zone-failure.yaml", "zone-evacuation zone-evacuation.yaml"}, got); diff != "" {
		t.Error(diff)
	}
	mine, _ := set.Lookup("mine")
	want := Step{"cordon", "node.cordon", map[string]Value{"nodes": {literal: []string{"a", "b"}}}, defaultDeadline, responders.OnFailureContinue}
	if diff := cmp.Diff(want, mine.Steps[0], cmp.AllowUnexported(Value{})); diff != "" {
		t.Error(diff)
	}
	if c := mine.Verify[0]; c.Settle != defaultSettle || c.Deadline != defaultVerify || c.Name != "up" {
		t.Errorf("the check is %+v", c)
	}
}

// Every mistake is an error with its line, and none hides another.
func TestMistakesAreFoundAtLoad(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"no YAML":                 {"spec:", "spec: [", "mine.yaml: yaml: line"},
		"a list":                  {small, "- a\n", "mine.yaml:1: runbook must be a mapping"},
		"text":                    {small, "hello\n", "mine.yaml:1: runbook must be a mapping"},
		"another version":         {"salvor.io/v1", "salvor.io/v2", "mine.yaml:1: this must be salvor.io/v1"},
		"another kind":            {"kind: Runbook", "kind: Pod", "mine.yaml:2: this must be Runbook"},
		"no name":                 {"{name: mine}", "{}", `mine.yaml:3: metadata needs the key "name"`},
		"a name with a slash":     {"name: mine", "name: a/b", `mine.yaml:3: the name "a/b" must be`},
		"a key too many":          {"{name: mine}", "{name: mine, labels: {}}", `mine.yaml:3: metadata has no key "labels"; it has: name`},
		"an unknown key of spec":  {"order: 5", "ordre: 5", `mine.yaml:6: spec has no key "ordre"`},
		"a key twice":             {"order: 5", "order: 5\n  order: 6", `mine.yaml:7: spec has the key "order" twice`},
		"no kind of fault":        {"fault: zone", "fault: nodes", `mine.yaml:5: there is no kind of fault "nodes"`},
		"no cause of its kind":    {"order: 5", "cause: [backup-late]\n  order: 5", "mine.yaml:6: faults of kind zone have no cause to choose by"},
		"order is no number":      {"order: 5", "order: soon", "mine.yaml:6: this must be a whole number"},
		"order is negative":       {"order: 5", "order: -5", "mine.yaml:6: this must be a whole number"},
		"no steps":                {"    - {name: cordon, use: node.cordon, with: {nodes: [a, b]}, onFailure: continue}\n", "", "mine.yaml:7: steps must be a list with at least one entry"},
		"no responder":            {"use: node.cordon", "use: node.shoot", `mine.yaml:8: no responder is named "node.shoot"; there are: backup.complete, backup.retry, claims.restore`},
		"no argument":             {"with: {nodes: [a, b]}, ", "", `mine.yaml:8: node.cordon needs exactly one of the arguments nodes, zone`},
		"an argument too many":    {"nodes: [a, b]", "nodes: [a, b], force: true", `mine.yaml:8: node.cordon takes no argument "force"`},
		"an argument twice":       {"nodes: [a, b]", "nodes: [a], nodes: [b]", `mine.yaml:8: the argument "nodes" is given twice`},
		"a text for a list":       {"nodes: [a, b]", "nodes: a", "mine.yaml:8: node.cordon: the argument \"nodes\" must be a list of distinct object names"},
		"a path of another shape": {"nodes: [a, b]", `nodes: "${fault.zone}"`, "mine.yaml:8: node.cordon: the argument \"nodes\" must be a list of distinct object names"},
		"an empty list":           {"nodes: [a, b]", "nodes: []", "mine.yaml:8: node.cordon: the argument"},
		"a wildcard":              {"nodes: [a, b]", `nodes: ["*"]`, "mine.yaml:8: node.cordon: the argument"},
		"an unknown path":         {"nodes: [a, b]", `nodes: "${fault.pods}"`, "mine.yaml:8: there is no ${fault.pods}; there are: fault.anchor, fault.claims, fault.cluster, fault.configMaps, fault.namespace, fault.namespaces, fault.nodes, fault.object, fault.secrets, fault.zone, fault.zones, incident.id"},
		"a path inside a text":    {"nodes: [a, b]", `nodes: ["x-${fault.zone}"]`, "mine.yaml:8: \"x-${fault.zone}\": a ${path} must be the whole of an argument"},
		"an expression":           {"nodes: [a, b]", `nodes: "${fault.nodes[0]}"`, "a ${path} must be the whole of an argument"},
		"a number":                {"nodes: [a, b]", "nodes: [1]", "mine.yaml:8: this must be text"},
		"a deadline of nothing":   {"onFailure: continue", "deadline: 0s", "mine.yaml:8: this must be a duration such as 90s"},
		"a deadline of a number":  {"onFailure: continue", "deadline: 30", "mine.yaml:8: this must be a duration such as 90s"},
		"a deadline of a year":    {"onFailure: continue", "deadline: 9000h", "mine.yaml:8: this must be a duration such as 90s, at most 24h"},
		"an unknown way to fail":  {"onFailure: continue", "onFailure: retry", `mine.yaml:8: onFailure is stop or continue, not "retry"`},
		"two steps of a name":     {"  verify:", "    - {name: cordon, use: node.cordon, with: {nodes: [c]}}\n  verify:", `mine.yaml:9: a step before this one is named "cordon" too`},
		"no verification":         {small[strings.Index(small, "  verify:"):], "", `mine.yaml:5: spec needs the key "verify"`},
		"two checks of a name":    {"displacedFrom: \"${fault.nodes}\"}}\n", "displacedFrom: \"${fault.nodes}\"}}\n    - {name: up, use: workload.available, with: {displacedFrom: [a]}}\n", `mine.yaml:11: a check before this one is named "up" too`},
		"it cannot settle":        {"{name: up,", "{name: up, settle: 6m,", "mine.yaml:10: the check must settle (6m0s) before its deadline (5m0s)"},
		"an anchor":               {"metadata: {name: mine}", "metadata: &m {name: mine}\nagain: *m", `runbook has no key "again"`},
		"an alias":                {"nodes: [a, b]", "nodes: &n [a, b], only: *n", "mine.yaml:8: this must be text"},
		"a merge":                 {"{name: mine}", "{name: mine, <<: {}}", `mine.yaml:3: metadata has no key "<<"`},
		"too large":               {"fault: zone", "fault: zone #" + strings.Repeat("x", maxSize), "mine.yaml: it is larger than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(small, c.old, c.new, 1)
			if text == small {
				t.Fatal("the mistake was not made")
			}
			_, err := Load(catalogue(t), files(map[string]string{"mine.yaml": text}))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v\nwant %s", err, c.want)
			}
		})
	}
}

// TestCausesAreRead: the kind of fault that says what they may be stands above or below them.
func TestCausesAreRead(t *testing.T) {
	for name, c := range map[string]struct{ spec, want string }{
		"one":             {"fault: data\n  cause: [backup-late]", ""},
		"before the kind": {"cause: [backup-late, backup-failed]\n  fault: data", ""},
		"of another kind": {"fault: config\n  cause: [secret-changed, backup-late]", `mine.yaml:6: faults of kind config have no cause "backup-late"; they have: [revision-changed`},
		"unknown":         {"fault: data\n  cause: [tired]", `mine.yaml:6: faults of kind data have no cause "tired"`},
		"twice":           {"fault: data\n  cause: [backup-late, backup-late]", `mine.yaml:6: the cause "backup-late" is given twice`},
		"no list":         {"fault: data\n  cause: backup-late", "mine.yaml:6: cause must be a list with at least one entry"},
		"none":            {"fault: data\n  cause: []", "mine.yaml:6: cause must be a list with at least one entry"},
		"a number":        {"fault: data\n  cause: [1]", "mine.yaml:6: this must be text"},
	} {
		set, err := Load(catalogue(t), files(map[string]string{"mine.yaml": strings.Replace(small, "fault: zone", c.spec, 1)}))
		if c.want == "" {
			if r, _ := set.Lookup("mine"); err != nil || len(r.Causes) == 0 {
				t.Errorf("%s: %+v, %v", name, r.Causes, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v\nwant %s", name, err, c.want)
		}
	}
}

// TestWhichRunbooksAreAboutAFault: those for what happened, and those for whatever happened. Where nobody can say what did, only these.
func TestWhichRunbooksAreAboutAFault(t *testing.T) {
	book := func(name, spec string) string {
		return strings.NewReplacer("name: mine", "name: "+name, "fault: zone", spec).Replace(small)
	}
	wanted := strings.Replace(book("zz-wanted", "fault: data"), "  order: 5\n", "", 1)
	set, err := Load(catalogue(t), files(map[string]string{"a.yaml": book("zz-late", "fault: data\n  cause: [backup-late]"), "b.yaml": book("zz-any", "fault: data"), "c.yaml": wanted}))
	if err != nil {
		t.Fatal(err)
	}
	for cause, want := range map[classifiers.Cause][]string{classifiers.CauseBackupLate: {"zz-any", "zz-late"}, classifiers.CauseEtcdSpace: {"zz-any"}, "": {"zz-any"}} {
		var got []string
		for _, r := range set.About(classifiers.Fault{Kind: classifiers.KindData, Cause: cause}) {
			if strings.HasPrefix(r.Name, "zz-") {
				got = append(got, r.Name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", cause, diff)
		}
	}
	if !slices.ContainsFunc(set.For(classifiers.KindData), func(r Runbook) bool { return r.Name == "zz-wanted" && r.OnDemand }) {
		t.Error("a runbook without an order is not among those that a person can name")
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	bad := strings.NewReplacer("order: 5", "order: x", "fault: zone", "fault: x").Replace(small)
	_, err := Load(catalogue(t), files(map[string]string{"a.yaml": bad, "b.yaml": small, "c.yaml": small}))
	for _, want := range []string{"a.yaml:5: ", "a.yaml:6: ", "c.yaml: the runbook mine is in b.yaml already"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v\nwant %s", err, want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(small)
	f.Add("a: &a [*a]\n")
	f.Add("---\n---\n")
	catalog := catalogue(f)
	f.Fuzz(func(t *testing.T, text string) {
		set, err := Load(catalog, files(map[string]string{"f.yaml": text}))
		if err != nil {
			return
		}
		for _, r := range set.All() {
			if r.Name == "" || len(r.Steps) == 0 || len(r.Verify) == 0 != r.Return {
				t.Errorf("an incomplete runbook was read: %+v", r)
			}
		}
	})
}
