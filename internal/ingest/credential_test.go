package ingest

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestNewRefusesCredentialsThatWouldWiden(t *testing.T) {
	token := HashToken("x")
	one := []string{"prod"}
	tests := []struct {
		name string
		bad  Credential
		want string
	}{
		{"no name", Credential{TokenSHA256: token, Clusters: one}, "name"},
		{"name with a dot", Credential{Name: "a.b", TokenSHA256: token, Clusters: one}, "name"},
		{"name with a line break", Credential{Name: "a\n", TokenSHA256: token, Clusters: one}, "name"},
		{"no proof", Credential{Name: "a", Clusters: one}, "token"},
		{"two proofs", Credential{Name: "a", TokenSHA256: token, ClientName: "c", Clusters: one}, "token"},
		{"empty token", Credential{Name: "a", TokenSHA256: HashToken(""), Clusters: one}, "token is empty"},
		{"no cluster", Credential{Name: "a", TokenSHA256: token}, "no cluster"},
		{"nameless cluster", Credential{Name: "a", TokenSHA256: token, Clusters: []string{""}}, "cluster"},
		{"fleet", Credential{Name: "a", TokenSHA256: token, Clusters: []string{"prod", "_fleet"}}, "_fleet"},
		{"internal with kinds", Credential{Name: "a", TokenSHA256: token, Clusters: one, Kinds: one, Internal: true}, "kinds"},
		{"name of another", Credential{Name: "prod", TokenSHA256: token, Clusters: one}, "another"},
		{"token of another", Credential{Name: "a", TokenSHA256: HashToken(prodToken), Clusters: one}, "another"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			kept := &journal{}
			_, err := New(Options{Log: kept, Dead: kept, Logger: discard(), Credentials: append(senders(), test.bad)})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestNewRefusesMissingPartsAndNegativeLimits(t *testing.T) {
	kept := &journal{}
	for name, opts := range map[string]Options{
		"no log":          {Dead: kept, Logger: discard()},
		"no dead letters": {Log: kept, Logger: discard()},
		"no logger":       {Log: kept, Dead: kept},
		"negative limit":  {Log: kept, Dead: kept, Logger: discard(), MaxInFlight: -1},
	} {
		if _, err := New(opts); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestWithoutCredentialsNobodyIsKnown(t *testing.T) {
	server := serving(t, &journal{}, func(o *Options) { o.Credentials = nil })
	if got := (request{body: hook(goodAlert)}).send(t, server); got.status != http.StatusUnauthorized {
		t.Errorf("status is %d, want 401", got.status)
	}
}

func TestEveryTokenFindsItsOwnCredential(t *testing.T) {
	keys, err := newKeyring(senders())
	if err != nil {
		t.Fatal(err)
	}
	for i, secret := range []string{prodToken, fleetToken, kindsToken, internalToken} {
		if got := keys.match(HashToken(secret)); got != i {
			t.Errorf("token %d finds credential %d", i, got)
		}
	}
	if got := keys.match(HashToken("other")); got != -1 {
		t.Errorf("an unknown token finds credential %d", got)
	}
	if got := keys.match([sha256.Size]byte{}); got != -1 && keys[got].ClientName == "" {
		t.Errorf("the zero hash finds credential %d", got)
	}
}

// TestMatchIsWithoutBranches reads the source: the loop over the credentials neither ends early nor decides anything, and
// nothing but it compares tokens.
func TestMatchIsWithoutBranches(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "credential.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	loops, compares := 0, 0
	ast.Inspect(function(t, file, "match"), func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.RangeStmt:
			loops++
			ast.Inspect(n.Body, func(n ast.Node) bool {
				switch n.(type) {
				case *ast.IfStmt, *ast.SwitchStmt, *ast.BranchStmt, *ast.ReturnStmt, *ast.BinaryExpr:
					t.Errorf("the loop of match holds a %T", n)
				}
				return true
			})
		case *ast.SelectorExpr:
			if n.Sel.Name == "ConstantTimeCompare" {
				compares++
			}
		}
		return true
	})
	if loops != 1 || compares != 1 {
		t.Errorf("match has %d loops and %d constant-time compares, want one of each", loops, compares)
	}
	ast.Inspect(function(t, file, "byHeader"), func(n ast.Node) bool {
		if call, ok := n.(*ast.BinaryExpr); ok && (call.Op == token.EQL || call.Op == token.NEQ) {
			if x, ok := call.X.(*ast.Ident); ok && x.Name == "token" {
				if y, ok := call.Y.(*ast.BasicLit); !ok || y.Value != `""` {
					t.Error("byHeader compares the token itself")
				}
			}
		}
		return true
	})
}

func function(t *testing.T, file *ast.File, name string) *ast.FuncDecl {
	t.Helper()
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Name.Name == name {
			return f
		}
	}
	t.Fatalf("there is no function %s", name)
	return nil
}

func TestTwoAuthorizationHeadersAreRefused(t *testing.T) {
	keys, err := newKeyring(senders())
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, AlertmanagerPath, nil)
	r.Header.Add("Authorization", "Bearer "+prodToken)
	r.Header.Add("Authorization", "Bearer "+fleetToken)
	if got, err := keys.identify(r); err == nil {
		t.Errorf("identified %q", got.Name)
	}
}

func TestCertificateNames(t *testing.T) {
	keys, err := newKeyring([]Credential{
		{Name: "cn", ClientName: "am-prod", Clusters: []string{"prod"}},
		{Name: "dns", ClientName: "am.prod.example", Clusters: []string{"prod"}},
		{Name: "uri", ClientName: "spiffe://prod/am", Clusters: []string{"prod"}},
		{Name: "token", TokenSHA256: HashToken(prodToken), Clusters: []string{"prod"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	spiffe, _ := url.Parse("spiffe://prod/am")
	tests := []struct {
		name string
		cert x509.Certificate
		want string
	}{
		{"common name", x509.Certificate{Subject: pkix.Name{CommonName: "am-prod"}}, "cn"},
		{"dns name", x509.Certificate{DNSNames: []string{"x", "am.prod.example"}}, "dns"},
		{"uri", x509.Certificate{URIs: []*url.URL{spiffe}}, "uri"},
		{"other", x509.Certificate{Subject: pkix.Name{CommonName: "am-prod2"}}, ""},
		{"nameless", x509.Certificate{}, ""},
		{"of two credentials", x509.Certificate{Subject: pkix.Name{CommonName: "am-prod"}, URIs: []*url.URL{spiffe}}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := keys.byCertificate(&tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{&test.cert}}})
			if got.Name != test.want || (err == nil) != (test.want != "") {
				t.Errorf("got %q and %v, want %q", got.Name, err, test.want)
			}
			unverified := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{&test.cert}}
			if got, err := keys.byCertificate(unverified); err == nil {
				t.Errorf("an unverified certificate is %q", got.Name)
			}
		})
	}
}

func TestBindOnlyNarrows(t *testing.T) {
	one, two := senders()[0], senders()[1]
	tests := []struct {
		name  string
		cred  Credential
		named string
		want  string
	}{
		{"none of one", one, "", "prod"}, {"one of one", one, "prod", "prod"}, {"other of one", one, "stage", ""},
		{"none of two", two, "", ""}, {"one of two", two, "stage", "stage"}, {"other of two", two, "moon", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.cred.bind(test.named)
			if got != test.want || errors.Is(err, errNotBound) != (test.want == "") {
				t.Errorf("got %q and %v, want %q", got, err, test.want)
			}
		})
	}
}
