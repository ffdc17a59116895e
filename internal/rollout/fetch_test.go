package rollout

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/rego"
	"github.com/salvor-io/salvor/policies/rego/archive"
)

// shelf is a server of bundles.
type shelf struct {
	*httptest.Server
	data   []byte
	status int
	to     string // redirects there
	asked  []*http.Request
	sent   int // answers with a bundle in them
}

func newShelf(t *testing.T) *shelf {
	s := &shelf{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked = append(s.asked, r)
		tag := fmt.Sprintf(`"%s"`, sumOf(string(s.data)))
		switch {
		case s.to != "":
			http.Redirect(w, r, s.to, http.StatusFound)
		case s.status != 0:
			w.WriteHeader(s.status)
		case r.Header.Get("If-None-Match") == tag:
			w.WriteHeader(http.StatusNotModified)
		default:
			s.sent++
			w.Header().Set("ETag", tag)
			_, _ = w.Write(s.data)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// pen signs bundles.
type pen struct{ private, public archive.Key }

func newPen(t *testing.T, id string) pen {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	open, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return pen{archive.Key{ID: id, PEM: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})},
		archive.Key{ID: id, PEM: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: open})}}
}

func (p pen) sign(t *testing.T, text string) []byte {
	t.Helper()
	return p.signAll(t, map[string][]byte{"own.rego": []byte(text)})
}

