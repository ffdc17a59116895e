package probe

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// Secure says whom to believe and as whom to come. All are paths of PEM files; empty ones mean the roots of the system and nobody.
type Secure struct {
	CAFile   string // read once
	CertFile string // read again for each connection, so that a renewed certificate is taken up
	KeyFile  string
}

// Config is the TLS configuration of a client. It fails when a file cannot be read now. One that cannot be read later fails the
// connection; a check takes that for its own fault.
func (s Secure) Config() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.CAFile != "" {
		text, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read ca: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("read ca: %s holds no certificate", s.CAFile)
		}
	}
	if s.CertFile == "" {
		return cfg, nil
	}
	if _, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile); err != nil {
		return nil, fmt.Errorf("load client certificate: %w", err)
	}
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		cert, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("%w: load client certificate: %w", errOwn, err)
		}
		return &cert, nil
	}
	return cfg, nil
}
