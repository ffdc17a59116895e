// Package webhook posts cards as JSON to an address, for chats without an adapter.
//
// Each post is signed: Salvor-Timestamp is when it was sent, in seconds, and Salvor-Signature is "v1=" and the HMAC-SHA256, in hex, of the
// timestamp, a dot and the body. A receiver checks it, refuses what is older than five minutes, and shows an incident once: a later post of the
// same incident with a higher seq replaces it. A post may come twice. Nothing can be decided by a webhook: each post carries a link to the page
// where one logs in and decides.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"text/template"
	"time"

	"github.com/salvor-io/salvor/internal/card"
	"github.com/salvor-io/salvor/internal/chat"
	"github.com/salvor-io/salvor/internal/incident"
	"github.com/salvor-io/salvor/internal/link"
)

// The headers that sign a post.
const (
	TimestampHeader = "Salvor-Timestamp"
	SignatureHeader = "Salvor-Signature"
)

// Options are the parts of a Channel.
type Options struct {
	Label    string // the name in the configuration
	URL      string
	Secret   []byte
	Template *template.Template // nil: the post is a Post
	Links    link.Signer
	Clock    func() time.Time
}

// Channel is one address.
type Channel struct {
	Options
	client *http.Client
}

// New makes a channel. It calls nobody.
func New(opt Options) *Channel {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Channel{Options: opt, client: &http.Client{Timeout: 10 * time.Second, CheckRedirect: stay}}
}

// Name is unique among channels of all chats.
func (c *Channel) Name() string { return "webhook:" + c.Label }

// Post is what is posted, and what templates are given.
type Post struct {
	Event    string    `json:"event"`    // "card": the incident stands so now; "log": this has happened; "call": people are called
	Incident string    `json:"incident"` // its id
	Name     string    `json:"name"`
	Seq      uint64    `json:"seq"` // of two posts of an incident the one with the higher is newer
	Stage    string    `json:"stage"`
	Title    string    `json:"title"`
	Cluster  string    `json:"cluster"`
	Severity string    `json:"severity,omitempty"`
	State    string    `json:"state"`
	Push     string    `json:"push"`
	Facts    []Fact    `json:"facts"`
	Steps    []Step    `json:"steps"`
	Whom     string    `json:"whom,omitempty"`
	Groups   []string  `json:"groups,omitempty"`
	Lacks    int       `json:"lacks,omitempty"`
	Worse    []string  `json:"worse,omitempty"`
	Until    time.Time `json:"until,omitzero"`
	Plan     string    `json:"plan,omitempty"`
	Command  string    `json:"command"`
	Link     string    `json:"link"` // to the page where one decides
	Log      []string  `json:"log,omitempty"`
}

// Fact is one row.
type Fact struct {
	Label string   `json:"label"`
	Lines []string `json:"lines"`
	Grave bool     `json:"grave,omitempty"`
}

// Step is one step of the plan.
type Step struct {
	Text  string `json:"text"`
	State string `json:"state"`
	Note  string `json:"note,omitempty"`
}

// Post posts the card. The incident's id is how the receiver finds it again.
func (c *Channel) Post(ctx context.Context, shown card.Card) (string, error) {
	return string(shown.Incident), c.send(ctx, c.post("card", shown))
}

// Edit posts the card again, as it is now.
func (c *Channel) Edit(ctx context.Context, _ string, shown card.Card) error {
	return c.send(ctx, c.post("card", shown))
}

// Tell posts what has happened, or that people are called.
func (c *Channel) Tell(ctx context.Context, _ string, a chat.Aside) error {
	p := c.post("log", a.Card)
	if a.Call {
		p.Event = "call"
	}
	for _, l := range a.Lines {
		p.Log = append(p.Log, l.At.UTC().Format("15:04:05 ")+l.Text)
	}
	return c.send(ctx, p)
}

// Find finds nothing: a receiver knows by the incident's id that it shows it already.
func (c *Channel) Find(context.Context, incident.ID, time.Time) (string, error) { return "", nil }

// Check says why nothing can be posted. Nothing is, so that only the address is looked at.
func (c *Channel) Check(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, c.URL, nil)
	if err != nil {
		return fmt.Errorf("reach the webhook: %w", bare(err))
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return fmt.Errorf("reach the webhook: %w", bare(err))
	}
	return resp.Body.Close()
}

func (c *Channel) post(event string, s card.Card) Post {
	p := Post{Event: event, Incident: string(s.Incident), Name: s.Name, Seq: s.Seq, Stage: string(s.Stage), Title: s.Title, Cluster: s.Cluster, Severity: s.Severity,
		State: s.State, Push: s.Push, Plan: s.Plan, Command: s.Command, Facts: []Fact{}, Steps: []Step{}}
	for _, f := range s.Facts {
		p.Facts = append(p.Facts, Fact(f))
	}
	for _, step := range s.Steps {
		p.Steps = append(p.Steps, Step{step.Text, string(step.State), step.Note})
	}
	until := c.Clock().Add(link.Lasts)
	if a := s.Ask; a != nil {
		p.Whom, p.Groups, p.Lacks, p.Worse, p.Until, until = a.Whom, a.Groups, a.Lacks, a.Worse, a.Until, a.Until
	}
	p.Link = c.Links.To(s.Incident, s.Plan, until)
	return p
}

// render is the body of a post.
func (c *Channel) render(p Post) ([]byte, error) {
	if c.Template == nil {
		return json.Marshal(p)
	}
	var out bytes.Buffer
	if err := c.Template.Execute(&bounded{&out}, p); err != nil {
		return nil, fmt.Errorf("fill in the template of webhook %s: %w", c.Label, err)
	}
	if !json.Valid(out.Bytes()) {
		return nil, fmt.Errorf("the template of webhook %s does not make JSON of this incident: put each value in with json, as in {{json .Title}}", c.Label)
	}
	return out.Bytes(), nil
}

func (c *Channel) send(ctx context.Context, p Post) error {
	body, err := c.render(p)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return bare(err)
	}
	stamp := strconv.FormatInt(c.Clock().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(TimestampHeader, stamp)
	req.Header.Set(SignatureHeader, Sign(c.Secret, stamp, body))
	resp, err := c.client.Do(req)
	if err != nil {
		return &chat.Unwell{Err: bare(err)}
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 512)) // only for the error
	return answered(resp, said)
}

// answered tells what is about one post from what is about the receiver.
func answered(resp *http.Response, said []byte) error {
	err := fmt.Errorf("the webhook answers %s: %q", resp.Status, said)
	switch {
	case resp.StatusCode/100 == 2:
		return nil
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode >= 500:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return &chat.Unwell{Err: err, After: min(time.Duration(max(0, seconds))*time.Second, time.Hour)}
	}
	return err
}

// bare is an error without the address, which may hold a secret.
func bare(err error) error {
	var cut *url.Error
	if errors.As(err, &cut) {
		return cut.Err
	}
	return err
}

// Sign is the signature of a body that is sent at a time, in seconds.
func Sign(secret []byte, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write([]byte(stamp + "."))
	_, _ = mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}
