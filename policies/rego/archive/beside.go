package archive

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/util"
)

// besideKey is where the metadata of a bundle's manifest hold files for which OPA has no place: settings as they were written, of which it
// keeps only what they say, and cases (*_test.json). So what is opened is, file by file, what was built, and has its revision. The manifest is
// signed with the rest.
const besideKey = "salvor_files"

// put keeps a file in a manifest.
func put(into *bundle.Manifest, name string, text []byte) error {
	if !utf8.Valid(text) {
		return fmt.Errorf("%s is no text in UTF-8", name)
	}
	if into.Metadata == nil {
		into.Metadata = map[string]any{besideKey: map[string]any{}}
	}
	into.Metadata[besideKey].(map[string]any)[name] = string(text)
	return nil
}

// takeBeside adds the files that the manifest of a bundle keeps, and says whether settings are among them. What OPA was given of the settings
// must be what they say: rules would decide otherwise than whoever looks into the bundle sees.
func takeBeside(into map[string][]byte, read bundle.Bundle) (settings bool, err error) {
	kept, isThere := read.Manifest.Metadata[besideKey]
	if !isThere {
		return false, nil
	}
	files, isMap := kept.(map[string]any)
	if !isMap {
		return false, fmt.Errorf("%s of its manifest holds no files", besideKey)
	}
	for name, kept := range files {
		text, isText := kept.(string)
		switch {
		case !isText, !isCase(name) && !isSettings(name):
			return false, fmt.Errorf("%s of its manifest holds %s, which is no file of settings and no case", besideKey, name)
		case isSettings(name) && !says([]byte(text), read.Data):
			return false, fmt.Errorf("its data are not what its %s says: build it anew", name)
		}
		settings = settings || isSettings(name)
		into[name] = []byte(text)
	}
	return settings, nil
}

// says compares a text with data.
func says(text []byte, data map[string]any) bool {
	var said map[string]any
	if util.Unmarshal(text, &said) != nil {
		return false
	}
	one, err := json.Marshal(said)
	other, otherErr := json.Marshal(data)
	return err == nil && otherErr == nil && string(one) == string(other)
}

func isCase(name string) bool { return strings.HasSuffix(name, "_test.json") }

func isSettings(name string) bool {
	base := path.Base(name)
	return bundle.IsYAMLDataFile(base) || base == "data.json"
}
