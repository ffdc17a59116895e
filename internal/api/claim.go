package api

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/salvor-io/salvor/classifiers"
	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/internal/timeline"
)

// claim is what a declaration is about, as the view has it.
type claim struct {
	cluster string
	kind    classifiers.Kind
	anchor  classifiers.Anchor
	uid     string
	last    classifiers.DeclaredView // what people said last about it
	stands  bool                     // that stands
	others  []string                 // the others that stand
}

func (c claim) String() string { return strings.TrimSpace(string(c.kind) + " " + c.anchor.Name) }

// declaredName is a name that something in a cluster can have, with what it lies in.
var declaredName = regexp.MustCompile(`^[a-zA-Z0-9]([-a-zA-Z0-9._/]*[a-zA-Z0-9])?$`)

// about finds what is named. What is to be declared has to exist; what is to be taken back need not exist any more.
func (a *API) about(cluster, kind, name string, exists bool) (claim, error) {
	what := strings.TrimSpace("declare " + kind + " " + name)
	if !slices.Contains(a.Clusters, cluster) {
		return claim{}, &Refusal{http.StatusNotFound, what, fmt.Sprintf("no cluster is named %q", cluster), "the configured ones are " + few(a.Clusters)}
	}
	found := claim{cluster: cluster, kind: classifiers.Kind(kind)}
	var err error
	if found.anchor, err = classifiers.ReadAnchor(found.kind, name); err != nil {
		return found, badName(what, err, exists)
	}
	a.View.Ask(func(v *classifiers.View) {
		if exists {
			found.anchor, found.uid, err = a.Declared.Find(v, cluster, found.kind, found.anchor)
		}
		if known, ok := v.Clusters[cluster]; ok && err == nil {
			found.recall(known, v.Now)
		}
	})
	if err != nil {
		return found, &Refusal{http.StatusNotFound, what, err.Error(), "name one that there is; what Salvor does not see yet it cannot recover"}
	}
	return found, nil
}

// badName says what helps where a name cannot be one: what is taken back needs no reason.
func badName(what string, err error, exists bool) error {
	if exists {
		return badDeclaration(err)
	}
	return &Refusal{http.StatusBadRequest, what, err.Error(), "give cluster, kind and name as it was declared: salvor declare --end KIND NAME --cluster CLUSTER"}
}

// recall notes what people have declared of the cluster.
func (c *claim) recall(known *classifiers.Cluster, now time.Time) {
	c.last, _ = known.LastDeclared(c.kind, c.anchor)
	c.stands = c.last.Stands(now)
	for _, d := range known.Standing(now) {
		if d.Evidence != c.last.Evidence {
			c.others = append(c.others, timeline.Declared(d.Declared))
		}
	}
}

// repeated says that the same was declared a moment ago.
func (c claim) repeated(said events.Declared) bool {
	last := c.last
	same := last.By == said.By && last.Subject == said.Subject && last.Reason == said.Reason && last.UID == said.UID && last.Runbook == said.Runbook && last.Since.Sub(said.Since).Abs() < repeatWithin
	return c.stands && same && said.Until.Sub(last.Until).Abs() < repeatWithin
}

// record appends what was said. Its id tells what was said apart from all but the same, said when the same was known: a call that is
// repeated because its answer was lost is recorded once, and one that follows another is not taken for it.
func (a *API) record(r *http.Request, about claim, said events.Declared, now time.Time, length string) (string, error) {
	sum := sha256.New()
	for _, part := range []string{about.last.Evidence, said.UID, said.By, said.Reason, length, fmt.Sprint(said.Ended), said.Runbook, sinceOf(said)} {
		fmt.Fprintf(sum, "%d:%s", len(part), part)
	}
	entity := said.Kind + "/" + said.Anchor + "/" + said.Name
	id := "declared/" + about.cluster + "/" + entity + "/" + hex.EncodeToString(sum.Sum(nil)[:8])
	ev, err := events.New(id, events.TypeDeclared, "/salvor/api", about.cluster, "declared/"+entity, now, said)
	if err != nil {
		return "", err
	}
	if _, err := a.Events.Append(r.Context(), ev); err != nil {
		return "", fmt.Errorf("record what is declared: %w", err)
	}
	return id, nil
}

// sinceOf is when it went wrong as far as it tells declarations apart.
func sinceOf(said events.Declared) string {
	if said.Since.IsZero() {
		return ""
	}
	return said.Since.Format(time.RFC3339)
}

// check says what is wrong with a request whatever there is, or how long the declaration is to stand.
func (asked DeclareRequest) check() (time.Duration, error) {
	length, err := time.ParseDuration(asked.For)
	reason := strings.TrimSpace(asked.Reason)
	switch {
	case err != nil:
		return 0, fmt.Errorf("for is %q, want a duration such as 4h", asked.For)
	case length < minDeclare || length > classifiers.MaxDeclaredFor:
		return 0, fmt.Errorf("for is %s, want between %s and %s", length, minDeclare, classifiers.MaxDeclaredFor)
	case reason == "":
		return 0, errors.New("no reason is given, and whoever is asked has to know why")
	case len([]rune(reason)) > maxReason:
		return 0, fmt.Errorf("the reason has more than %d characters", maxReason)
	case strings.ContainsFunc(reason, unseen):
		return 0, errors.New("the reason has characters that cannot be seen, such as line breaks: give one plain line")
	case asked.Name != "" && (len(asked.Name) > maxNamed || !declaredName.MatchString(asked.Name)):
		return 0, fmt.Errorf("%.80q is no name of anything in a cluster", asked.Name)
	}
	return length, nil
}

// unseen says whether a character steers how text is shown rather than being shown itself.
func unseen(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)
}
