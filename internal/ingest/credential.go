package ingest

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/events"
)

// Credential is one sender: how it proves who it is, and what its posts may be about. It proves itself either by a bearer
// token or by a verified client certificate.
type Credential struct {
	Name        string            // for logs and for the source of events: letters, digits, '-' and '_', at most 63
	TokenSHA256 [sha256.Size]byte // see HashToken; zero when the sender uses a certificate
	ClientName  string            // common name or a DNS, URI or e-mail name of the certificate; "" when it uses a token
	Clusters    []string          // the clusters its posts may be about, at least one
	Kinds       []string          // the fault kinds its alerts may raise; empty means any
	Internal    bool              // its CloudEvents may be Salvor's own observations, so that Kinds must be empty
	Witness     string            // it is the witness of that name: it posts nothing but its own probes, so that Kinds must be empty
}

// HashToken is the TokenSHA256 of a token.
func HashToken(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

// errNotBound is wrapped by the error for a cluster that a credential is not bound to.
var errNotBound = errors.New("credential is not bound to it")

// bind is the cluster of something that names the cluster given, "" for none. What is named can only narrow.
func (c Credential) bind(named string) (string, error) {
	if named == "" && len(c.Clusters) == 1 {
		return c.Clusters[0], nil
	}
	if named == "" {
		return "", fmt.Errorf("no cluster is named and credential %s is bound to %d: %w", c.Name, len(c.Clusters), errNotBound)
	}
	if !slices.Contains(c.Clusters, named) {
		return "", fmt.Errorf("cluster %.80q: %w", named, errNotBound)
	}
	return named, nil
}

var credentialName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,63}$`)

func (c Credential) check() error {
	byToken := c.TokenSHA256 != [sha256.Size]byte{}
	switch {
	case !credentialName.MatchString(c.Name):
		return errors.New("name is empty, too long or holds other characters than letters, digits, '-' and '_'")
	case byToken == (c.ClientName != ""):
		return errors.New("one of a token and a client name is wanted")
	case c.TokenSHA256 == HashToken(""):
		return errors.New("token is empty")
	case len(c.Clusters) == 0:
		return errors.New("no cluster is given")
	case slices.Contains(c.Clusters, "") || slices.Contains(c.Clusters, events.Fleet):
		return fmt.Errorf("a cluster is named \"\" or %q", events.Fleet)
	case (c.Internal || c.Witness != "") && len(c.Kinds) > 0:
		return errors.New("observations of Salvor itself cannot be bound to kinds")
	case c.Internal && c.Witness != "":
		return errors.New("a witness posts its own probes and nothing else")
	}
	return nil
}

// keyring knows all credentials.
type keyring []Credential

func newKeyring(credentials []Credential) (keyring, error) {
	names, tokens, clients, witnesses := map[string]bool{}, map[[sha256.Size]byte]bool{}, map[string]bool{}, map[string]bool{}
	for _, c := range credentials {
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("check credential %q: %w", c.Name, err)
		}
		if names[c.Name] || c.ClientName == "" && tokens[c.TokenSHA256] || c.ClientName != "" && clients[c.ClientName] {
			return nil, fmt.Errorf("check credential %q: its name, token or client name is that of another", c.Name)
		}
		if c.Witness != "" && witnesses[c.Witness] {
			return nil, fmt.Errorf("check credential %q: another is the witness %q already", c.Name, c.Witness)
		}
		names[c.Name], tokens[c.TokenSHA256], clients[c.ClientName], witnesses[c.Witness] = true, true, true, true
	}
	return slices.Clone(credentials), nil
}

// identify says which credential a request proves. A bearer token that is present decides alone.
func (k keyring) identify(r *http.Request) (Credential, error) {
	switch auth := r.Header.Values("Authorization"); len(auth) {
	case 0:
		return k.byCertificate(r.TLS)
	case 1:
		return k.byHeader(auth[0])
	}
	return Credential{}, errors.New("more than one Authorization header is given")
}

func (k keyring) byHeader(value string) (Credential, error) {
	scheme, token, _ := strings.Cut(value, " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return Credential{}, errors.New("the Authorization header holds no bearer token")
	}
	found := k.match(HashToken(token))
	if found < 0 {
		return Credential{}, errors.New("the bearer token is not known")
	}
	return k[found], nil
}

// match is the index of the credential with that token, or -1. Its time depends neither on the token nor on which
// credential has it: hashes are compared in constant time, and always all of them.
func (k keyring) match(token [sha256.Size]byte) int {
	found := -1
	for i := range k {
		same := subtle.ConstantTimeCompare(token[:], k[i].TokenSHA256[:])
		found = subtle.ConstantTimeSelect(same, i, found)
	}
	return found
}

func (k keyring) byCertificate(state *tls.ConnectionState) (Credential, error) {
	if state == nil || len(state.VerifiedChains) == 0 || len(state.VerifiedChains[0]) == 0 {
		return Credential{}, errors.New("neither a bearer token nor a verified client certificate is given")
	}
	names := namesOf(state.VerifiedChains[0][0])
	var found []Credential
	for _, c := range k {
		if c.ClientName != "" && slices.Contains(names, c.ClientName) {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		return Credential{}, fmt.Errorf("the client certificate fits %d credentials, want one", len(found))
	}
	return found[0], nil
}

func namesOf(cert *x509.Certificate) []string {
	names := slices.Concat([]string{cert.Subject.CommonName}, cert.DNSNames, cert.EmailAddresses)
	for _, uri := range cert.URIs {
		names = append(names, uri.String())
	}
	return names
}
