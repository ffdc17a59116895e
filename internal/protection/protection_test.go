package protection

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsTouched(t *testing.T) {
	all := Promises{
		{Name: "shop", Level: 4, Namespaces: []string{"shop", "shop-*"}},
		{Name: "wiki", Level: 1, Clusters: []string{"prod-eu"}, Namespaces: []string{"wiki"}},
		{Name: "all of staging", Level: 2, Clusters: []string{"staging"}, Namespaces: []string{"*"}},
	}
	for _, c := range []struct {
		name, cluster string
		namespaces    []string
		want          map[string][]string
	}{
		{"nothing", "prod-eu", nil, map[string][]string{}},
		{"nobody's", "prod-eu", []string{"kube-system", "shopping"}, map[string][]string{}},
		{"by name and by pattern, each once", "prod-eu", []string{"shop-db", "shop", "shop-db"}, map[string][]string{"shop": {"shop", "shop-db"}}},
		{"two", "prod-eu", []string{"wiki", "shop"}, map[string][]string{"shop": {"shop"}, "wiki": {"wiki"}}},
		{"another cluster", "prod-us", []string{"wiki"}, map[string][]string{}},
		{"all of a cluster", "staging", []string{"wiki"}, map[string][]string{"all of staging": {"wiki"}}},
	} {
		got := map[string][]string{}
		for _, p := range all.Of(c.cluster, c.namespaces) {
			got[p.Name] = p.In
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}
