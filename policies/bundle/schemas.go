package bundle

import (
	"embed"
	"io/fs"
)

//go:embed schemas
var schemas embed.FS

// Schemas are the JSON schemas of the input and of a decision, below schemas: for editors.
func Schemas() fs.FS { return schemas }
