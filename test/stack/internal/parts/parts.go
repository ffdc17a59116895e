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
	// Files are laid beside the binary, if the part needs any.
	Files Files
	// Group is what the part is built together with when somebody asks for the group.
	Group string
	// Typical is how long a build takes when nothing is cached, on two cores.
	Typical time.Duration
}

// Files are files of a module that the folder's go.mod requires.
type Files struct {
	Module string
	// Pattern chooses the files, from the root of the module: "config/*.yaml".
	Pattern string
	// Folder is where they come to lie, from the folder of the binary.
	Folder string
}

// Names of the parts.
const (
	ControlPlane       = "controlplane"
	Kwok               = "kwok"
	Alertmanager       = "alertmanager"
	NATS               = "nats"
	Linter             = "golangci-lint"
	Stack              = "stack"
	Velero             = "velero"
	VeleroPlugin       = "velero-plugin-for-aws"
	ObjectStore        = "versitygw"
	SnapshotController = "snapshot-controller"
	Snapshotter        = "csi-snapshotter"
	Provisioner        = "csi-provisioner"
	Driver             = "hostdir-csi"
)

// Groups of parts.
const (
	// Cluster is what a stack without volumes and backups is made of.
	Cluster = "cluster"
	// Backups is what volumes, snapshots and backups take.
	Backups = "backups"
	// Tools are no parts of a stack.
	Tools = "tools"
)

// CRDs is the folder beside the snapshot controller that holds its custom resource definitions.
const CRDs = "crds"

// Members returns the names of the parts of a group, or name itself if it is no group.
func Members(name string) []string {
	var names []string
	for _, part := range Catalogue() {
		if part.Group == name {
			names = append(names, part.Name)
		}
	}
	if names == nil {
		return []string{name}
	}
	return names
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
