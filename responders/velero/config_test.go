package velero

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/responderstest"
)

func config(c Clusters) responders.Responder { return NewConfigRestore(c) }

// What is broken, and what is beside it.
const (
	badSettings = `{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop, uid: cm, labels: {team: now}}, data: {a: bad, extra: new}, binaryData: {}}`
	badKey      = `{apiVersion: v1, kind: Secret, metadata: {name: key, namespace: shop, uid: sec}, type: Opaque, data: {password: YmFk}}`
	bystander   = `{apiVersion: v1, kind: ConfigMap, metadata: {name: other, namespace: shop, uid: o}, data: {a: mine}}`
)

// backedUp is what backup good holds of them, as Velero packs it.
func backedUp(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	a := tar.NewWriter(z)
	for _, name := range []string{"metadata/version", "resources/configmaps/namespaces/shop/other.json", "resources/configmaps/namespaces/shop/settings.json", "resources/secrets/namespaces/shop/key.json"} {
		text, there := files[name]
		if !there {
			continue
		}
		if err := a.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if a.Close() != nil || z.Close() != nil {
		t.Fatal("the archive is not written")
	}
	return packed.Bytes()
}

var goodFiles = map[string]string{
	"metadata/version": "1.1.0",
	"resources/configmaps/namespaces/shop/other.json":    `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"other","namespace":"shop"},"data":{"a":"old"}}`,
	"resources/configmaps/namespaces/shop/settings.json": `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings","namespace":"shop","uid":"then","resourceVersion":"1","labels":{"team":"then"},"ownerReferences":[{"kind":"x","name":"x","uid":"x","apiVersion":"v1"}]},"data":{"a":"good"},"binaryData":{"b":"AAE="}}`,
	"resources/secrets/namespaces/shop/key.json":         `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"key","namespace":"shop"},"type":"Opaque","data":{"password":"Z29vZA=="}}`,
}

// shop is a cluster in which configuration is broken, with a backup of how it was.
func shop(t *testing.T, objects ...string) *stage {
	s := set(t, append([]string{good, shopSpace, bystander}, objects...)...)
	s.documents["BackupContents/good"] = backedUp(t, goodFiles)
	return s
}

var bothConfigs = responders.Args{"namespace": "shop", "configMaps": []string{"settings"}, "secrets": []string{"key"}}

func TestConfigRestoreSuite(t *testing.T) {
	t.Parallel()
	of := func(name string, args responders.Args, objects ...string) responderstest.Case {
		return responderstest.Case{Name: name, Args: args, World: func(t *testing.T) *responderstest.World { return shop(t, objects...).world(config) }}
	}
	backwards := of("as before", responders.Args{"namespace": "shop", "configMaps": []string{"settings"}, "secrets": []string{"key"}, "asBefore": true})
	backwards.World = func(t *testing.T) *responderstest.World {
		s := shop(t, badSettings, badKey)
		s.restoreConfig(t, env)
		fresh, tape, _ := s.server.Clients(t)
		s.clusters, s.tape = fresh, tape
		w := s.world(config)
		w.Env.Step, w.Env.Plan = "put back", "a later one"
		return w
	}
	responderstest.Run(t,
		of("both were changed", bothConfigs, badSettings, badKey),
		of("one is gone", responders.Args{"namespace": "shop", "configMaps": []string{"settings"}}),
		of("a Secret that is gone", responders.Args{"namespace": "shop", "secrets": []string{"key"}}),
		backwards,
	)
}

// restoreConfig brings both back.
func (s *stage) restoreConfig(t *testing.T, env responders.Env) {
	t.Helper()
	c := NewConfigRestore(s.clusters)
	change, err := c.Preview(t.Context(), env, bothConfigs)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Apply(consented(t), env, change); err != nil {
		t.Fatal(err)
	}
}

// holds is what an object holds, without what Salvor notes on it.
func (s *stage) holds(t *testing.T, kind schema.GroupVersionResource, name string) map[string]any {
	t.Helper()
	o, err := s.own(t).Resource(kind).Namespace("shop").Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return contentOf(o)
}

// TestConfigComesBackAndGoesBack: the named objects get their data back and nothing else does, what was there is kept, and put back when that is wanted.
func TestConfigComesBackAndGoesBack(t *testing.T) {
	s := shop(t, badSettings, badKey)
	s.restoreConfig(t, env)
	was := map[string]map[string]any{"settings": {"data": map[string]any{"a": "bad", "extra": "new"}}, "key": {"data": map[string]any{"password": "YmFk"}}}
	is := map[string]map[string]any{"settings": {"data": map[string]any{"a": "good"}, "binaryData": map[string]any{"b": "AAE="}}, "key": {"data": map[string]any{"password": "Z29vZA=="}}}
	for name, kind := range map[string]schema.GroupVersionResource{"settings": configMaps, "key": secrets} {
		if diff := cmp.Diff(is[name], s.holds(t, kind, name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		o, _ := s.own(t).Resource(kind).Namespace("shop").Get(t.Context(), name, metav1.GetOptions{})
		if diff := cmp.Diff(was[name], s.holds(t, kind, markOf(o).Kept)); diff != "" {
			t.Errorf("what %s held is not kept (-want +got):\n%s", name, diff)
		}
		if name == "settings" && (o.GetLabels()["team"] != "now" || o.GetUID() != "cm") {
			t.Errorf("more than its content was changed: %+v", o.Object["metadata"])
		}
	}
	if diff := cmp.Diff(map[string]any{"data": map[string]any{"a": "mine"}}, s.holds(t, configMaps, "other")); diff != "" {
		t.Errorf("another was touched:\n%s", diff)
	}
	back := env
	back.Step, back.Plan = "put back", "p2"
	c := NewConfigRestore(s.clusters)
	args := responders.Args{"namespace": "shop", "configMaps": []string{"settings"}, "secrets": []string{"key"}, "asBefore": true}
	change, err := c.Preview(t.Context(), back, args)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Apply(consented(t), back, change); err != nil {
		t.Fatal(err)
	}
	for name, kind := range map[string]schema.GroupVersionResource{"settings": configMaps, "key": secrets} {
		if diff := cmp.Diff(was[name], s.holds(t, kind, name)); diff != "" {
			t.Errorf("%s is not as before (-want +got):\n%s", name, diff)
		}
	}
	if change, err := c.Preview(t.Context(), back, args); err != nil || !change.Nothing {
		t.Errorf("the second time: %+v, %v", change, err)
	}
}

// TestNoValueIsTold: neither by the plan, nor by an error.
func TestNoValueIsTold(t *testing.T) {
	s := shop(t, badSettings, badKey)
	c := NewConfigRestore(s.clusters)
	change, err := c.Preview(t.Context(), env, bothConfigs)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(change)
	if err != nil {
		t.Fatal(err)
	}
	broken := map[string]string{"resources/secrets/namespaces/shop/key.json": `{"data":{"password":"czNjcmV0"`, "resources/configmaps/namespaces/shop/settings.json": goodFiles["resources/configmaps/namespaces/shop/settings.json"]}
	s.documents["BackupContents/good"] = backedUp(t, broken)
	failure := c.Apply(consented(t), env, change)
	if failure == nil {
		t.Fatal("what is no object was written")
	}
	for _, secret := range []string{"YmFk", "Z29vZA", "czNjcmV0", "good\"", "bad"} {
		if strings.Contains(failure.Error(), secret) || secret != "good\"" && strings.Contains(string(raw), secret) {
			t.Errorf("%s is told: %s, %v", secret, raw, failure)
		}
	}
}

func TestConfigPreview(t *testing.T) {
	s := shop(t, badSettings)
	change, err := NewConfigRestore(s.clusters).Preview(t.Context(), env, responders.Args{"namespace": "shop", "configMaps": []string{"settings", "gone"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"ConfigMap gone, which is gone, is made as it is in backup good of 2026-03-02 02:00 UTC", "ConfigMap settings gets back the data that it has in backup good of 2026-03-02 02:00 UTC"}
	if diff := cmp.Diff(want, change.Will); diff != "" || change.Class != policies.Disruptive || change.DataLoss != "all changes of ConfigMap gone, ConfigMap settings after 02:00 UTC: 62 min" {
		t.Errorf("class %s, loss %q, will (-want +got):\n%s", change.Class, change.DataLoss, diff)
	}
	targets := []policies.Target{{Kind: "ConfigMap", Namespace: "shop", Name: "gone", UID: "absent"}, {Kind: "ConfigMap", Namespace: "shop", Name: "settings", UID: "cm"}}
	if diff := cmp.Diff(targets, change.Targets); diff != "" || change.Point == nil || change.Point.Name != "good" {
		t.Errorf("point %+v, targets:\n%s", change.Point, diff)
	}
}

func TestConfigRestoreIsRefused(t *testing.T) {
	settings := responders.Args{"namespace": "shop", "configMaps": []string{"settings"}}
	heals := strings.Replace(argo, "spec: {", "spec: {syncPolicy: {automated: {selfHeal: true}}, ", 1)
	before := env
	before.Broken = time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		objects []string
		args    responders.Args
		env     responders.Env
		want    string
	}{
		"none are named":         {nil, responders.Args{"namespace": "shop"}, env, "name ConfigMaps or Secrets"},
		"every namespace":        {nil, responders.Args{"namespace": "*", "configMaps": []string{"a"}}, env, "is not the name of one namespace"},
		"no such namespace":      {nil, responders.Args{"namespace": "wiki", "configMaps": []string{"a"}}, env, "there is no such namespace"},
		"it is immutable":        {[]string{strings.Replace(badSettings, "binaryData", "immutable: true, binaryData", 1)}, settings, env, "it is immutable"},
		"it is going":            {[]string{strings.Replace(badSettings, "uid: cm", `uid: cm, deletionTimestamp: "2026-03-02T03:00:00Z", finalizers: [x]`, 1)}, settings, env, "it is being deleted"},
		"a service account's":    {[]string{strings.Replace(badKey, "Opaque", "kubernetes.io/service-account-token", 1)}, responders.Args{"namespace": "shop", "secrets": []string{"key"}}, env, "the token of a service account"},
		"Git would undo it":      {[]string{badSettings, heals}, settings, env, "syncs and heals by itself, and would undo what is restored"},
		"it was broken then":     {[]string{badSettings}, settings, before, "after the fault began"},
		"no Secrets in backup":   {[]string{badKey, strings.Replace(strings.Replace(good, "name: good", "name: less", 1), "storageLocation", "excludedResources: [secrets], storageLocation", 1)}, responders.Args{"namespace": "shop", "secrets": []string{"key"}, "backup": "less"}, env, "backup less cannot be restored"},
		"a backup and backwards": {[]string{badSettings}, responders.Args{"namespace": "shop", "configMaps": []string{"settings"}, "asBefore": true, "backup": "good"}, env, "asBefore goes back to no backup"},
	} {
		s := shop(t, c.objects...)
		if change, err := NewConfigRestore(s.clusters).Preview(t.Context(), c.env, c.args); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, error %v, want %s", name, change, err, c.want)
		}
	}
}

// TestConfigIsNotWrittenOver: what is not as the plan saw it is left as it is.
func TestConfigIsNotWrittenOver(t *testing.T) {
	edit := func(name, patch string) func(*testing.T, *stage) {
		return func(t *testing.T, s *stage) {
			o := parse(t, patch)[0].(*unstructured.Unstructured)
			now, err := s.own(t).Resource(configMaps).Namespace("shop").Get(t.Context(), name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.own(t).Resource(configMaps).Namespace("shop").Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			if o.Object["data"] != nil {
				now.Object["data"] = o.Object["data"]
				now.SetResourceVersion("")
				if _, err := s.own(t).Resource(configMaps).Namespace("shop").Create(t.Context(), now, metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	settings := responders.Args{"namespace": "shop", "configMaps": []string{"settings"}}
	for name, c := range map[string]struct {
		meanwhile func(*testing.T, *stage)
		want      string
	}{
		"somebody changed it": {edit("settings", `{apiVersion: x/v1, kind: X, metadata: {name: x}, data: {a: mended}}`), "it was changed since the plan was made"},
		"somebody deleted it": {edit("settings", `{apiVersion: x/v1, kind: X, metadata: {name: x}}`), "it is gone since the plan was made"},
		"the backup lacks it": {func(t *testing.T, s *stage) { s.documents["BackupContents/good"] = backedUp(t, nil) }, "it is not in backup good"},
		"the backup is as bad": {func(t *testing.T, s *stage) {
			s.documents["BackupContents/good"] = backedUp(t, map[string]string{"resources/configmaps/namespaces/shop/settings.json": `{"data":{"a":"bad","extra":"new"}}`})
		}, "it holds what it holds in backup good already"},
	} {
		s := shop(t, badSettings)
		r := NewConfigRestore(s.clusters)
		change, err := r.Preview(t.Context(), env, settings)
		if err != nil {
			t.Fatal(err)
		}
		c.meanwhile(t, s)
		if err := r.Apply(consented(t), env, change); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", name, err, c.want)
		}
		if found, err := r.Verify(t.Context(), env, change); err != nil || found.Outcome == responders.OutcomeVerified {
			t.Errorf("%s: verified %+v, %v", name, found, err)
		}
	}
}
