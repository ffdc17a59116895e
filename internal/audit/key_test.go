package audit_test

import (
	"crypto/ed25519"
	"strings"
	"testing"

	"github.com/salvor-io/salvor/internal/audit"
)

// What openssl wrote: genpkey -algorithm ed25519, pkey -pubout, and genpkey of another algorithm.
const (
	private = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIF2lIoc5PQ1Psq1AM/OZMDcWfhhEA9TcZPVyT8AcakEi
-----END PRIVATE KEY-----
`
	public = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA86efeOlIunSQny4ZM2iv6MBSmWFPB/u8cSA3K/oEb2M=
-----END PUBLIC KEY-----
`
	ofAnother = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWpO/zWGNf6PnVx4v
UU0NSbtR/w+JLpjBk79+2g6aKAKhRANCAATwmrYhEWoG7/HDrhMSyQ2sqPjTMuQI
9DtvyFM8YAVDyy31c42vzMfHsgXcc23yDJgaHIpce/2mRzPoRo+pORXN
-----END PRIVATE KEY-----
`
)

func TestKeysOfOpenSSL(t *testing.T) {
	key, err := audit.PrivateKey([]byte(private))
	if err != nil {
		t.Fatal(err)
	}
	other, err := audit.PublicKey([]byte(public))
	if err != nil || !other.Equal(key.Public()) || !ed25519.Verify(other, audit.Signed("x"), ed25519.Sign(key, audit.Signed("x"))) {
		t.Errorf("the two are no pair: %v", err)
	}
	for text, want := range map[string]string{"": "no private key", public: "no private key", ofAnother: "want an ed25519 key", strings.Replace(private, "MC4C", "MC5C", 1): "asn1"} {
		if _, err := audit.PrivateKey([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v", text, err)
		}
	}
	if _, err := audit.PublicKey([]byte(private)); err == nil {
		t.Error("a private key is taken for a public one")
	}
}
