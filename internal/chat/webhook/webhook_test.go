package webhook

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/chat"
	"github.com/salvor-io/salvor/internal/link"
)

var now = time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC)

func asking() card.Card {
	return card.Card{Incident: "0123456789abcdef-1", Name: "inc-7k3d", Seq: 3, Stage: card.Asking, Title: `Recover "node" </b>`, Plan: "4f2a91c0ffee",
		Facts: []card.Fact{{Label: "Broke", Lines: []string{"w1 is silent"}}}, Ask: &card.Ask{Whom: "1 of oncall", Until: now.Add(10 * time.Minute)}}
}

// heard is what a receiver got.
type heard struct {
	header http.Header
	body   []byte
}

func receiver(t *testing.T, status int) (string, chan heard) {
	got := make(chan heard, 8)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(status)
		got <- heard{r.Header, body}
	}))
	t.Cleanup(s.Close)
	return s.URL, got
}

func channel(address, text string) (*Channel, error) {
	opt := Options{Label: "hook", URL: address, Secret: []byte("0123456789abcdef"), Clock: func() time.Time { return now },
		Links: link.Signer{Base: "https://salvor.example", Secret: []byte("fedcba9876543210")}}
	var err error
	if text != "" {
		opt.Template, err = ParseTemplate("hook", text)
	}
	return New(opt), err
}

// TestPost: it is signed, and leads to the page of the plan.
func TestPost(t *testing.T) {
	address, got := receiver(t, http.StatusOK)
	c, _ := channel(address, "")
	if _, err := c.Post(t.Context(), asking()); err != nil {
		t.Fatal(err)
	}
	h := <-got
	if sig := h.header.Get(SignatureHeader); sig != Sign(c.Secret, h.header.Get(TimestampHeader), h.body) || sig == Sign([]byte("other"), h.header.Get(TimestampHeader), h.body) {
		t.Errorf("the signature is %s", sig)
	}
	var p Post
	if err := json.Unmarshal(h.body, &p); err != nil || p.Title != asking().Title || p.Event != "card" {
		t.Fatalf("it is %+v: %v", p, err)
	}
	to, err := url.Parse(p.Link)
	if err != nil {
		t.Fatal(err)
	}
	if plan, err := c.Links.Check("0123456789abcdef-1", to.Query(), now); plan != "4f2a91c0ffee" || err != nil {
		t.Errorf("the link is of plan %q: %v", plan, err)
	}
	if _, err := c.Links.Check("0123456789abcdef-1", to.Query(), now.Add(11*time.Minute)); !errors.Is(err, link.ErrOver) {
		t.Errorf("after the time to answer it is %v", err)
	}
}

// TestTemplate: what it makes of any label is JSON, or it is refused when it is read.
func TestTemplate(t *testing.T) {
	address, got := receiver(t, http.StatusOK)
	c, err := channel(address, `{"text": {{json .Push}}, "title": {{json .Title}}, "facts": [{{range $i, $f := .Facts}}{{if $i}},{{end}}{{json $f.Label}}{{end}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Edit(t.Context(), "", asking()); err != nil {
		t.Fatal(err)
	}
	var out struct {
		Title string
		Facts []string
	}
	if err := json.Unmarshal((<-got).body, &out); err != nil || out.Title != asking().Title || out.Facts[0] != "Broke" {
		t.Errorf("it is %+v: %v", out, err)
	}
	for text, why := range map[string]string{`{"text": "{{.Push}}"}`: "does not make JSON", `{{`: "read the template", `{{json .Nothing}}`: "Nothing", `{{range .Log}}{{json .}}{{end}}`: "does not make JSON"} {
		if _, err := channel(address, text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %s", text, err, why)
		}
	}
}

// TestReceiverRefuses tells a receiver that is away from one that does not take this post.
func TestReceiverRefuses(t *testing.T) {
	for status, after := range map[int]time.Duration{http.StatusServiceUnavailable: 7 * time.Second, http.StatusTooManyRequests: 7 * time.Second, http.StatusBadRequest: 0, http.StatusFound: 0} {
		address, _ := receiver(t, status)
		c, _ := channel(address, "")
		err := c.Tell(t.Context(), "", chat.Aside{Card: asking(), Call: true})
		var away *chat.Unwell
		if is := errors.As(err, &away); err == nil || is != (after > 0) || is && away.After != after {
			t.Errorf("%d: %v", status, err)
		}
	}
	c, _ := channel("http://127.0.0.1:1/T0KEN", "")
	if _, err := c.Post(t.Context(), asking()); err == nil || strings.Contains(err.Error(), "T0KEN") {
		t.Errorf("%v", err)
	}
}
