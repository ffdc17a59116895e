package velero

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExpected(t *testing.T) {
	o := order{Namespaces: []string{"shop"}, Mapping: map[string]string{"shop": "copy"}, NotKinds: []string{"svc"}}
	list := map[string][]string{"apps/v1/Deployment": {"shop/web", "pay/web"}, "v1/Service": {"shop/web"}, "v1/Pod": {"shop/web-1"}, "v1/Secret": {"shop/key"},
		"rbac.authorization.k8s.io/v1/ClusterRole": {"all"}, "example.com/v1/Deployment": {"shop/other"}}
	holds, unseen := o.expected(list, false)
	if diff := cmp.Diff(map[string][]string{"deployments.apps": {"copy/web"}}, holds); diff != "" {
		t.Errorf("of a backup (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"Secret": 1, "Deployment": 1}, unseen); diff != "" {
		t.Errorf("of a backup, not looked at (-want +got):\n%s", diff)
	}
	restored := map[string][]string{"apps/v1/Deployment": {"copy/web(created)", "copy/old(skipped)", "copy/new(updated)", "copy/bad(failed)", "copy/left()", "shop/live(created)"}}
	holds, _ = o.expected(restored, true)
	if diff := cmp.Diff(map[string][]string{"deployments.apps": {"copy/new", "copy/old", "copy/web"}}, holds); diff != "" {
		t.Errorf("of a restore (-want +got):\n%s", diff)
	}
}

// TestWhoseAddress says of which addresses Salvor reads what Velero keeps.
func TestWhoseAddress(t *testing.T) {
	own := Location{provider: "aws", config: map[string]string{"s3Url": "http://s3.velero:9000", "publicUrl": "https://store.example"}}
	aws, azure, other := Location{provider: "velero.io/aws"}, Location{provider: "azure"}, Location{provider: "example.com/disk"}
	for address, c := range map[string]struct {
		of   Location
		want bool
	}{
		"http://s3.velero:9000/b/x?sig=1":            {own, true},
		"https://b.store.example/x":                  {own, true},
		"https://store.example.evil/x":               {own, false},
		"https://evilstore.example/x":                {own, false},
		"http://s3.velero/b/x":                       {own, false},
		"http://store.example@169.254.169.254/x":     {own, false},
		"file:///etc/passwd":                         {own, false},
		"https://b.s3.eu-west-1.amazonaws.com/x":     {aws, true},
		"http://b.s3.eu-west-1.amazonaws.com/x":      {aws, false},
		"https://amazonaws.com.evil/x":               {aws, false},
		"https://acc.blob.core.windows.net/b/x":      {azure, true},
		"https://b.s3.eu-central-1.amazonaws.com/x2": {azure, false},
		"https://disk.example/x":                     {other, false},
	} {
		where, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.of.owns(where); got != c.want {
			t.Errorf("%s of %s: %t, want %t", address, c.of.provider, got, c.want)
		}
	}
}

// TestWhatAStoreSays tells why an object store does not answer, without what is of one request only: it says the same each time.
func TestWhatAStoreSays(t *testing.T) {
	said := "rpc error: operation error S3: ListObjectsV2, https response error StatusCode: 403, RequestID: VUU6, HostID: vsm+E/o=, api error\nInvalidAccessKeyId: unknown key"
	if got, want := line(said), "rpc error: operation error S3: ListObjectsV2, https response error StatusCode: 403, api error InvalidAccessKeyId: unknown key"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
