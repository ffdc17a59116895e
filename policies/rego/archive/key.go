package archive

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/bundle"
)

// Key is a key with the name that signatures know it by: a private one to sign with, or a public one to trust. Its text is PEM, as
// openssl genpkey and openssl pkey -pubout write it: Ed25519, ECDSA on P-256, P-384 or P-521, or RSA of at least 2048 bits.
type Key struct {
	ID  string
	PEM []byte
}

// verifying is the public key as OPA takes it. The algorithm is that of the key, never what a signature asks for.
func (k Key) verifying() (*bundle.KeyConfig, error) {
	public, err := PublicKey(k.PEM)
	if err != nil {
		return nil, fmt.Errorf("use key %s: %w", k.ID, err)
	}
	algorithm, err := algorithmOf(public)
	if err != nil {
		return nil, fmt.Errorf("use key %s: %w", k.ID, err)
	}
	return &bundle.KeyConfig{Key: string(k.PEM), Algorithm: algorithm}, nil
}

// signing is the private key as OPA takes it.
func (k Key) signing() (*bundle.SigningConfig, error) {
	block, _ := pem.Decode(k.PEM)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("use key %s: want a PEM block PRIVATE KEY, as openssl genpkey writes it", k.ID)
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("use key %s: %w", k.ID, err)
	}
	own, ok := private.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("use key %s: a %T does not sign", k.ID, private)
	}
	algorithm, err := algorithmOf(own.Public())
	if err != nil {
		return nil, fmt.Errorf("use key %s: %w", k.ID, err)
	}
	return bundle.NewSigningConfig(string(pem.EncodeToMemory(block)), algorithm, ""), nil
}

// PublicKey reads a public key that can be trusted for bundles.
func PublicKey(text []byte) (any, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, errors.New("want a PEM block PUBLIC KEY, as openssl pkey -pubout writes it")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	_, err = algorithmOf(public)
	return public, err
}

func algorithmOf(public any) (string, error) {
	switch key := public.(type) {
	case ed25519.PublicKey:
		return "EdDSA", nil
	case *ecdsa.PublicKey:
		if name, ok := map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[key.Curve.Params().BitSize]; ok {
			return name, nil
		}
	case *rsa.PublicKey:
		if key.N.BitLen() >= 2048 {
			return "RS256", nil
		}
	}
	return "", errors.New("want an Ed25519 key, an ECDSA key on P-256, P-384 or P-521, or an RSA key of at least 2048 bits")
}
