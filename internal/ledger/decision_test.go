package ledger

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecisionsAreKept(t *testing.T) {
	s := startStore(t)
	l := s.ledger("one")
	inc := open(t, l, "w1")
	doc := map[string]string{"verdict": "act"}
	ref, err := l.StoreDecision(t.Context(), "prod.eu", inc.ID, doc)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := l.StoreDecision(t.Context(), "prod.eu", inc.ID, doc); err != nil || again != ref {
		t.Errorf("stored again it lies at %q, was %q, %v", again, ref, err)
	}
	other, err := l.StoreDecision(t.Context(), "prod.eu", inc.ID, "another")
	if err != nil || other == ref {
		t.Errorf("another document lies at %q, %v", other, err)
	}
	s.stop()
	s.start()
	got, err := s.ledger("two").ReadDecision(t.Context(), ref)
	if diff := cmp.Diff(`{"verdict":"act"}`, string(got)); err != nil || diff != "" {
		t.Errorf("read %v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"", "x", string(inc.ID) + "/99", "0123456789abcdef-1/1", string(inc.ID) + "/-1"} {
		if _, err := s.ledger("three").ReadDecision(t.Context(), bad); !errors.Is(err, ErrNotFound) {
			t.Errorf("reading %q says %v", bad, err)
		}
	}
}

func TestDecisionsAreBounded(t *testing.T) {
	l := newLedger(t)
	inc := open(t, l, "w1")
	if _, err := l.StoreDecision(t.Context(), "prod.eu", inc.ID, strings.Repeat("x", MaxDecision-2)); err != nil {
		t.Errorf("the largest document is refused: %v", err)
	}
	if _, err := l.StoreDecision(t.Context(), "prod.eu", inc.ID, strings.Repeat("x", MaxDecision-1)); err == nil {
		t.Error("a larger document is stored")
	}
	if _, err := l.StoreDecision(t.Context(), "prod.eu", "> *", doc{}); err == nil {
		t.Error("a document of no incident is stored")
	}
}

type doc struct{}
