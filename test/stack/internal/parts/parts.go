// Package parts knows the programs a stack is made of and builds them from Go modules, once for each version.
package parts

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Part is one program of the stack.
type Part struct {
	// Name is the name of the part and of its binary.
	Name string
	// Source is the folder, from the root of the checkout, whose files decide whether the part is built anew.
	Source string
	// Build is the folder to build in, if it is not Source.
	Build string
	// Package is what is built, as seen from the folder of the build.
	Package string
	// Module is the module whose version in the folder's go.mod is the version of the part.
	Module string
	// Stamp returns linker flags that tell the program its version.
	Stamp func(version string) []string
	// Typical is how long a build takes when nothing is cached, on two cores.
	Typical time.Duration
}

// Names of the parts.
const (
	ControlPlane = "controlplane"
	Kwok         = "kwok"
	Alertmanager = "alertmanager"
	NATS         = "nats"
	Linter       = "golangci-lint"
	Stack        = "stack"
)

// Catalogue returns all parts. The linter is no part of a stack; it is here because it is built in the same way.
func Catalogue() []Part {
	return []Part{
		{
			Name: Stack, Source: "test/stack", Build: ".", Package: "./test/stack/cmd/stack", Typical: 5 * time.Second,
		},
		{
			Name: ControlPlane, Source: "test/stack/controlplane", Package: ".", Module: "k8s.io/kubernetes",
			Stamp: stampKubernetes, Typical: 8 * time.Minute,
		},
		{
			Name: Kwok, Source: "test/stack/kwok", Package: ".", Module: "sigs.k8s.io/kwok",
			Typical: time.Minute,
		},
		{
			Name: Alertmanager, Source: "test/stack/alertmanager",
			Package: "github.com/prometheus/alertmanager/cmd/alertmanager", Module: "github.com/prometheus/alertmanager",
			Stamp: stampPrometheus, Typical: 30 * time.Second,
		},
		{
			Name: NATS, Source: "test/stack/nats",
			Package: "github.com/nats-io/nats-server/v2", Module: "github.com/nats-io/nats-server/v2",
			Typical: 15 * time.Second,
		},
		{
			Name: Linter, Source: "test/tools",
			Package: "github.com/golangci/golangci-lint/v2/cmd/golangci-lint", Module: "github.com/golangci/golangci-lint/v2",
			Stamp: stampLinter, Typical: time.Minute,
		},
	}
}

// Find returns the part called name.
func Find(name string) (Part, error) {
	var names []string
	for _, part := range Catalogue() {
		if part.Name == name {
			return part, nil
		}
		names = append(names, part.Name)
	}
	return Part{}, fmt.Errorf("no part is called %q: choose of %s", name, strings.Join(names, ", "))
}

// Checkout returns the root of the checkout that holds the working directory.
func Checkout() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module github.com/salvor-io/salvor\n") {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not in a checkout of salvor", start)
		}
	}
}

// version reads the version of the part from its go.mod. A part without a module has none.
func (p Part) version(root string) (string, error) {
	if p.Module == "" {
		return "", nil
	}
	mod, err := os.ReadFile(filepath.Join(root, p.Source, "go.mod"))
	if err != nil {
		return "", fmt.Errorf("read version of %s: %w", p.Name, err)
	}
	required := regexp.MustCompile(`(?m)^(?:require)?\s+` + regexp.QuoteMeta(p.Module) + ` (v\S+)`)
	match := required.FindSubmatch(mod)
	if match == nil {
		return "", fmt.Errorf("read version of %s: %s requires no %s", p.Name, p.Source, p.Module)
	}
	return string(match[1]), nil
}

// stampKubernetes tells the servers their version, without which kubectl turns away from them.
func stampKubernetes(version string) []string {
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	const pkg = "k8s.io/component-base/version."
	return []string{
		"-X", pkg + "gitVersion=" + version, "-X", pkg + "gitMajor=" + major, "-X", pkg + "gitMinor=" + minor,
	}
}

func stampPrometheus(version string) []string {
	return []string{"-X", "github.com/prometheus/common/version.Version=" + strings.TrimPrefix(version, "v")}
}

func stampLinter(version string) []string {
	return []string{"-X", "main.version=" + strings.TrimPrefix(version, "v")}
}
