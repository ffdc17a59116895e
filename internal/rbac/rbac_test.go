package rbac

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/salvor-io/salvor/responders"
	"github.com/salvor-io/salvor/responders/all"
)

var update = flag.Bool("update", false, "rewrite deploy/rbac")

func catalogue(t *testing.T) responders.Catalog {
	t.Helper()
	catalog, err := all.Catalog(all.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

func TestDeployedManifestsAreCurrent(t *testing.T) {
	for _, role := range []Role{Observe, Act} {
		file := filepath.Join("..", "..", "deploy", "rbac", string(role)+".yaml")
		want, err := Render(role, catalogue(t))
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is not current; run go test ./internal/rbac -update\n%s", file, diff)
		}
	}
}

// parse reads what Kubernetes would read, and refuses what it would not understand.
func parse(t *testing.T, text string) (rbacv1.ClusterRole, rbacv1.ClusterRoleBinding) {
	t.Helper()
	role, binding, ok := strings.Cut(text, "---\n")
	if !ok {
		t.Fatalf("there are not two documents in\n%s", text)
	}
	var r rbacv1.ClusterRole
	var b rbacv1.ClusterRoleBinding
	if err := yaml.UnmarshalStrict([]byte(role), &r); err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict([]byte(binding), &b); err != nil {
		t.Fatal(err)
	}
	return r, b
}

func TestObserveNeverWrites(t *testing.T) {
	text, err := Render(Observe, catalogue(t))
	if err != nil {
		t.Fatal(err)
	}
	role, _ := parse(t, text)
	for _, rule := range role.Rules {
		for _, verb := range rule.Verbs {
			if !slices.Contains([]string{"get", "list", "watch"}, verb) {
				t.Errorf("observe may %s %v", verb, rule.Resources)
			}
		}
	}
}

// stub is a responder that only declares.
type stub struct {
	responders.Responder
	grants []responders.Grant
}

func (s stub) Spec() responders.Spec { return responders.Spec{Name: "a.stub", Grants: s.grants} }
func (s stub) Preview(context.Context, responders.Env, responders.Args) (responders.Change, error) {
	panic("rights are rendered without a call")
}

func stubs(t *testing.T, grants ...responders.Grant) responders.Catalog {
	catalog, err := responders.NewCatalog(stub{grants: grants})
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

func TestEachRoleGetsItsPart(t *testing.T) {
	catalog := stubs(t, responders.Grant{Resource: "pods", Verbs: []string{"list", "delete"}}, responders.Grant{Group: "apps", Resource: "deployments", Verbs: []string{"get"}},
		responders.Grant{Resource: "pods/eviction", Verbs: []string{"create"}})
	for role, want := range map[Role][]rbacv1.PolicyRule{
		Observe: {
			{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{""}, Resources: []string{"namespaces"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{""}, Resources: []string{"nodes"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{""}, Resources: []string{"persistentvolumeclaims"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{""}, Resources: []string{"persistentvolumes"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{"admissionregistration.k8s.io"}, Resources: []string{"mutatingwebhookconfigurations"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{"admissionregistration.k8s.io"}, Resources: []string{"validatingwebhookconfigurations"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{"apiextensions.k8s.io"}, Resources: []string{"customresourcedefinitions"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{"apps"}, Resources: []string{"daemonsets"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{"apps"}, Resources: []string{"statefulsets"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{"argoproj.io"}, Resources: []string{"applications"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{"batch"}, Resources: []string{"cronjobs"}, Verbs: []string{"list"}},
			{APIGroups: []string{"cert-manager.io"}, Resources: []string{"certificates"}, Verbs: []string{"list"}},
			{APIGroups: []string{"cluster.x-k8s.io"}, Resources: []string{"machinehealthchecks"}, Verbs: []string{"list"}},
			{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{"helm.toolkit.fluxcd.io"}, Resources: []string{"helmreleases"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{"k3s.cattle.io"}, Resources: []string{"etcdsnapshotfiles"}, Verbs: []string{"list"}},
			{APIGroups: []string{"kustomize.toolkit.fluxcd.io"}, Resources: []string{"kustomizations"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{"machine.openshift.io"}, Resources: []string{"machinehealthchecks"}, Verbs: []string{"list"}},
			{APIGroups: []string{"remediation.medik8s.io"}, Resources: []string{"nodehealthchecks"}, Verbs: []string{"list"}},
			{APIGroups: []string{"snapshot.storage.k8s.io"}, Resources: []string{"volumesnapshotclasses"}, Verbs: []string{"list"}},
			{APIGroups: []string{"snapshot.storage.k8s.io"}, Resources: []string{"volumesnapshotcontents"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{"snapshot.storage.k8s.io"}, Resources: []string{"volumesnapshots"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{"storage.k8s.io"}, Resources: []string{"csidrivers"}, Verbs: []string{"list"}},
			{APIGroups: []string{"storage.k8s.io"}, Resources: []string{"storageclasses"}, Verbs: []string{"list"}},
			{APIGroups: []string{"velero.io"}, Resources: []string{"backups"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{"velero.io"}, Resources: []string{"backupstoragelocations"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{"velero.io"}, Resources: []string{"datauploads"}, Verbs: []string{"list"}},
			{APIGroups: []string{"velero.io"}, Resources: []string{"podvolumebackups"}, Verbs: []string{"list"}},
			{APIGroups: []string{"velero.io"}, Resources: []string{"restores"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{"velero.io"}, Resources: []string{"schedules"}, Verbs: []string{"get", "list", "watch"}},
			{NonResourceURLs: []string{"/readyz", "/readyz/etcd"}, Verbs: []string{"get"}},
		},
		Act: {
			{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"delete", "list"}},
			{APIGroups: []string{""}, Resources: []string{"pods/eviction"}, Verbs: []string{"create"}},
		},
	} {
		text, err := Render(role, catalog, "alice: {", "bob")
		if err != nil {
			t.Fatal(err)
		}
		got, binding := parse(t, text)
		if diff := cmp.Diff(want, got.Rules); diff != "" {
			t.Errorf("%s: %s", role, diff)
		}
		user := func(name string) rbacv1.Subject {
			return rbacv1.Subject{Kind: "User", APIGroup: "rbac.authorization.k8s.io", Name: name}
		}
		subjects := []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "salvor", Name: "salvor-" + string(role)}, user("alice: {"), user("bob")}
		if diff := cmp.Diff(subjects, binding.Subjects); diff != "" || binding.RoleRef.Name != got.Name {
			t.Errorf("%s is bound to %+v, %s", role, binding.RoleRef, diff)
		}
	}
}

func TestRenderRefusals(t *testing.T) {
	for _, g := range []responders.Grant{
		{Resource: "*", Verbs: []string{"get"}}, {Group: "*", Resource: "pods", Verbs: []string{"get"}},
		{Resource: "pods", Verbs: []string{"*"}}, {Resource: "pods"}, {Verbs: []string{"get"}},
	} {
		if text, err := Render(Act, stubs(t, g)); err == nil {
			t.Errorf("%+v was rendered:\n%s", g, text)
		}
	}
	if _, err := Render("admin", catalogue(t)); err == nil {
		t.Error("an unknown role was rendered")
	}
}

// TestRightsCanBeLeftOut: without the responders that make them nobody can have Velero restore anything.
func TestRightsCanBeLeftOut(t *testing.T) {
	catalog, err := catalogue(t).Without("velero.restore", "namespace.restore")
	if err != nil {
		t.Fatal(err)
	}
	rights, err := Rights(Act, catalog)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(rights, func(g responders.Grant) bool { return g.Group == "velero.io" && g.Resource == "restores" })
	if at >= 0 {
		t.Errorf("left: %+v", rights[at])
	}
	if len(rights) == 0 {
		t.Error("nothing is left")
	}
	if _, err := catalogue(t).Without("velero.restor"); err == nil {
		t.Error("a name that is none is taken")
	}
}

// TestNoRoleReadsSecrets: what people grant in namespaces of their choice is in no ClusterRole.
func TestNoRoleReadsSecrets(t *testing.T) {
	for _, role := range []Role{Observe, Act} {
		rights, err := Rights(role, catalogue(t))
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(rights, func(g responders.Grant) bool { return g.Group == "" && g.Resource == "secrets" }) {
			t.Errorf("role %s reaches Secrets of every namespace", role)
		}
	}
}
