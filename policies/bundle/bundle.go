// Package bundle holds the shipped policy: conservative rules for a first day, and the settings they read.
package bundle

import (
	"embed"
	"io/fs"
)

//go:embed hours.rego kinds.rego node.rego protection.rego terms.rego data.yaml
var files embed.FS

// Files are the rules and the settings, without their tests.
func Files() fs.FS { return files }
