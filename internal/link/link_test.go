package link

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestLink(t *testing.T) {
	now := time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC)
	s := Signer{Base: "https://salvor.example/", Secret: []byte("0123456789abcdef")}
	made, err := url.Parse(s.To("0123456789abcdef-1", "4f2a91", now.Add(time.Hour)))
	if err != nil || made.Path != "/incidents/0123456789abcdef-1" {
		t.Fatalf("it leads to %s: %v", made, err)
	}
	if plan, err := s.Check("0123456789abcdef-1", made.Query(), now); plan != "4f2a91" || err != nil {
		t.Errorf("it is of plan %q: %v", plan, err)
	}
	if plan, err := s.Check("0123456789abcdef-1", url.Values{"plan": {"4f2a91"}}, now); plan != "" || err != nil {
		t.Errorf("without a signature it is of plan %q: %v", plan, err)
	}
	if _, err := s.Check("0123456789abcdef-1", made.Query(), now.Add(time.Hour)); !errors.Is(err, ErrOver) {
		t.Errorf("over: %v", err)
	}
	if _, err := s.Check("0123456789abcdef-2", made.Query(), now); !errors.Is(err, ErrForged) {
		t.Errorf("of another incident: %v", err)
	}
	if _, err := (Signer{}).Check("0123456789abcdef-1", made.Query(), now); !errors.Is(err, ErrForged) {
		t.Errorf("without a secret: %v", err)
	}
	for key, value := range map[string]string{"plan": "aaaaaa", "exp": "99999999999", "sig": strings.Repeat("0", 64)} {
		q := made.Query()
		q.Set(key, value)
		if _, err := s.Check("0123456789abcdef-1", q, now); !errors.Is(err, ErrForged) {
			t.Errorf("another %s: %v", key, err)
		}
	}
}
