// Package link makes and checks links from chat to the page of an incident.
//
// A link is signed over the incident, the plan and its expiry. What that proves is that Salvor sent somebody to this plan, and when that is
// over. It is no authority: whoever follows a link has to log in, is asked about as that person, and presses a button there. A link that was
// forged, altered, or is over leads to the same page, which says so, so that nobody decides by what a stranger wrote.
package link

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/salvor-io/salvor/internal/incident"
)

// The errors of links that prove nothing.
var (
	ErrForged = errors.New("the link was not made by Salvor, or was altered on its way: look at the address and at what you decide about")
	ErrOver   = errors.New("the time of the link is over: what it was about may have changed")
)

// Lasts is how long a link proves something where nobody is asked.
const Lasts = 24 * time.Hour

// Signer makes and checks links with one secret. The zero value makes links that are not signed, and believes none.
type Signer struct {
	Base   string // external_url
	Secret []byte
}

// To is the address of the page of an incident, for a plan, until a time. Without a plan or a secret it is the plain address.
func (s Signer) To(id incident.ID, plan string, until time.Time) string {
	page := strings.TrimSuffix(s.Base, "/") + "/incidents/" + url.PathEscape(string(id))
	if plan == "" || len(s.Secret) == 0 {
		return page
	}
	exp := strconv.FormatInt(until.Unix(), 10)
	return page + "?" + url.Values{"plan": {plan}, "exp": {exp}, "sig": {s.sign(string(id), plan, exp)}}.Encode()
}

// Check says whether a page that was opened with a query was opened by a link of Salvor's, and for which plan. A query without a signature was
// no such link: the plan is empty and there is no error. It changes nothing and may be asked any number of times.
func (s Signer) Check(id incident.ID, query url.Values, now time.Time) (plan string, err error) {
	if !query.Has("sig") {
		return "", nil
	}
	plan, exp := query.Get("plan"), query.Get("exp")
	until, err := strconv.ParseInt(exp, 10, 64)
	if err != nil || len(s.Secret) == 0 || !hmac.Equal([]byte(query.Get("sig")), []byte(s.sign(string(id), plan, exp))) {
		return "", ErrForged
	}
	if now.Unix() >= until {
		return "", fmt.Errorf("%w (%s)", ErrOver, time.Unix(until, 0).UTC().Format("2006-01-02 15:04 UTC"))
	}
	return plan, nil
}

func (s Signer) sign(parts ...string) string {
	mac := hmac.New(sha256.New, s.Secret)
	_, _ = mac.Write([]byte("salvor link\x00" + strings.Join(parts, "\x00")))
	return hex.EncodeToString(mac.Sum(nil))
}
