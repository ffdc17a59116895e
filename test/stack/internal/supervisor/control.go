package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/test/stack/internal/control"
)

// act does one thing a request asks for.
type act func(ctx context.Context, r *http.Request) error

// controlHandler is the server through which the owner breaks and mends things.
func (s *Supervisor) controlHandler() http.Handler {
	mux := http.NewServeMux()
	for pattern, do := range map[string]act{
		"POST /nodes/{name}/fail":   func(ctx context.Context, r *http.Request) error { return s.fleet.failNode(ctx, r.PathValue("name")) },
		"POST /nodes/{name}/heal":   s.healNode,
		"PUT /nodes/{name}/switch":  s.setSwitch,
		"POST /domains/{name}/fail": func(ctx context.Context, r *http.Request) error { return s.fleet.failDomain(ctx, r.PathValue("name")) },
		"POST /domains/{name}/heal": s.healDomain,
		"POST /apiserver/stop":      func(ctx context.Context, _ *http.Request) error { return s.stopAPIServer(ctx) },
		"POST /apiserver/start":     func(ctx context.Context, _ *http.Request) error { return s.startAPIServer(ctx) },
		"PUT /alertmanager/config":  s.setAlertmanagerConfig,
		"PUT /storage/mood":         s.setMood,
		"POST /velero/stop":         s.veleroAct(s.stopVelero),
		"POST /velero/start":        s.veleroAct(s.runVelero),
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { perform(w, r, do) })
	}
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, s.status()) })
	return mux
}

func perform(w http.ResponseWriter, r *http.Request, do act) {
	ctx, cancel := context.WithTimeout(r.Context(), startLimit)
	defer cancel()
	err := do(ctx, r)
	switch {
	case err == nil:
		answer(w, http.StatusOK, struct{}{})
	case errors.Is(err, errUnknown):
		answerError(w, http.StatusNotFound, err.Error())
	default:
		answerError(w, http.StatusInternalServerError, err.Error())
	}
}

// healNode lets a node return. Like a kubelet that starts, it registers anew if its object is gone; without an API server
// to register at, the node returns all the same.
func (s *Supervisor) healNode(ctx context.Context, r *http.Request) error {
	name := r.PathValue("name")
	if err := s.fleet.healNode(name); err != nil {
		return err
	}
	return s.registerIfServed(ctx, []string{name})
}

func (s *Supervisor) healDomain(ctx context.Context, r *http.Request) error {
	name := r.PathValue("name")
	if err := s.fleet.healDomain(name); err != nil {
		return err
	}
	return s.registerIfServed(ctx, s.fleet.members(name))
}

func (s *Supervisor) registerIfServed(ctx context.Context, nodes []string) error {
	server := s.servers.find(s.plane.apiServer().Name)
	if server == nil || !server.Running() {
		return nil
	}
	return s.register(ctx, nodes)
}

func (s *Supervisor) setSwitch(_ context.Context, r *http.Request) error {
	var behaviour control.Switch
	if err := json.NewDecoder(r.Body).Decode(&behaviour); err != nil {
		return err
	}
	return s.fleet.setSwitch(r.PathValue("name"), behaviour)
}

func (s *Supervisor) setAlertmanagerConfig(ctx context.Context, r *http.Request) error {
	var config string
	if err := json.NewDecoder(r.Body).Decode(&config); err != nil {
		return err
	}
	return s.alerting.reconfigure(ctx, config)
}

// status returns what runs, by name.
func (s *Supervisor) status() control.Status {
	status := control.Status{Nodes: s.fleet.status()}
	for _, p := range append(s.servers.all(), s.fleet.processes()...) {
		status.Processes = append(status.Processes, control.ProcessStatus{
			Name: p.Name, PID: p.PID(), Running: p.Running(), RSS: p.RSS(),
		})
	}
	slices.SortFunc(status.Processes, func(a, b control.ProcessStatus) int { return strings.Compare(a.Name, b.Name) })
	return status
}
