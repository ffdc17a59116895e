package restores

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/responders"
)

// TestNamespaceComesBack backs a namespace up, loses it, and brings it back: object by object, and what was on its volume.
func TestNamespaceComesBack(t *testing.T) {
	a, _ := clusters(t)
	a.openShop(t, "whole")
	before := a.look(t, "whole")
	run(t, a, "velero.backup", responders.Args{"namespaces": []string{"whole"}}).verified(t)
	a.write(t, "whole", "data", "a later order")
	a.lose(t, "whole")

	run(t, a, "velero.restore", responders.Args{"namespaces": []string{"whole"}}).verified(t)
	if diff := cmp.Diff(before, a.look(t, "whole")); diff != "" {
		t.Errorf("what came back (-was +is):\n%s", diff)
	}
	if got := a.read(t, "whole", "data"); got != "one order" {
		t.Errorf("the volume holds %q", got)
	}
}
