package velero

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/salvor-io/salvor/responders"
)

var (
	applications   = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"}
	kustomizations = schema.GroupVersionResource{Group: "kustomize.toolkit.fluxcd.io", Version: "v1", Resource: "kustomizations"}
	helmReleases   = schema.GroupVersionResource{Group: "helm.toolkit.fluxcd.io", Version: "v2", Resource: "helmreleases"}
)

// owner is what makes the objects of namespaces from what is in Git.
type owner struct {
	what  string // "Application argocd/shop"
	of    []string
	acts  string // what it does by itself that would undo a restore; empty: nothing
	pause string // what a person types so that it does nothing
}

// refusal says why nothing can be restored while the owner acts.
func (o owner) refusal() error {
	return fmt.Errorf("restore namespace %s: %s %s, and would undo what is restored; have it rest first: %s", strings.Join(o.of, ", "), o.what, o.acts, o.pause)
}

// owners are those that are seen in this cluster. One in another cluster that works on this one is not seen.
func owners(ctx context.Context, client dynamic.Interface, namespaces []string) ([]owner, error) {
	var all []owner
	for _, kind := range []struct {
		schema.GroupVersionResource
		read func(*unstructured.Unstructured) (owner, func(string) bool)
	}{{applications, readApplication}, {kustomizations, readKustomization}, {helmReleases, readHelmRelease}} {
		err := each(ctx, client, kind.GroupVersionResource, "", "", func(o *unstructured.Unstructured) error {
			one, owns := kind.read(o)
			if one.of = slices.DeleteFunc(slices.Clone(namespaces), func(name string) bool { return !owns(name) }); len(one.of) > 0 {
				all = append(all, one)
			}
			return nil
		})
		if err != nil && !apierrors.IsNotFound(err) { // not installed
			return nil, err
		}
	}
	return all, nil
}

func ownerGrants() []responders.Grant {
	var grants []responders.Grant
	for _, kind := range []schema.GroupVersionResource{applications, kustomizations, helmReleases} {
		grants = append(grants, responders.Grant{Group: kind.Group, Resource: kind.Resource, Verbs: []string{"list"}})
	}
	return grants
}

// here are the names that Argo CD has for the cluster it runs in.
var here = []string{"", "https://kubernetes.default.svc", "in-cluster"}

func readApplication(o *unstructured.Unstructured) (owner, func(string) bool) {
	text := func(path ...string) string { s, _, _ := unstructured.NestedString(o.Object, path...); return s }
	one := owner{what: "Application " + o.GetNamespace() + "/" + o.GetName(),
		pause: fmt.Sprintf(`kubectl -n %s patch application %s --type merge -p '{"spec":{"syncPolicy":{"automated":null}}}'`, o.GetNamespace(), o.GetName())}
	automated, auto, _ := unstructured.NestedMap(o.Object, "spec", "syncPolicy", "automated")
	rests := automated["enabled"] == false || o.GetAnnotations()["argocd.argoproj.io/skip-reconcile"] == "true"
	switch {
	case !auto || rests:
	case automated["prune"] == true:
		one.acts = "syncs and prunes by itself"
	case automated["selfHeal"] == true:
		one.acts = "syncs and heals by itself"
	}
	resources, _, _ := unstructured.NestedSlice(o.Object, "status", "resources")
	return one, func(namespace string) bool {
		local := slices.Contains(here, text("spec", "destination", "server")) && slices.Contains(here, text("spec", "destination", "name"))
		return local && (text("spec", "destination", "namespace") == namespace || slices.ContainsFunc(resources, func(r any) bool {
			resource, _ := r.(map[string]any)
			return resource["namespace"] == namespace
		}))
	}
}

func readKustomization(o *unstructured.Unstructured) (owner, func(string) bool) {
	one := readFlux(o, "kustomization")
	target, _, _ := unstructured.NestedString(o.Object, "spec", "targetNamespace")
	entries, _, _ := unstructured.NestedSlice(o.Object, "status", "inventory", "entries")
	return one, func(namespace string) bool {
		return isLocal(o) && (target == namespace || slices.ContainsFunc(entries, func(e any) bool {
			entry, _ := e.(map[string]any)
			id, _ := entry["id"].(string)
			return strings.HasPrefix(id, namespace+"_")
		}))
	}
}

func readHelmRelease(o *unstructured.Unstructured) (owner, func(string) bool) {
	target, given, _ := unstructured.NestedString(o.Object, "spec", "targetNamespace")
	if !given {
		target = o.GetNamespace()
	}
	return readFlux(o, "helmrelease"), func(namespace string) bool { return isLocal(o) && target == namespace }
}

func readFlux(o *unstructured.Unstructured, kind string) owner {
	one := owner{what: fmt.Sprintf("%s %s/%s", o.GetKind(), o.GetNamespace(), o.GetName()), pause: fmt.Sprintf("flux suspend %s %s -n %s", kind, o.GetName(), o.GetNamespace())}
	if suspended, _, _ := unstructured.NestedBool(o.Object, "spec", "suspend"); !suspended {
		one.acts = "applies what is in Git by itself"
	}
	return one
}

// isLocal says that what Flux makes is in the cluster it runs in.
func isLocal(o *unstructured.Unstructured) bool {
	_, elsewhere, _ := unstructured.NestedMap(o.Object, "spec", "kubeConfig")
	return !elsewhere
}
