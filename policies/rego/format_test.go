package rego

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFormat(t *testing.T) {
	const written = "package salvor.policies.zone\nimport rego.v1\ndeny contains   \"x\" if {\n  input.fault.kind==\"zone\" } # why\n"
	const want = "package salvor.policies.zone\n\nimport rego.v1\n\ndeny contains \"x\" if {\n\tinput.fault.kind == \"zone\" # why\n}\n"
	got, err := Format("zone.rego", []byte(written))
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Fatal(diff, err)
	}
	if again, err := Format("zone.rego", got); err != nil || string(again) != want {
		t.Errorf("formatted again it is %q, %v", again, err)
	}
}

func TestFormatSaysWhatCannotBeParsed(t *testing.T) {
	_, err := Format("eu/zone.rego", []byte("package salvor.policies.zone\n\ndeny contains \"x\" if {"))
	wantError(t, err, "eu/zone.rego:3: ")
	if found := Problems(err); len(found) != 1 || found[0].File != "eu/zone.rego" || found[0].Line != 3 {
		t.Errorf("problems are %v", found)
	}
	_, err = Format("empty.rego", nil)
	wantError(t, err, "empty.rego:1: empty module")
}
