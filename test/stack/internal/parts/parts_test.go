package parts

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

func TestEveryPartHasTheVersionItsModuleRequires(t *testing.T) {
	root, err := Checkout()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range Catalogue() {
		version, err := part.version(root)
		if err != nil {
			t.Error(err)
		}
		if part.Module != "" && !regexp.MustCompile(`^v\d+\.\d+\.\d+$`).MatchString(version) {
			t.Errorf("version of %s = %q", part.Name, version)
		}
		if found, err := Find(part.Name); err != nil || found.Package != part.Package {
			t.Errorf("Find(%q) = %+v, %v", part.Name, found, err)
		}
	}
	if _, err := Find("nothing"); err == nil {
		t.Error("a part that does not exist is found")
	}
}

// TestVersionsAreThoseOfTheProduct looks at what the parts for volumes are built with. A Kubernetes client of another version would
// be compiled for them alone, which takes minutes.
func TestVersionsAreThoseOfTheProduct(t *testing.T) {
	root, err := Checkout()
	if err != nil {
		t.Fatal(err)
	}
	product, shared := requires(t, root, "go.mod"), 0
	for module, version := range requires(t, root, "test/stack/volumes/go.mod") {
		wanted, both := product[module]
		if both {
			shared++
		}
		if both && wanted != version && module != "go.uber.org/zap" { // on which no Kubernetes package depends
			t.Errorf("%s is %s, and %s for the product", module, version, wanted)
		}
	}
	if shared < 50 {
		t.Errorf("only %d modules are looked at", shared)
	}
}

// requires returns the versions a go.mod requires, by module.
func requires(t *testing.T, root, path string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, match := range regexp.MustCompile(`(?m)^(?:require)?\s+(\S+) (v\S+)(?: // indirect)?$`).FindAllStringSubmatch(string(data), -1) {
		versions[match[1]] = match[2]
	}
	return versions
}

func TestStampOfKubernetes(t *testing.T) {
	const want = "-X k8s.io/component-base/version.gitVersion=v1.36.3 " +
		"-X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"
	if got := strings.Join(stampKubernetes("v1.36.3"), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// sample is a part in a root of its own.
func sample(t *testing.T, program string) (root string, part Part) {
	t.Helper()
	root = t.TempDir()
	write(t, root, "sample/go.mod", "module sample\n\ngo 1.26\n")
	write(t, root, "sample/main.go", program)
	return root, Part{Name: "sample", Source: "sample", Package: "."}
}

func write(t *testing.T, root, path, text string) {
	t.Helper()
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestBuildersSideBySideBuildOnce(t *testing.T) {
	root, part := sample(t, "package main\n\nfunc main() {}\n")
	var log lines
	var builders sync.WaitGroup
	for range 3 {
		builders.Go(func() {
			if _, err := (Builder{Root: root, Log: &log}).Build(t.Context(), part); err != nil {
				t.Error(err)
			}
		})
	}
	builders.Wait()
	if n := strings.Count(log.String(), "sample: built in"); n != 1 {
		t.Errorf("built %d times:\n%s", n, log.String())
	}
}

func TestEditedSourcesAreBuiltAnew(t *testing.T) {
	root, part := sample(t, "package main\n\nfunc main() {}\n")
	builder := Builder{Root: root, Log: io.Discard}
	paths := map[string]bool{}
	for _, edit := range []string{"", "// Command sample does nothing.\n"} {
		write(t, root, "sample/main.go", edit+"package main\n\nfunc main() {}\n")
		write(t, root, "sample/main_test.go", "package main // "+edit)
		path, err := builder.Build(t.Context(), part)
		if err != nil {
			t.Fatal(err)
		}
		again, err := builder.Build(t.Context(), part)
		if err != nil || again != path {
			t.Errorf("built again: %s, %v, want %s", again, err, path)
		}
		paths[path] = true
	}
	if len(paths) != 2 {
		t.Errorf("an edit changed nothing: %v", paths)
	}
}

func TestBrokenBuildSaysWhyAndLeavesNothing(t *testing.T) {
	root, part := sample(t, "package main\n\nfunc main() { undefinedThing() }\n")
	_, err := Builder{Root: root, Log: io.Discard}.Build(t.Context(), part)
	if err == nil || !strings.Contains(err.Error(), "undefinedThing") {
		t.Errorf("err = %v, want what the compiler says", err)
	}
	left, err := filepath.Glob(filepath.Join(root, ".cache", "stack", "*sample-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// lines is a log several builders may write to.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
