package point

import "testing"

func TestScope(t *testing.T) {
	no := false
	namespaces := func(names ...string) Need { return Need{Namespaces: names} }
	for name, c := range map[string]struct {
		scope Scope
		need  Need
		lacks string
	}{
		"everything":                          {Scope{}, namespaces("shop"), ""},
		"by a star":                           {Scope{Namespaces: []string{"*"}}, namespaces("shop"), ""},
		"by name":                             {Scope{Namespaces: []string{"shop"}}, namespaces("shop"), ""},
		"by a pattern":                        {Scope{Namespaces: []string{"team-*"}}, namespaces("team-shop"), ""},
		"not by a pattern":                    {Scope{Namespaces: []string{"team-*"}}, namespaces("shop"), "namespace shop is not in it"},
		"by a class of letters":               {Scope{Namespaces: []string{"shop-[!x]"}}, namespaces("shop-a"), ""},
		"one of two":                          {Scope{Namespaces: []string{"shop"}}, namespaces("shop", "pay"), "namespace pay is not in it"},
		"left out":                            {Scope{NotNamespaces: []string{"shop"}}, namespaces("shop"), "it leaves out namespace shop"},
		"left out by a pattern":               {Scope{NotNamespaces: []string{"sh*"}}, namespaces("shop"), "it leaves out namespace shop"},
		"left out by what cannot be read":     {Scope{NotNamespaces: []string{"{shop,pay}"}}, namespaces("other"), "it leaves out namespace other"},
		"not by what cannot be read":          {Scope{Namespaces: []string{"["}}, namespaces("shop"), "namespace shop is not in it"},
		"the whole cluster":                   {Scope{}, Need{}, ""},
		"the whole cluster, of one namespace": {Scope{Namespaces: []string{"shop"}}, Need{}, "only these namespaces are in it: shop"},
		"the whole cluster but one":           {Scope{NotNamespaces: []string{"kube-system"}}, Need{}, "it leaves out namespaces: kube-system"},
		"its own":                             {Scope{Namespaces: []string{"shop", "pay"}}, Need{Own: true}, ""},
		"its own, by a pattern":               {Scope{Namespaces: []string{"shop-*"}}, Need{Own: true}, "it does not tell which namespaces are in it: name those that are to come back"},
		"its own, of everything":              {Scope{}, Need{Own: true}, "it does not tell which namespaces are in it: name those that are to come back"},
		"kinds":                               {Scope{Kinds: []string{"deployments", "secrets"}}, namespaces("shop"), "only these kinds are in it: deployments, secrets"},
		"the kinds that are needed":           {Scope{Kinds: []string{"deployments", "secrets"}}, Need{Kinds: []string{"deployments.apps"}}, ""},
		"by a short name":                     {Scope{Kinds: []string{"deploy"}}, Need{Kinds: []string{"deployments.apps"}}, ""},
		"of another group":                    {Scope{Kinds: []string{"services.serving.knative.dev"}}, Need{Kinds: []string{"services.other"}}, "services.other are not in it"},
		"a kind left out":                     {Scope{NotKinds: []string{"secrets"}}, namespaces("shop"), "it leaves out secrets"},
		"a kind left out that is not needed":  {Scope{NotKinds: []string{"secrets"}}, Need{NotKinds: []string{"secret"}}, ""},
		"a needed kind left out":              {Scope{NotKinds: []string{"cm"}}, Need{Kinds: []string{"configmaps"}}, "it leaves out configmaps"},
		"what is of no use left out":          {Scope{NotKinds: []string{"events", "Events.events.k8s.io"}}, namespaces("shop"), ""},
		"snapshots, as Velero does itself":    {Scope{NotKinds: []string{"volumesnapshots.snapshot.storage.k8s.io"}}, namespaces("shop"), ""},
		"snapshots, which are asked for":      {Scope{NotKinds: []string{"volumesnapshots.snapshot.storage.k8s.io"}}, Need{Kinds: []string{"persistentvolumeclaims", "volumesnapshots.snapshot.storage.k8s.io"}}, ""},
		"labelled":                            {Scope{Selectors: []string{"app=shop"}}, namespaces("shop"), "only what is labelled app=shop is in it"},
		"labelled as needed":                  {Scope{Selectors: []string{"app=pay", "app=shop"}}, Need{Selector: "app=shop"}, ""},
		"labelled otherwise":                  {Scope{Selectors: []string{"app=pay"}}, Need{Selector: "app=shop"}, "only what is labelled app=pay is in it"},
		"more than is labelled":               {Scope{}, Need{Selector: "app=shop"}, ""},
		"nothing without a namespace":         {Scope{ClusterKinds: &no}, Need{ClusterKinds: true}, "it leaves out what has no namespace"},
		"a kind without a namespace left out": {Scope{NotClusterKinds: []string{"*"}}, Need{ClusterKinds: true}, "of what has no namespace it leaves out *"},
		"one left out that nobody needs":      {Scope{NotClusterKinds: []string{"*"}}, namespaces("shop"), ""},
		"nothing without a namespace needed":  {Scope{ClusterKinds: &no}, namespaces("shop"), ""},
	} {
		if got := c.scope.lacks(c.need); got != c.lacks {
			t.Errorf("%s: %q, want %q", name, got, c.lacks)
		}
	}
}
