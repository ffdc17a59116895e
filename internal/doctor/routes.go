package doctor

import (
	"errors"
	"fmt"
	"strings"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"go.yaml.in/yaml/v3"

	"github.com/salvor-io/salvor/internal/ingest"
)

// routes is how an Alertmanager routes alerts, by its own code: as it is, and as it would be without Salvor.
type routes struct {
	with, without *dispatch.Route // without is nil when nothing would be left
	ours          map[string]bool // the receivers that are Salvor's
	idle          bool            // the second route of the snippet is there, and the routes that should be below it are beside it
}

// readRoutes reads the configuration as Alertmanager shows it, in which secrets are hidden. Only the routes and the names of
// receivers are read, so that what a newer Alertmanager knows of receivers is in nobody's way.
func readRoutes(text string) (r routes, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("read its routes: %v", cause)
		}
	}()
	var doc struct {
		Route     *config.Route `yaml:"route"`
		Receivers []receiver    `yaml:"receivers"`
	}
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return routes{}, fmt.Errorf("read its configuration: %w", err)
	}
	if doc.Route == nil {
		return routes{}, errors.New("it does not show its routes")
	}
	r.ours = map[string]bool{}
	for _, to := range doc.Receivers {
		if to.isSalvor() {
			r.ours[to.Name] = true
		}
	}
	r.with = dispatch.NewRoute(doc.Route, nil)
	if rest := r.strip(doc.Route, ""); rest != nil {
		r.without = dispatch.NewRoute(rest, nil)
	}
	r.idle = isIdle(doc.Route.Routes)
	return r, nil
}

// receiver is what tells whose a receiver is. The address of a webhook is a secret to newer Alertmanagers.
type receiver struct {
	Name     string `yaml:"name"`
	Webhooks []struct {
		URL string `yaml:"url"`
	} `yaml:"webhook_configs"`
}

func (r receiver) isSalvor() bool {
	if len(r.Webhooks) > 0 && strings.Contains(strings.ToLower(r.Name), "salvor") {
		return true
	}
	for _, hook := range r.Webhooks {
		if strings.Contains(hook.URL, ingest.AlertmanagerPath) {
			return true
		}
	}
	return false
}

// strip copies a route without those that lead to Salvor alone; nil when nothing is left.
func (r routes) strip(route *config.Route, inherited string) *config.Route {
	if route.Receiver != "" {
		inherited = route.Receiver
	}
	kept := *route
	kept.Routes = nil
	for _, child := range route.Routes {
		if c := r.strip(child, inherited); c != nil {
			kept.Routes = append(kept.Routes, c)
		}
	}
	if r.ours[inherited] && len(kept.Routes) == 0 {
		return nil
	}
	return &kept
}

// isIdle says that a route which matches everything and leads nowhere else stands before others.
func isIdle(list []*config.Route) bool {
	for i, r := range list {
		if r.Continue && r.Receiver == "" && len(r.Match)+len(r.MatchRE)+len(r.Matchers)+len(r.Routes) == 0 && i < len(list)-1 {
			return true
		}
	}
	return false
}
