package all

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeNamesEveryResponder holds the guide for runbook authors against the catalogue.
func TestReadmeNamesEveryResponder(t *testing.T) {
	catalog, err := Catalog(Options{})
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range catalog.Names() {
		r, err := catalog.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		spec := r.Spec()
		_, entry, found := strings.Cut(string(guide), "\n| `"+name+"` ")
		entry, _, _ = strings.Cut(entry, "\n")
		if !found || !strings.Contains(entry, "| "+spec.Class.String()+" |") {
			t.Errorf("the guide has no entry for %s, class %s", name, spec.Class)
		}
		for _, param := range spec.Params {
			if !strings.Contains(entry, "`"+param.Name+"`") {
				t.Errorf("the guide's entry for %s does not name the argument %s", name, param.Name)
			}
		}
	}
}