func (p pen) signAll(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	source, err := rego.Held("rules", files)
	if err != nil {
		t.Fatal(err)
	}
	data, err := archive.Build(t.Context(), source)
	if err == nil {
		data, err = archive.Sign(t.Context(), data, p.private)
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func fetching(t *testing.T, s *shelf, p pen) *Fetch {
	t.Helper()
	return NewFetch(FetchOptions{URL: s.URL + "/policy.tar.gz", Token: func() (string, error) { return "secret", nil }, Keys: []archive.Key{p.public},
		Persons: map[string]string{p.public.ID: "ann"}, Poll: time.Second, Shipped: newDesk(t, asks).source().Shipped})
}

func TestASignedBundleIsRolledOut(t *testing.T) {
	b, s, p := newBooks(), newShelf(t), newPen(t, "k1")
	s.data = p.sign(t, denies)
	r := replica(t, "one", b, fetching(t, s, p))
	wants(t, r, policies.Deny)
	looks(t, r)
	if s.sent != 1 || s.asked[0].Header.Get("Authorization") != "Bearer secret" {
		t.Errorf("the bundle was sent %d times, the first time for %q", s.sent, s.asked[0].Header.Get("Authorization"))
	}
	s.data = p.sign(t, acts)
	looks(t, r)
	held := r.Status().Held
	if held == nil || held.Author != "ann" || !held.Signed || held.Source != s.URL+"/policy.tar.gz" {
		t.Fatalf("held is %+v", held)
	}
	if _, err := r.Activate(t.Context(), "ann", held.Revision, ""); !errors.Is(err, ErrAuthor) {
		t.Errorf("who signed it activates it: %v", err)
	}
	if _, err := r.Activate(t.Context(), "bob", held.Revision, ""); err != nil {
		t.Error(err)
	}
	wants(t, r, policies.Act)
	if r.Signer() != "ann" {
		t.Errorf("%q signed what is in force", r.Signer())
	}
	if own := replica(t, "two", newBooks(), newDesk(t, acts).source()); own.Signer() != "" {
		t.Errorf("%q signed what nobody did", own.Signer())
	}
}

// TestABundleIsTestedByItsCases, as a directory is, and has its revision.
func TestABundleIsTestedByItsCases(t *testing.T) {
	d := newDesk(t, denies)
	d.write("data.yaml", "salvor: {config: {}} # as it is\n")
	want := replica(t, "one", newBooks(), d.source()).Status().InForce.Revision
	wanting := func(verdict string) map[string][]byte {
		return map[string][]byte{"own.rego": []byte(denies), "data.yaml": []byte("salvor: {config: {}} # as it is\n"),
			"case_test.json": fmt.Appendf(nil, `{"name": "it", "question": {}, "want": {"verdict": %q, "would": %[1]q}}`, verdict)}
	}
	s, p := newShelf(t), newPen(t, "k1")
	s.data = p.signAll(t, wanting("deny"))
	r := replica(t, "two", newBooks(), fetching(t, s, p))
	if got := r.Status().InForce; got == nil || got.Revision != want {
		t.Errorf("in force is %+v, want %s", got, want)
	}
	s.data = p.signAll(t, wanting("act"))
	looks(t, r)
	if refused := r.Status().Refused; refused == nil || !strings.Contains(refused.Problems[0], "case_test.json:1: the test it fails: verdict: want act, is deny") {
		t.Errorf("refused is %+v", refused)
	}
}

func TestWhatAnAddressMaySend(t *testing.T) {
	other := newPen(t, "k1")
	elsewhere := newShelf(t)
	for name, c := range map[string]struct {
		spoil func(s *shelf, p pen)
		want  string
	}{
		"signed by another":      {func(s *shelf, _ pen) { s.data = other.sign(t, acts) }, "none of the keys k1 has signed it"},
		"not signed":             {func(s *shelf, _ pen) { s.data = unsigned(t, acts) }, "it is not signed"},
		"bad rules":              {func(s *shelf, p pen) { s.data = p.sign(t, acts+"\nfoo := 1\n") }, "own.rego:5: foo has no effect"},
		"more than is read":      {func(s *shelf, _ pen) { s.data = make([]byte, 100<<20) }, "it is too large: at most 2097152 bytes are read"},
		"a page":                 {func(s *shelf, _ pen) { s.data = []byte("<html>") }, "it is no bundle"},
		"no such address":        {func(s *shelf, _ pen) { s.status = 404 }, "the server answers 404"},
		"a server that is down":  {func(s *shelf, _ pen) { s.CloseClientConnections(); s.Close() }, "connection refused"},
		"another host":           {func(s *shelf, _ pen) { s.to = elsewhere.URL }, "which is another host"},
		"itself, without an end": {func(s *shelf, _ pen) { s.to = s.URL }, "more than 5 redirections"},
	} {
		t.Run(name, func(t *testing.T) {
			b, s, p := newBooks(), newShelf(t), newPen(t, "k1")
			s.data = p.sign(t, denies)
			r := replica(t, "one", b, fetching(t, s, p))
			c.spoil(s, p)
			for range maxMisses {
				looks(t, r)
			}
			if got := r.Status().Refused; got == nil || !strings.Contains(strings.Join(got.Problems, "\n"), c.want) {
				t.Errorf("refused is %+v", got)
			}
			wants(t, r, policies.Deny)
			if _, revision := verdict(t, r); revision == "" {
				t.Error("the last good one is not in force")
			}
		})
	}
	if len(elsewhere.asked) > 0 {
		t.Errorf("another host was asked: %v", elsewhere.asked[0].Header)
	}
}

func unsigned(t *testing.T, text string) []byte {
	t.Helper()
	source, err := rego.Held("rules", map[string][]byte{"own.rego": []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	data, err := archive.Build(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestOneMissIsNoOutage: an address that does not answer once or twice is not told of, and what came last stays.
func TestOneMissIsNoOutage(t *testing.T) {
	s, p := newShelf(t), newPen(t, "k1")
	s.data = p.sign(t, denies)
	f := fetching(t, s, p)
	first, err := f.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.status = http.StatusBadGateway
	var unfit *UnfitError
	for n := 1; n <= maxMisses; n++ {
		got, err := f.Look(t.Context())
		if n < maxMisses && (err != nil || got.Policy.Digest() != first.Policy.Digest()) || n == maxMisses && !errors.As(err, &unfit) {
			t.Errorf("miss %d: %v", n, err)
		}
	}
	s.status = 0
	if got, err := f.Look(t.Context()); err != nil || got.Policy.Digest() != first.Policy.Digest() {
		t.Errorf("it is back: %v", err)
	}
	if s.sent != 1 {
		t.Errorf("it was sent %d times", s.sent)
	}
}

// TestTheNewestReasonIsTold: while an address does not answer, that is recorded once, and what is said of it is what it did last.
func TestTheNewestReasonIsTold(t *testing.T) {
	b, s, p := newBooks(), newShelf(t), newPen(t, "k1")
	s.data = p.sign(t, denies)
	var log strings.Builder
	r := replica(t, "one", b, fetching(t, s, p))
	r.Log = slog.New(slog.NewTextHandler(&log, nil))
	for n, status := range []int{http.StatusBadGateway, http.StatusNotFound, http.StatusForbidden} {
		s.status = status
		for range 3 * maxMisses {
			looks(t, r)
		}
		if got := r.Status().Refused; got == nil || !strings.Contains(got.Problems[0], fmt.Sprintf("the server answers %d", status)) {
			t.Errorf("it answers %d, and refused is %+v", status, got)
		}
		if got := strings.Count(log.String(), "policy refused"); got != n+1 || r.Counts().Refusals != uint64(n+1) {
			t.Errorf("it answers %d, and that was logged %d times and counted %d times:\n%s", status, got, r.Counts().Refusals, log.String())
		}
	}
	if diff := cmp.Diff([]string{entryInForce, entryRefused}, b.kinds()); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
	s.status = 0
	looks(t, r)
	if got := r.Status().Refused; got != nil {
		t.Errorf("it is back, and refused is %+v", got)
	}
}

// TestOneCauseHasOneText: else the same outage would be told of at every look.
func TestOneCauseHasOneText(t *testing.T) {
	at := func(port int) *net.TCPAddr { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: port} }
	for want, errs := range map[string][]error{
		"read tcp 10.0.0.1:443: connection reset": {
			&net.OpError{Op: "read", Net: "tcp", Source: at(40001), Addr: at(443), Err: errors.New("connection reset")},
			&net.OpError{Op: "read", Net: "tcp", Source: at(40002), Addr: at(443), Err: errors.New("connection reset")}},
		"dial tcp: lookup x on 10.0.0.1:53: read udp 10.0.0.1:53: i/o timeout": {
			&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Name: "x", Server: "10.0.0.1:53", Err: "read udp 10.0.0.2:40001->10.0.0.1:53: i/o timeout"}},
			&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Name: "x", Server: "10.0.0.1:53", Err: "read udp 10.0.0.2:40002->10.0.0.1:53: i/o timeout"}}},
		"x509: certificate has expired or is not yet valid: after 2026-01-01T00:00:00Z": {
			x509.CertificateInvalidError{Reason: x509.Expired, Detail: "current time 2026-01-02T00:00:00Z is after 2026-01-01T00:00:00Z"},
			x509.CertificateInvalidError{Reason: x509.Expired, Detail: "current time 2026-01-02T00:00:30Z is after 2026-01-01T00:00:00Z"}},
	} {
		for _, err := range errs {
			if got := causeOf(&url.Error{Op: "Get", URL: "https://x", Err: err}).Error(); got != want {
				t.Errorf("%v is %q, want %q", err, got, want)
			}
		}
	}
}
