package doctor_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/salvor-io/salvor/internal/doctor"
	"github.com/salvor-io/salvor/policies/rego"
	"github.com/salvor-io/salvor/policies/rego/archive"
)

// pair is a new private and public key.
func pair(t *testing.T, id string) (private, public archive.Key) {
	t.Helper()
	open, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := func(kind string, key []byte, err error) archive.Key {
		if err != nil {
			t.Fatal(err)
		}
		return archive.Key{ID: id, PEM: pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: key})}
	}
	key, err := x509.MarshalPKCS8PrivateKey(secret)
	private = of("PRIVATE KEY", key, err)
	key, err = x509.MarshalPKIXPublicKey(open)
	return private, of("PUBLIC KEY", key, err)
}

// built is a bundle of some rules, signed where there is a key.
func built(t *testing.T, rules string, by *archive.Key) []byte {
	t.Helper()
	source, err := rego.Held("rules", map[string][]byte{"own.rego": []byte("package salvor.policies.own\n\n" + rules + "\n"),
		"own_test.rego": []byte("package salvor.policies.own_test\n\ntest_never if data.salvor.policies.own.deny[\"never\"]\n")})
	if err != nil {
		t.Fatal(err)
	}
	data, err := archive.Build(t.Context(), source)
	if err == nil && by != nil {
		data, err = archive.Sign(t.Context(), data, *by)
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestPolicyBundle spoils what an address sends, one thing at a time.
func TestPolicyBundle(t *testing.T) {
	private, public := pair(t, "k1")
	stranger, _ := pair(t, "k1")
	const well = `deny contains "never"`
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, c := range map[string]struct {
		data  []byte
		url   string // instead of that of the server
		token string
		state doctor.State
		check string
		says  string
	}{
		"well":              {data: built(t, well, &private), state: doctor.OK, check: "usable", says: "it compiles"},
		"nobody is there":   {url: gone.URL, state: doctor.Problem, check: "reach", says: "connection refused"},
		"nothing is there":  {url: "HOST/none", state: doctor.Problem, check: "reach", says: "the server answers 404"},
		"another token":     {token: "x", state: doctor.Problem, check: "reach", says: "the server answers 401"},
		"not signed":        {data: built(t, well, nil), state: doctor.Problem, check: "opens", says: "it is not signed"},
		"signed by another": {data: built(t, well, &stranger), state: doctor.Problem, check: "opens", says: "none of the keys k1 has signed it"},
		"a page":            {data: []byte("<html>"), state: doctor.Problem, check: "opens", says: "it is no bundle"},
		"no policy":         {data: built(t, "allow := true", &private), state: doctor.Problem, check: "usable", says: "own.rego:3: allow has no effect"},
		"another responder": {data: built(t, well+"\n\ndeny contains \"x\" if input.plan.steps[_].responder == \"node.burn\"", &private), state: doctor.Problem, check: "usable", says: "node.burn"},
		"a test fails":      {data: built(t, `deny contains "ever"`, &private), state: doctor.Problem, check: "usable", says: "test_never fails"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked []string
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.Method)
				switch {
				case r.Header.Get("Authorization") != "Bearer policy":
					w.WriteHeader(http.StatusUnauthorized)
				case r.URL.Path != "/policy.tar.gz":
					w.WriteHeader(http.StatusNotFound)
				default:
					_, _ = w.Write(c.data)
				}
			}))
			defer srv.Close()
			url, token := srv.URL+"/policy.tar.gz", "policy"
			if c.url != "" {
				url = strings.Replace(c.url, "HOST", srv.URL, 1)
			}
			if c.token != "" {
				token = c.token
			}
			dir, path := alone(t, "policies: {bundle: {url: "+url+", token_file: token, keys: [{id: k1, person: ann, file: k1.pem}]}}\n")
			for file, text := range map[string]string{"token": token, "k1.pem": string(public.PEM)} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r := examine(t, path)
			holds(t, r, c.state, c.check, c.says)
			if c.state == doctor.OK {
				holds(t, r, doctor.OK, "reach", url+" sent ")
				holds(t, r, doctor.OK, "opens", "signed by ann; with the shipped rules of this version it is revision ")
			}
			if want := map[doctor.State]int{doctor.Problem: 1}[c.state]; r.Problems != want {
				t.Errorf("%d problems, want %d:\n%s", r.Problems, want, text(r))
			}
			if c.url != gone.URL && strings.Join(asked, " ") != http.MethodGet {
				t.Errorf("the address was asked %v", asked)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 3 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}
