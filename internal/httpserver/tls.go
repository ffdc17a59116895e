package httpserver

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// LoadTLS makes the TLS configuration of a server from its certificate and key. With a client CA, clients may show a
// certificate signed by it; one that is shown and is not is refused. The certificate is read again after its file changed, so
// that a renewed one is taken up; one that cannot be read then leaves the last in use.
func LoadTLS(certFile, keyFile, clientCAFile string) (*tls.Config, error) {
	keys := &keypair{certFile: certFile, keyFile: keyFile}
	if _, err := keys.current(nil); err != nil {
		return nil, err
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: keys.current}
	if clientCAFile == "" {
		return cfg, nil
	}
	pem, err := os.ReadFile(clientCAFile)
	if err != nil {
		return nil, fmt.Errorf("read client ca: %w", err)
	}
	cfg.ClientCAs, cfg.ClientAuth = x509.NewCertPool(), tls.VerifyClientCertIfGiven
	if !cfg.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read client ca: %s holds no certificate", clientCAFile)
	}
	return cfg, nil
}

// keypair is a certificate that is read again when its file changed.
type keypair struct {
	certFile, keyFile string

	mu      sync.Mutex
	changed time.Time
	cert    *tls.Certificate
}

func (k *keypair) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	info, err := os.Stat(k.certFile)
	if err == nil && info.ModTime().Equal(k.changed) {
		return k.cert, nil
	}
	cert, loadErr := tls.LoadX509KeyPair(k.certFile, k.keyFile)
	if err := errors.Join(err, loadErr); err != nil {
		if k.cert != nil {
			return k.cert, nil
		}
		return nil, fmt.Errorf("load certificate: %w", err)
	}
	k.cert, k.changed = &cert, info.ModTime()
	return k.cert, nil
}
