package supervisor

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// user is somebody the API server knows by a token.
type user struct {
	name   string
	groups string
}

// superUser is whom the supervisor itself acts as.
const superUser = "stack"

// The users that the parts for volumes and backups act as.
const (
	storageUser = "storage"
	veleroUser  = "velero"
)

// users are all who have a kubeconfig. Those without a group have no right until somebody binds a role to them.
func users() []user {
	return []user{
		{name: superUser, groups: "system:masters"},
		{name: "admin", groups: "system:masters"},
		{name: "kwok", groups: "system:masters"},
		{name: storageUser, groups: "system:masters"},
		{name: veleroUser, groups: "system:masters"},
		{name: "system:kube-controller-manager"},
		{name: "system:kube-scheduler"},
		{name: "alice", groups: "humans"},
		{name: "salvor-observe"},
		{name: "salvor-act"},
	}
}

// credentials are the keys, certificates and tokens of one control plane, as files.
type credentials struct {
	dir    string
	caPEM  []byte
	tokens map[string]string
}

// newCredentials makes fresh credentials in dir: ca.crt, server.crt, server.key, service-accounts.key and tokens.csv.
func newCredentials(dir string) (*credentials, error) {
	c := &credentials{dir: dir, tokens: map[string]string{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := c.makeCertificates(); err != nil {
		return nil, fmt.Errorf("make certificates: %w", err)
	}
	if err := c.makeServiceAccountKey(); err != nil {
		return nil, fmt.Errorf("make service account key: %w", err)
	}
	if err := c.makeTokens(); err != nil {
		return nil, fmt.Errorf("make tokens: %w", err)
	}
	return c, nil
}

func (c *credentials) path(name string) string {
	return filepath.Join(c.dir, name)
}

func (c *credentials) makeCertificates() error {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	ca := certificateTemplate("salvor test stack")
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return err
	}
	server := certificateTemplate("kube-apiserver")
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	server.DNSNames = []string{"localhost", "kubernetes", "kubernetes.default.svc"}
	server.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 96, 0, 1)}
	serverDER, err := x509.CreateCertificate(rand.Reader, server, ca, serverKey.Public(), caKey)
	if err != nil {
		return err
	}
	serverKeyDER, err := x509.MarshalECPrivateKey(serverKey)
	if err != nil {
		return err
	}
	c.caPEM = encodePEM("CERTIFICATE", caDER)
	return writeFiles(c.dir, map[string][]byte{
		"ca.crt":     c.caPEM,
		"server.crt": encodePEM("CERTIFICATE", serverDER),
		"server.key": encodePEM("EC PRIVATE KEY", serverKeyDER),
	})
}

func (c *credentials) makeServiceAccountKey() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	data := encodePEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	return os.WriteFile(c.path("service-accounts.key"), data, 0o600)
}

func (c *credentials) makeTokens() error {
	var file bytes.Buffer
	for _, u := range users() {
		c.tokens[u.name] = rand.Text()
		fmt.Fprintf(&file, "%s,%s,%s,%q\n", c.tokens[u.name], u.name, u.name, u.groups)
	}
	return os.WriteFile(c.path("tokens.csv"), file.Bytes(), 0o600)
}

// writeKubeconfigs writes one kubeconfig for each user into dir.
func (c *credentials) writeKubeconfigs(dir, server string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, u := range users() {
		if err := os.WriteFile(kubeconfigPath(dir, u.name), c.kubeconfig(u.name, server), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func kubeconfigPath(dir, user string) string {
	return filepath.Join(dir, strings.ReplaceAll(user, ":", "-")+".yaml")
}

func (c *credentials) kubeconfig(user, server string) []byte {
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
current-context: stack
clusters:
- name: stack
  cluster:
    server: %s
    certificate-authority-data: %s
users:
- name: %q
  user:
    token: %s
contexts:
- name: stack
  context:
    cluster: stack
    user: %q
`, server, base64.StdEncoding.EncodeToString(c.caPEM), user, c.tokens[user], user)
}

func certificateTemplate(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.AddDate(1, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func writeFiles(dir string, files map[string][]byte) error {
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
