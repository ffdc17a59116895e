package volume

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/salvor-io/salvor/responders"
)

// token stands in names and labels for a step of an incident, and for what it is about: steps of several runbooks may share a name.
func token(env responders.Env, about ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{env.Incident, env.Step}, about...), "\x00")))
	return hex.EncodeToString(sum[:6])
}

// longest is how long the name of an object may be.
const longest = 253

// beside is the name of what a step makes beside a claim: the claim's, with the token behind it. Of a name that would be too long the end is
// left out.
func beside(claim, token string) string {
	behind := "-salvor-" + token
	return strings.TrimRight(claim[:min(len(claim), longest-len(behind))], "-.") + behind
}

var (
	namespaceName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	objectName    = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)
)

// named checks an argument that is the name of one object: neither empty nor a wildcard.
func named(responder, argument, value string, form *regexp.Regexp) error {
	if form.MatchString(value) {
		return nil
	}
	return fmt.Errorf("%s: the argument %q must be the name of one object, not %q", responder, argument, value)
}
