package serving

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Access says how an address is asked.
type Access struct {
	URL     string
	Token   string        // sent as a bearer token; empty sends none
	Timeout time.Duration // of one request, its answer included
	TLS     *tls.Config   // nil trusts the system's authorities
}

// address checks and reads the URL. A password in it would be shown in plans.
func (a Access) address() (*url.URL, error) {
	u, err := url.Parse(a.URL)
	switch {
	case err != nil:
		return nil, errors.New("it is no address")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("it must begin with http:// or https://")
	case u.Hostname() == "":
		return nil, errors.New("it names no host")
	case u.User != nil || u.Fragment != "":
		return nil, errors.New("it must have no user and no fragment")
	case a.Timeout <= 0:
		return nil, errors.New("its timeout must be more than 0")
	}
	return u, nil
}

// sign says who asks.
func (a Access) sign(request *http.Request) {
	request.Header.Set("User-Agent", "salvor")
	if a.Token != "" {
		request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(a.Token))
	}
}

// shown is an address fit to be stored and read: the values of its query may be secrets.
func shown(u *url.URL) string {
	masked := *u
	var query []string
	for name := range u.Query() {
		query = append(query, url.QueryEscape(name)+"=...")
	}
	slices.Sort(query)
	masked.RawQuery = strings.Join(query, "&")
	return masked.String()
}

// quoted is text of others, fit for one line.
func quoted(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "..."
	}
	return fmt.Sprintf("%q", text)
}
