package restores

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "embed"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

//go:embed testdata/shop.yaml
var shop []byte

// open makes a namespace of some twenty objects in a cluster, with a file on its volume, and removes it when the test ends.
func (c *cluster) openShop(t *testing.T, namespace string) {
	t.Helper()
	c.gone(t, namespace)
	c.apply(t, string(bytes.ReplaceAll(shop, []byte("NAMESPACE"), []byte(namespace))))
	c.served(t, namespace)
	c.write(t, namespace, "data", "one order")
}

// gone removes a namespace when the test ends, whatever was made of it.
func (c *cluster) gone(t *testing.T, namespace string) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = c.admin.Resource(namespaces).Delete(ctx, namespace, metav1.DeleteOptions{})
	})
}

// served waits until the workloads of a shop are available.
func (c *cluster) served(t *testing.T, namespace string) {
	t.Helper()
	c.kubectl(t, "-n", namespace, "wait", "--for=condition=Available", "deployment/web", "deployment/db", "--timeout=60s")
}

// lose deletes a namespace and returns when it is gone, with the volumes of its claims.
func (c *cluster) lose(t *testing.T, namespace string) {
	t.Helper()
	c.kubectl(t, "delete", "namespace", namespace, "--wait", "--timeout=60s")
}

func (c *cluster) apply(t *testing.T, manifests string) {
	t.Helper()
	if err := c.Apply(t.Context(), []byte(manifests)); err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := c.Kubectl(t.Context(), "admin", args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// find is an object as the admin sees it; nil where it is not there.
func (c *cluster) find(t *testing.T, kind schema.GroupVersionResource, namespace, name string) *unstructured.Unstructured {
	t.Helper()
	all, err := c.admin.Resource(kind).Namespace(namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	if err != nil {
		t.Fatal(err)
	}
	if len(all.Items) == 0 {
		return nil
	}
	return &all.Items[0]
}

// write puts what the shop's one file is to hold onto the volume of a claim.
func (c *cluster) write(t *testing.T, namespace, claim, orders string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.volume(t, namespace, claim), "orders"), []byte(orders), 0o644); err != nil {
		t.Fatal(err)
	}
}

// read is what the shop's one file holds on the volume of a claim; empty where there is none.
func (c *cluster) read(t *testing.T, namespace, claim string) string {
	t.Helper()
	orders, err := os.ReadFile(filepath.Join(c.volume(t, namespace, claim), "orders"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(orders)
}

// volume is the folder of the volume that a claim is bound to.
func (c *cluster) volume(t *testing.T, namespace, claim string) string {
	t.Helper()
	name := c.kubectl(t, "-n", namespace, "get", "pvc", claim, "-o", "jsonpath={.spec.volumeName}")
	return c.VolumeDir(c.kubectl(t, "get", "pv", name, "-o", "jsonpath={.spec.csi.volumeHandle}"))
}
