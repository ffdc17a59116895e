// Package template holds the directory that an author of policy begins with.
package template

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

//go:embed all:files
var files embed.FS

// team is the name that stands in the files.
const team = "team"

var names = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Files are the files of a new directory by path: an example of rules in package salvor.policies.<name> with its test, and what belongs
// beside it. The settings are those of the shipped rules, commented out. Schemas are copied as they are, for editors.
func Files(name string, shipped, schemas fs.FS) (map[string][]byte, error) {
	if !names.MatchString(name) || strings.HasSuffix(name, "_test") {
		return nil, fmt.Errorf("%q cannot name a package of rules: take lower case letters, digits and _, such as shop_eu, and no _test at its end", name)
	}
	all := map[string][]byte{}
	if err := addExamples(all, name); err != nil {
		return nil, err
	}
	settings, err := fs.ReadFile(shipped, "data.yaml")
	if err != nil {
		return nil, fmt.Errorf("read the shipped settings: %w", err)
	}
	all["data.yaml"] = []byte(commentedOut(string(settings)))
	return all, addSchemas(all, schemas)
}

func addExamples(all map[string][]byte, name string) error {
	return fs.WalkDir(files, "files", func(from string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := files.ReadFile(from)
		to := strings.TrimPrefix(from, "files/")
		if path.Ext(to) == ".rego" {
			to = strings.Replace(to, team, name, 1)
			text = []byte(strings.ReplaceAll(string(text), "salvor.policies."+team, "salvor.policies."+name))
		}
		all[to] = text
		return err
	})
}

func addSchemas(all map[string][]byte, schemas fs.FS) error {
	return fs.WalkDir(schemas, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		all[name], err = fs.ReadFile(schemas, name)
		return err
	})
}

// indent is how deep a setting stands below salvor and config.
const indent = "    "

const settingsHead = `# Your settings, data.salvor.config in Rego. They replace the shipped ones key by key; below stand those, commented out.
# To change one, take away the {} below and the "# " before its lines, and those of the keys above it.
salvor:
  config: {}
`

// commentedOut are settings in which nothing is set. What explains them stays as it is.
func commentedOut(settings string) string {
	out := settingsHead
	_, below, _ := strings.Cut(settings, "  config:\n")
	for line := range strings.Lines(below) {
		setting, indented := strings.CutPrefix(line, indent)
		if indented && !strings.HasPrefix(strings.TrimSpace(line), "#") {
			line = indent + "# " + setting
		}
		out += line
	}
	return out
}
