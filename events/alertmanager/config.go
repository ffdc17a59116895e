package alertmanager

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"unicode"
)

// Route is what [Route.YAML] needs to know.
type Route struct {
	URL             string // where Salvor takes webhooks; http or https
	Receiver        string // name for the receiver
	CredentialsFile string // path, on Alertmanager's machine, of the file that holds the bearer token
	Cluster         string // send only alerts of this cluster and those that name none; "" sends all
	ClusterLabel    string // label that names an alert's cluster; needed with Cluster
}

// YAML renders the part of an Alertmanager configuration that sends alerts to Salvor: a receiver, and the routes to put
// above the present ones. Merged as its comments say, every alert reaches exactly the receivers that it reached before,
// and Salvor.
func (r Route) YAML() (string, error) {
	if err := r.check(); err != nil {
		return "", fmt.Errorf("render alertmanager configuration: %w", err)
	}
	page, err := template.New("config").Funcs(template.FuncMap{"quote": quote}).Parse(configText)
	if err != nil {
		return "", fmt.Errorf("parse alertmanager configuration: %w", err)
	}
	var out strings.Builder
	if err := page.Execute(&out, r); err != nil {
		return "", fmt.Errorf("render alertmanager configuration: %w", err)
	}
	return out.String(), nil
}

// Matchers says which alerts are sent, in the syntax of Alertmanager.
func (r Route) Matchers() []string {
	matchers := []string{`alertname!~"Salvor.*"`}
	if r.Cluster != "" {
		matchers = append(matchers, r.ClusterLabel+"=~"+strconv.Quote("("+regexp.QuoteMeta(r.Cluster)+")?"))
	}
	return matchers
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func (r Route) check() error {
	for _, field := range []struct{ name, value string }{
		{"url", r.URL}, {"receiver", r.Receiver}, {"credentials file", r.CredentialsFile},
	} {
		if field.value == "" {
			return fmt.Errorf("%s is empty", field.name)
		}
	}
	for _, text := range []string{r.URL, r.Receiver, r.CredentialsFile, r.Cluster} {
		if strings.ContainsFunc(text, unicode.IsControl) {
			return fmt.Errorf("%q holds a control character", text)
		}
	}
	if r.Cluster != "" && !labelName.MatchString(r.ClusterLabel) {
		return fmt.Errorf("cluster label %q is not a label name", r.ClusterLabel)
	}
	return checkURL(r.URL)
}

func checkURL(text string) error {
	target, err := url.Parse(text)
	switch {
	case err != nil:
		return fmt.Errorf("url: %w", err)
	case target.Scheme != "http" && target.Scheme != "https", target.Host == "":
		return fmt.Errorf("url %q is not an http or https address", text)
	case target.User != nil:
		return errors.New("url holds a password: a credentials file is for that")
	case strings.Contains(text, "{{"):
		return fmt.Errorf("url %q would be read as a template by alertmanager", text)
	}
	return nil
}

// quote renders text as a YAML string. It holds no control character.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

const configText = `# Alertmanager sends its alerts to Salvor, and everybody who was paged before is still paged.
# Merge both parts into alertmanager.yml, then: amtool check-config alertmanager.yml
#
# Do not list Salvor under Prometheus' own 'alerting:'. A slow endpoint there delays the alerts of everybody.
# The AlertmanagerConfig resource of the Prometheus operator adds a namespace matcher, which keeps alerts about nodes
# out: use the Alertmanager's own configuration.

route:
  # Put these two routes above all others under 'routes:' of your top route. The rest of your top route stays as it is.
  routes:
    - receiver: {{quote .Receiver}}
      # Go on to the next route: without this line nobody else would hear of the alert.
      continue: true
      matchers:
{{- range .Matchers}}
        - {{quote .}}
{{- end}}
      # The first matcher keeps out the alerts that Salvor itself raises.{{if .Cluster}} The second takes alerts of
      # this cluster, and those that name no cluster.{{end}}
      # One alert a post: a large outage makes many small posts, none too large, and a bad alert costs only itself.
      group_by: ['...']
      # At once: Salvor waits by itself until a fault is confirmed.
      group_wait: 0s
      # How soon a resolved alert is told, and how soon a post that failed is tried again.
      group_interval: 30s
      # An alert that goes on firing is told again; Salvor counts it once.
      repeat_interval: 5m
      routes:
        # The dead man's switch of Prometheus is a heartbeat: it is told each minute, so that it is missed soon.
        - matchers:
            - 'alertname="Watchdog"'
          group_interval: 10s
          repeat_interval: 1m

    # Move the routes you have now below this one, unchanged. It matches whatever they do not and then uses the receiver
    # of your top route, which Alertmanager itself would no longer do once the route above has matched.
    - continue: true
      routes:

receivers:
  - name: {{quote .Receiver}}
    webhook_configs:
      - url: {{quote .URL}}
        # Salvor has to hear when an alert ends, too.
        send_resolved: true
        # Leave no alert out: incomplete facts keep Salvor from acting on a zone or a region.
        max_alerts: 0
        http_config:
          authorization:
            type: Bearer
            # The token of a credential in salvor.yaml. A file, so that the token is not in this one.
            credentials_file: {{quote .CredentialsFile}}
`
