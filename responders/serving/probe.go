package serving

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

const (
	maxBody      = 64 << 10 // bytes of an answer that are looked through
	maxRedirects = 5
)

// Probe is a web address that is asked whether it answers as expected. It may be used by many goroutines.
type Probe struct {
	name     string
	url      *url.URL
	access   Access
	status   int
	contains string
	client   *http.Client
}

// ProbeOptions describe a probe.
type ProbeOptions struct {
	Access
	Name     string
	Status   int    // that the answer must have
	Contains string // what must be in the first 64 KiB of its body; empty: nothing
}

// NewProbe makes a probe. Nothing is asked yet.
func NewProbe(o ProbeOptions) (*Probe, error) {
	address, err := o.address()
	if err != nil {
		return nil, fmt.Errorf("read the address of probe %s: %w", o.Name, err)
	}
	p := &Probe{name: o.Name, url: address, access: o.Access, status: o.Status, contains: o.Contains}
	p.client = &http.Client{Transport: transport(o.Access), CheckRedirect: p.follow}
	return p, nil
}

// follow lets a redirect pass that stays on the host, unless a redirect is what is expected. Others would be sent the token, or
// answer in the place of what is asked about.
func (p *Probe) follow(to *http.Request, via []*http.Request) error {
	last := via[len(via)-1].URL
	weaker := last.Scheme == "https" && to.URL.Scheme != "https"
	if p.status/100 == 3 || to.URL.Host != p.url.Host || weaker || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}

// Name is the name that it is configured under.
func (p *Probe) Name() string { return p.name }

// String is the address without what could be secret in it.
func (p *Probe) String() string { return shown(p.url) }

// expects says what the answer must be.
func (p *Probe) expects() string {
	if p.contains == "" {
		return strconv.Itoa(p.status)
	}
	return fmt.Sprintf("%d and %s in it", p.status, quoted(p.contains, 60))
}

func (p *Probe) uid() string {
	return uidOf(p.name, p.String(), strconv.Itoa(p.status), p.contains)
}

// Ask asks once, over a new connection. It returns nil when the answer is the expected one, and else an error that says in plain
// words what is wrong, or that of ctx when that has ended.
func (p *Probe) Ask(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, p.access.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(bounded, http.MethodGet, p.url.String(), nil)
	if err != nil {
		return errors.New("its address cannot be asked")
	}
	p.access.sign(request)
	response, err := p.client.Do(request)
	if err == nil {
		defer func() { _ = response.Body.Close() }()
		err = p.judge(response)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return p.plain(err)
}

// unexpected is an answer that is not the expected one, in plain words.
type unexpected string

func (u unexpected) Error() string { return string(u) }

// plain leaves what was said of an answer, and says in words why there is none.
func (p *Probe) plain(err error) error {
	var said unexpected
	if err == nil || errors.As(err, &said) {
		return err
	}
	return errors.New(inWords(err, p.access.Timeout))
}

func (p *Probe) judge(response *http.Response) error {
	if response.StatusCode != p.status {
		return unexpected(fmt.Sprintf("it answers %s, not %d%s", statusOf(response), p.status, elsewhere(response)))
	}
	if p.contains == "" {
		return nil
	}
	var body bytes.Buffer
	if _, err := io.Copy(&body, io.LimitReader(response.Body, maxBody)); err != nil {
		return err
	}
	if !bytes.Contains(body.Bytes(), []byte(p.contains)) {
		return unexpected(fmt.Sprintf("it answers %s, but %s is not in the first 64 KiB of its answer", statusOf(response), quoted(p.contains, 60)))
	}
	return nil
}

// statusOf is the status in words of the standard, and none of the server's.
func statusOf(response *http.Response) string {
	if text := http.StatusText(response.StatusCode); text != "" {
		return fmt.Sprintf("%d %s", response.StatusCode, text)
	}
	return strconv.Itoa(response.StatusCode)
}

// elsewhere says where an answer sends to that was not followed.
func elsewhere(response *http.Response) string {
	to, err := response.Location()
	if err != nil || response.StatusCode/100 != 3 {
		return ""
	}
	return fmt.Sprintf(", and leads to %s, which was not followed", quoted(to.Scheme+"://"+to.Host, 100))
}
