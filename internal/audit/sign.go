package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/salvor-io/salvor/internal/incident"
)

// Signature is over all lines before it.
type Signature struct {
	SHA256  string `json:"sha256"`  // of all bytes before the line, hex
	Key     string `json:"key"`     // KeyID of the public key
	Ed25519 []byte `json:"ed25519"` // over Signed(SHA256)
}

// Signed is what is signed: no other use of a key signs the same.
func Signed(sum string) []byte { return []byte("salvor audit 1\n" + sum + "\n") }

// KeyID tells public keys from each other: 16 hex digits.
func KeyID(public ed25519.PublicKey) string { return incident.SumOf(public)[:16] }

// Sign checks an audit as a server writes it, and writes it to w with its heads and a signature. It is signed whatever comes of the
// check: a break is worth keeping too.
func (c *Check) Sign(r io.Reader, w io.Writer, key ed25519.PrivateKey) (Report, error) {
	sum := sha256.New()
	out := io.MultiWriter(w, sum)
	err := eachLine(r, func(line Line, text []byte) error {
		if line.Is == IsHead {
			return fmt.Errorf("%w: it has heads already", ErrForm)
		}
		if err := c.take(line); err != nil {
			return err
		}
		_, err := out.Write(text)
		return err
	})
	if err = errors.Join(err, c.whole()); err != nil {
		return c.report, err
	}
	for _, h := range c.report.Heads {
		if err := write(out, Line{Is: IsHead, Of: h.Of, Seq: h.Seq, StoredAt: h.Last, Sum: h.Sum}); err != nil {
			return c.report, err
		}
	}
	is := hex.EncodeToString(sum.Sum(nil))
	public, _ := key.Public().(ed25519.PublicKey)
	return c.report, write(w, Line{Is: IsSignature, Signature: &Signature{is, KeyID(public), ed25519.Sign(key, Signed(is))}})
}

// ReadSigned checks an audit and its signature. One that is not of this key, or of other bytes, is a break.
func (c *Check) ReadSigned(r io.Reader, key ed25519.PublicKey) (Report, error) {
	sum, signed := sha256.New(), false
	err := eachLine(r, func(line Line, text []byte) error {
		if signed {
			return fmt.Errorf("%w: something stands behind its signature", ErrForm)
		}
		if line.Is == IsSignature {
			signed = true
			return c.signature(line.Signature, sum, key)
		}
		sum.Write(text)
		return c.take(line)
	})
	switch {
	case err != nil:
		return c.report, err
	case !signed:
		return c.report, fmt.Errorf("%w: it is not signed, or it is cut off", ErrForm)
	case c.told != len(c.report.Heads):
		c.broke(Break{Of: "audit", What: fmt.Sprintf("it names %d heads, and has %d", c.told, len(c.report.Heads))})
	}
	return c.report, c.whole()
}

func (c *Check) signature(s *Signature, sum hash.Hash, key ed25519.PublicKey) error {
	is := hex.EncodeToString(sum.Sum(nil))
	switch {
	case s == nil:
		return ErrForm
	case s.Key != KeyID(key):
		c.broke(Break{Of: "signature", What: fmt.Sprintf("it was signed by key %s, and this is key %s", s.Key, KeyID(key))})
	case s.SHA256 != is || !ed25519.Verify(key, Signed(is), s.Ed25519):
		c.broke(Break{Of: "signature", What: "it is not that of these lines: they were changed after they were signed"})
	}
	return nil
}

// ReadEarlier reads a signed audit for NewCheck. A signature that does not hold is an error: such an audit proves nothing.
func ReadEarlier(r io.Reader, key ed25519.PublicKey) (*Earlier, error) {
	report, err := NewCheck(nil).ReadSigned(r, key)
	if err != nil {
		return nil, err
	}
	for _, b := range report.Breaks {
		if b.Of == "signature" {
			return nil, errors.New("signature: " + b.What)
		}
	}
	return &Earlier{report.Begin, report.Heads}, nil
}

// PrivateKey reads a key as openssl genpkey -algorithm ed25519 writes it.
func PrivateKey(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("it holds no private key in PEM, as openssl genpkey -algorithm ed25519 writes it")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(ed25519.PrivateKey)
	if err == nil && !ok {
		err = fmt.Errorf("it is a %T, want an ed25519 key", parsed)
	}
	return key, err
}

// PublicKey reads a key as openssl pkey -pubout writes it.
func PublicKey(text []byte) (ed25519.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, errors.New("it holds no public key in PEM, as openssl pkey -pubout writes it")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, ok := parsed.(ed25519.PublicKey)
	if err == nil && !ok {
		err = fmt.Errorf("it is a %T, want an ed25519 key", parsed)
	}
	return key, err
}
