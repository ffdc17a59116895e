package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/compile"

	"github.com/salvor-io/salvor/policies/rego"
)

var texts = map[string][]byte{
	"zone.rego":        []byte("package salvor.policies.zone\n\ndeny contains \"x\" if input.fault.agree > data.salvor.config.n\n"),
	"sub/x_test.rego":  []byte("package zone_test\n\ntest_x if true\n"),
	"data.yaml":        []byte("salvor: {config: {n: 1}}\n"),
	"README.md":        []byte("not policy"),
	"zone_test.json":   []byte("{}"),
	"schemas/any.json": []byte("{}"),
}

func built(t *testing.T) []byte {
	t.Helper()
	source, err := rego.Held("rules", texts)
	if err != nil {
		t.Fatal(err)
	}
	data, err := Build(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func signed(t *testing.T, key Key) []byte {
	t.Helper()
	data, err := Sign(t.Context(), built(t), key)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// pair is a private and a public key of one name, as openssl writes them.
func pair(t *testing.T, id string, private crypto.Signer) (Key, Key) {
	t.Helper()
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return Key{id, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})}, Key{id, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})}
}

func edwards(t *testing.T, id string) (Key, Key) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pair(t, id, private)
}

func TestWhatIsBuiltAndSignedIsOpened(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	prime, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edward, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, other := edwards(t, "bob")
	for name, private := range map[string]crypto.Signer{"ES256": curve, "RS256": prime, "EdDSA": edward} {
		secret, public := pair(t, "alice", private)
		source, by, err := Open(t.Context(), "it", signed(t, secret), []Key{other, public})
		if err != nil || by != "alice" {
			t.Errorf("%s: signed by %q, %v", name, by, err)
			continue
		}
		for _, path := range []string{"zone.rego", "sub/x_test.rego", "data.yaml", "zone_test.json"} {
			if got, err := fs.ReadFile(source.Files, path); !bytes.Equal(got, texts[path]) {
				t.Errorf("%s: %s reads %q, %v", name, path, got, err)
			}
		}
		p, err := rego.Read(t.Context(), []rego.Source{source})
		if err == nil {
			_, err = rego.Compile(p, rego.Options{})
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !bytes.Equal(built(t), built(t)) {
		t.Error("built again it is another")
	}
}

// TestABundleIsItsDirectory: what is opened has the revision of what was built, and the digest, which counts tests too.
func TestABundleIsItsDirectory(t *testing.T) {
	secret, public := edwards(t, "alice")
	own := map[string][]byte{"zone.rego": texts["zone.rego"], "eu/data.yml": []byte("# why\nsalvor: {config: {n: 1e3}}\n"), "eu/a_test.json": []byte("{\"name\": \"\\u003c é\"}")}
	source, err := rego.Held("rules", own)
	if err != nil {
		t.Fatal(err)
	}
	data, err := Build(t.Context(), source)
	if err == nil {
		data, err = Sign(t.Context(), data, secret)
	}
	if err != nil {
		t.Fatal(err)
	}
	opened, _, err := Open(t.Context(), "it", data, []Key{public})
	if err != nil {
		t.Fatal(err)
	}
	was, err := rego.Read(t.Context(), []rego.Source{source})
	is, openedErr := rego.Read(t.Context(), []rego.Source{opened})
	if err != nil || openedErr != nil || is.Revision() != was.Revision() || is.Digest() != was.Digest() {
		t.Errorf("it is %s, was %s; %v, %v", is.Revision(), was.Revision(), err, openedErr)
	}
}

// TestWhatIsNotBuilt: a bundle that no server would open is not made.
func TestWhatIsNotBuilt(t *testing.T) {
	large := map[string][]byte{"zone.rego": texts["zone.rego"]}
	for n := range 5 {
		large[string(rune('a'+n))+"_test.json"] = bytes.Repeat([]byte(" "), maxFile)
	}
	for want, own := range map[string]map[string][]byte{
		"a_test.json is no text in UTF-8":          {"zone.rego": texts["zone.rego"], "a_test.json": []byte("\xff")},
		"unpacked it is larger than 4194304 bytes": large,
	} {
		source, err := rego.Held("rules", own)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Build(t.Context(), source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("it says %v, want %q", err, want)
		}
	}
}

// TestWhatOPABuilds: a bundle that opa build signed is opened, too.
func TestWhatOPABuilds(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"zone.rego", "data.yaml"} {
		if err := os.WriteFile(filepath.Join(dir, name), texts[name], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	secret, public := pair(t, "alice", private)
	var out bytes.Buffer
	err = compile.New().WithRegoVersion(ast.RegoV1).WithAsBundle(true).WithPaths(dir).WithOutput(&out).
		WithBundleSigningConfig(bundle.NewSigningConfig(string(secret.PEM), "RS256", "")).WithBundleVerificationKeyID("alice").Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	source, by, err := Open(t.Context(), "it", out.Bytes(), []Key{public})
	if err != nil || by != "alice" {
		t.Fatalf("signed by %q, %v", by, err)
	}
	if p, err := rego.Read(t.Context(), []rego.Source{source}); err != nil || p.Revision() == "" {
		t.Errorf("it reads %v", err)
	}
}

// changed is a bundle with the text of one file replaced, or with one more.
func changed(t *testing.T, data []byte, name, text string) []byte {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	packing := gzip.NewWriter(&out)
	in, to, found := tar.NewReader(zip), tar.NewWriter(packing), false
	put := func(name string, text []byte) {
		if err := to.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	for {
		head, err := in.Next()
		if err == io.EOF {
			break
		}
		was, readErr := io.ReadAll(in)
		if err != nil || readErr != nil {
			t.Fatal(err, readErr)
		}
		if head.Name == name {
			was, found = []byte(text), true
		}
		put(head.Name, was)
	}
	if !found {
		put(name, []byte(text))
	}
	if to.Close() != nil || packing.Close() != nil {
		t.Fatal("not written")
	}
	return out.Bytes()
}

// beside is a signed bundle whose manifest keeps a file.
func beside(t *testing.T, key Key, name, text string) []byte {
	t.Helper()
	manifest := fmt.Sprintf(`{"roots": ["salvor", "zone_test"], "metadata": {"salvor_files": {%q: %q}}}`, name, text)
	data, err := Sign(t.Context(), changed(t, built(t), "/.manifest", manifest), key)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestWhatIsNotOpened(t *testing.T) {
	secret, public := edwards(t, "alice")
	_, stranger := edwards(t, "alice")
	well := signed(t, secret)
	compiled, err := Sign(t.Context(), changed(t, built(t), "/policy.wasm", "x"), secret)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data []byte
		key  Key
		want string
	}{
		"not signed":                 {built(t), public, "it is not signed"},
		"signed by another":          {well, stranger, "none of the keys alice has signed it"},
		"a changed rule":             {changed(t, well, "/zone.rego", "package salvor.policies.zone\nact contains \"x\""), public, "digest mismatch"},
		"changed settings":           {changed(t, well, "/data.json", "{}"), public, "digest mismatch"},
		"a changed case":             {changed(t, well, "/.manifest", `{"metadata": {"salvor_files": {"zone_test.json": "{ }"}}}`), public, "digest mismatch"},
		"other settings beside":      {beside(t, secret, "data.yaml", "salvor: {config: {n: 2}}"), public, "its data are not what its data.yaml says: build it anew"},
		"a rule beside":              {beside(t, secret, "more.rego", "package salvor.policies.more"), public, "holds more.rego, which is no file of settings and no case"},
		"one more rule":              {changed(t, well, "/more.rego", "package salvor.policies.more\nact contains \"x\""), public, "not included in bundle signature"},
		"a signature that is no JWT": {changed(t, well, "/.signatures.json", `{"signatures": ["x"]}`), public, "none of the keys"},
		"no signature in the file":   {changed(t, well, "/.signatures.json", `{"signatures": []}`), public, "it is not signed"},
		"no archive":                 {[]byte("x"), public, "it is no bundle (.tar.gz)"},
		"cut off":                    {well[:len(well)/2], public, "unexpected EOF"},
		"WebAssembly":                {compiled, public, "it holds compiled policy"},
		"a large file":               {changed(t, well, "/data.json", strings.Repeat(" ", maxFile+1)), public, "/data.json is larger than 1048576 bytes"},
		"too large":                  {make([]byte, MaxBytes+1), public, "it is too large: at most 2097152 bytes are read"},
		"no key of that kind":        {well, Key{"alice", []byte("x")}, "use key alice: want a PEM block PUBLIC KEY"},
		"a private key to trust":     {well, secret, "use key alice: want a PEM block PUBLIC KEY"},
	} {
		if _, _, err := Open(t.Context(), "it", c.data, []Key{c.key}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: it says %v, want %q", name, err, c.want)
		}
	}
	if _, err := Sign(t.Context(), built(t), public); err == nil {
		t.Error("a public key signs")
	}
}

// TestABombIsNotUnpacked: what is small as it is sent and without end unpacked is refused early.
func TestABombIsNotUnpacked(t *testing.T) {
	var out bytes.Buffer
	packing := gzip.NewWriter(&out)
	to := tar.NewWriter(packing)
	zeros := make([]byte, 1<<20)
	for n := range 100 {
		if err := to.WriteHeader(&tar.Header{Name: string(rune('a'+n%26)) + ".rego", Size: int64(len(zeros))}); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if to.Close() != nil || packing.Close() != nil {
		t.Fatal("not written")
	}
	_, public := edwards(t, "alice")
	if _, _, err := Open(t.Context(), "it", out.Bytes(), []Key{public}); err == nil || !strings.Contains(err.Error(), "unpacked it is larger than 4194304 bytes") {
		t.Errorf("%d bytes: it says %v", out.Len(), err)
	}
}

// FuzzOpen: whatever is sent, nothing is opened that the key has not signed.
func FuzzOpen(f *testing.F) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	text, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		f.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		f.Fatal(err)
	}
	source, err := rego.Held("rules", texts)
	if err != nil {
		f.Fatal(err)
	}
	data, err := Build(f.Context(), source)
	if err == nil {
		data, err = Sign(f.Context(), data, Key{"alice", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})})
	}
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, sent []byte) {
		source, _, err := Open(t.Context(), "it", sent, []Key{{"alice", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: text})}})
		if err != nil {
			return
		}
		for name, want := range map[string]string{"zone.rego": string(texts["zone.rego"]), "data.yaml": string(texts["data.yaml"])} {
			if got, err := fs.ReadFile(source.Files, name); string(got) != want {
				t.Errorf("%s reads %q, %v", name, got, err)
			}
		}
	})
}
