package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// errForged is the error of text that was not sealed with the key, or for another purpose.
var errForged = errors.New("it was not made here")

// seal signs a value, for one purpose alone.
func (s *Sessions) seal(purpose string, value any) (string, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("seal a %s: %w", purpose, err)
	}
	text := base64.RawURLEncoding.EncodeToString(data)
	return text + "." + s.sign(purpose, text), nil
}

// unseal reads what was sealed for a purpose.
func (s *Sessions) unseal(purpose, sealed string, into any) error {
	text, sum, _ := strings.Cut(sealed, ".")
	if !hmac.Equal([]byte(sum), []byte(s.sign(purpose, text))) {
		return errForged
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return errForged
	}
	return json.Unmarshal(data, into)
}

// sign is the signature of a text for one purpose.
func (s *Sessions) sign(purpose, text string) string {
	mac := hmac.New(sha256.New, s.Key)
	fmt.Fprintf(mac, "salvor %s\x00%s", purpose, text)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
