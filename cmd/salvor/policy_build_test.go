package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/salvor-io/salvor/policies/rego/archive"
)

// TestPolicyIsBuiltAndSigned follows the help, word by word, with keys that openssl makes.
func TestPolicyIsBuiltAndSigned(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, algorithm := range [][]string{{"ed25519"}, {"EC", "-pkeyopt", "ec_paramgen_curve:P-256"}} {
		for _, words := range [][]string{append([]string{"genpkey", "-out", in("alice.key"), "-algorithm"}, algorithm...), {"pkey", "-in", in("alice.key"), "-pubout", "-out", in("alice.pem")}} {
			if out, err := exec.CommandContext(t.Context(), "openssl", words...).CombinedOutput(); err != nil {
				t.Skipf("no keys can be made: %v: %s", err, out)
			}
		}
		rules := in("rules")
		if err := os.MkdirAll(rules, 0o700); err != nil {
			t.Fatal(err)
		}
		put := func(text string) {
			if err := os.WriteFile(filepath.Join(rules, "own.rego"), []byte("package salvor.policies.own\n\n"+text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(rules, "data.yaml"), []byte("salvor: {config: {}} # nothing of ours yet\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		put(`deny contains 5`)
		if got := salvor(t.Context(), nil, "policy", "build", rules, "--out", in("b.tar.gz")); got.code != exitError || !strings.Contains(got.talked, "own.rego:3: deny: the reason must be a sentence") {
			t.Errorf("a bad rule: exit %d, %s", got.code, got.talked)
		}
		put(`deny contains "x"`)
		built := salvor(t.Context(), nil, "policy", "build", rules, "--out", in("b.tar.gz"))
		if built.code != exitOK || !strings.Contains(built.out, "b.tar.gz: revision ") || !strings.Contains(built.talked, "next: sign it: salvor policy sign ") {
			t.Errorf("exit %d, %s %s", built.code, built.out, built.talked)
		}
		if checked := salvor(t.Context(), nil, "policy", "check", rules); revisionIn(checked.out) != revisionIn(built.out) {
			t.Errorf("built it is %s, checked %s", built.out, checked.out)
		}
		opens := func() string {
			data, err := readBundle(in("b.tar.gz"))
			if err != nil {
				t.Fatal(err)
			}
			public, err := os.ReadFile(in("alice.pem"))
			if err != nil {
				t.Fatal(err)
			}
			_, by, err := archive.Open(t.Context(), "it", data, []archive.Key{{ID: "alice", PEM: public}})
			if err != nil {
				return err.Error()
			}
			return by
		}
		if got := opens(); !strings.Contains(got, "it is not signed") {
			t.Errorf("built without a key it is signed by %s", got)
		}
		signed := salvor(t.Context(), nil, "policy", "sign", in("b.tar.gz"), "--key", in("alice.key"), "--key-id", "alice")
		if got := opens(); signed.code != exitOK || got != "alice" {
			t.Errorf("exit %d, %s; it is signed by %s", signed.code, signed.talked, got)
		}
		again := salvor(t.Context(), nil, "policy", "build", rules, "--out", in("b.tar.gz"), "--key", in("alice.key"), "--key-id", "alice")
		if got := opens(); again.code != exitOK || got != "alice" || again.out != built.out {
			t.Errorf("exit %d, %s %s; it is signed by %s", again.code, again.out, again.talked, got)
		}
	}
}

func revisionIn(said string) string { return regexp.MustCompile("[0-9a-f]{12}").FindString(said) }
