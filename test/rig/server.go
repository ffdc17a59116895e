package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"text/template"
	"time"

	"github.com/salvor-io/salvor/internal/api"
)

// Settings are what a server's salvor.yaml says. The zero value watches the rig's cluster, may act on it, has its power
// switch, and is quick: times are those of a demonstration.
type Settings struct {
	Name     string        // of the replica and of its folder; "salvor" when empty
	Address  string        // the rig's when empty
	NATS     string        // URL of an external NATS; empty embeds one
	DataDir  string        // empty: one of the rig's
	Mode     string        // for faults of kind node; act when empty
	Zone     string        // the mode for faults of kind zone; observe when empty
	Data     string        // the mode for faults of kinds data and config; observe when empty
	Slack    *Workspace    // where people are asked; nil: no chat
	Witness  []string      // names of the witnesses whose reports are taken, see Rig.Witness
	Others   []string      // people beside alice, operators in no group but one of their own name
	OnCall   []string      // people beside alice who are on call, as she is
	NoPower  bool          // no power switch is configured
	Stale    time.Duration // without a renewal, until a Lease is stale; 25 s when zero
	Confirm  time.Duration
	Healthy  time.Duration
	Retry    time.Duration
	Patience time.Duration // of the power switch
	Extra    string        // more YAML, whole top-level keys
}

// Server is one salvor process.
type Server struct {
	Settings
	Config string // path of its salvor.yaml
	rig    *Rig
	cmd    *exec.Cmd
	log    *os.File
	ended  <-chan error
	gone   error // how it ended
}

const configuration = `data_dir: {{.DataDir}}
external_url: http://{{.Address}}
listen: {address: {{.Address}}, socket: {{.DataDir}}/salvor.sock}
{{if .NATS}}nats: {url: {{.NATS}}}
{{end}}clusters:
  - name: {{.Cluster}}
    environment: demo
    region: eu-west-1
    observe: {kubeconfig: {{.Observe}}}
    act: {kubeconfig: {{.Act}}}
    modes: {node: {{.Mode}}, zone: {{.Zone}}, data: {{.Data}}, config: {{.Data}}}
    lease_stale_after: {{.Stale}}
{{if not .NoPower}}    power: {http: {url: "{{.PowerURL}}/nodes/{node}", token_file: {{.PowerToken}}, timeout: {{.Patience}}}}
{{end}}{{with .Standby}}  - name: {{.Name}}
    environment: demo
    region: eu-central-1
    observe: {kubeconfig: {{.Observe}}}
    act: {kubeconfig: {{.Act}}}
    modes: {node: observe, zone: observe, data: {{$.Data}}}
{{end}}intakes:
  - {name: alertmanager, token_file: {{.Hook}}, clusters: [{{.Cluster}}]}
{{range .Witness}}  - {name: {{.}}, witness: {{.}}, token_file: {{$.Dir}}/{{.}}.token, clusters: [{{$.Cluster}}]}
{{end -}}
people:
  - name: alice
    role: admin
    groups: [sre-oncall]
    token_file: {{.Token}}
{{with .Slack}}    slack: {workspace: {{.Workspace}}, user: {{$.Alice}}}
{{end}}{{range .Others}}  - {name: {{.}}, role: operator, groups: [{{.}}], token_file: {{$.Dir}}/{{.}}.token}
{{end}}{{range .OnCall}}  - {name: {{.}}, role: operator, groups: [sre-oncall], token_file: {{$.Dir}}/{{.}}.token}
{{end -}}
times: {confirm: {{.Confirm}}, healthy: {{.Healthy}}, retry: {{.Retry}}}
alertmanagers:{{range .Alertmanagers}}
  - {url: {{.}}}{{else}} []{{end}}
{{with .Slack}}chat:
  slack: {workspace: {{.Workspace}}, bot_token_file: {{$.Dir}}/slack-bot.token, app_token_file: {{$.Dir}}/slack-app.token, mode: socket, api_url: "{{.URL}}", groups: {sre-oncall: {{$.Oncall}}}}
  channels: [{to: "slack:{{$.Channel}}"}]
{{end}}log: {level: debug}
{{.Extra}}
`

func (s Settings) withDefaults(r *Rig) Settings {
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	last := func(field *time.Duration, value time.Duration) {
		if *field == 0 {
			*field = value
		}
	}
	set(&s.Name, "salvor")
	set(&s.Address, r.Address)
	set(&s.DataDir, filepath.Join(r.Dir, s.Name))
	set(&s.Mode, "act")
	set(&s.Zone, "observe")
	set(&s.Data, "observe")
	last(&s.Stale, 25*time.Second)
	last(&s.Confirm, 12*time.Second)
	last(&s.Healthy, 15*time.Second)
	last(&s.Retry, 5*time.Second)
	last(&s.Patience, 5*time.Second)
	return s
}

// Serve writes a salvor.yaml and starts a server with it. It does not wait until the server is ready.
func (r *Rig) Serve(settings Settings) (*Server, error) {
	s := &Server{Settings: settings.withDefaults(r), rig: r}
	s.Config = filepath.Join(r.Dir, s.Name+".yaml")
	powerToken := filepath.Join(r.Dir, "power-token")
	if err := os.WriteFile(powerToken, []byte(r.Stack.PowerToken()), 0o600); err != nil {
		return nil, fmt.Errorf("write the power switch's token: %w", err)
	}
	for _, name := range slices.Concat(s.Others, s.OnCall, s.Witness) {
		if _, err := r.token(name + ".token"); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	err := template.Must(template.New("salvor.yaml").Parse(configuration)).Execute(&out, map[string]any{
		"Dir": r.Dir, "Witness": s.Witness, "Others": s.Others, "OnCall": s.OnCall, "DataDir": s.DataDir, "Address": s.Address, "NATS": s.NATS, "Cluster": Cluster, "Mode": s.Mode, "Zone": s.Zone, "Data": s.Data, "Standby": r.standby(), "Slack": s.Slack, "Alice": Alice, "Oncall": Oncall, "Channel": Channel, "NoPower": s.NoPower,
		"Observe": r.Stack.Kubeconfig("salvor-observe"), "Act": r.Stack.Kubeconfig("salvor-act"), "PowerURL": r.Stack.PowerURL(),
		"PowerToken": powerToken, "Token": filepath.Join(r.Dir, "token"), "Hook": filepath.Join(r.Dir, "hook-token"), "Stale": s.Stale, "Confirm": s.Confirm, "Healthy": s.Healthy, "Retry": s.Retry,
		"Patience": s.Patience, "Alertmanagers": r.Stack.AlertmanagerURLs(), "Extra": s.Extra,
	})
	if err != nil {
		return nil, fmt.Errorf("render salvor.yaml: %w", err)
	}
	if err := os.WriteFile(s.Config, out.Bytes(), 0o600); err != nil {
		return nil, fmt.Errorf("write salvor.yaml: %w", err)
	}
	return s, s.Start()
}

// Start starts the process, again after it ended.
func (s *Server) Start() (err error) {
	if s.log, err = os.OpenFile(s.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return fmt.Errorf("open the log of %s: %w", s.Name, err)
	}
	s.cmd = exec.Command(s.rig.binary, "serve", "--config", s.Config, "--replica", s.Name)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if s.ended, err = startTied(s.cmd); err != nil {
		_ = s.log.Close()
		return fmt.Errorf("start %s: %w", s.Name, err)
	}
	return nil
}

// LogFile is where the process writes.
func (s *Server) LogFile() string { return filepath.Join(s.rig.Dir, s.Name+".log") }

// Kill ends the process with no goodbye and waits until it is gone.
func (s *Server) Kill() error { return s.end(syscall.SIGKILL, 10*time.Second) }

// Stop asks the process to end and waits for it; it must end well. One that was killed is left alone.
func (s *Server) Stop() error {
	if s.ended == nil {
		return nil
	}
	if err := s.end(syscall.SIGTERM, 20*time.Second); err != nil {
		return err
	}
	if s.gone != nil {
		return fmt.Errorf("%s ended badly: %w", s.Name, s.gone)
	}
	return nil
}

// Freeze stops the process where it stands; Thaw lets it go on.
func (s *Server) Freeze() error { return s.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw lets a frozen process go on.
func (s *Server) Thaw() error { return s.cmd.Process.Signal(syscall.SIGCONT) }

func (s *Server) end(signal syscall.Signal, within time.Duration) error {
	if s.ended == nil {
		return nil
	}
	if err := s.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", s.Name, err)
	}
	select {
	case s.gone = <-s.ended:
		s.ended = nil
		return s.log.Close()
	case <-time.After(within):
		_ = s.cmd.Process.Kill()
		s.gone = <-s.ended
		s.ended = nil
		return fmt.Errorf("%s did not end within %s after %s", s.Name, within, signal)
	}
}

// URL is the address of the server's API.
func (s *Server) URL(path string) string { return "http://" + s.Address + path }

// Ready says whether the server answers /readyz with 200 now.
func (s *Server) Ready(ctx context.Context) bool {
	status, _, err := s.ask(ctx, "/readyz")
	return err == nil && status == http.StatusOK
}

// Incidents are all incidents, ended ones too, the oldest first.
func (s *Server) Incidents(ctx context.Context) ([]api.Summary, error) {
	var list []api.Summary
	return list, s.fetch(ctx, "/v1/incidents?all=true", &list)
}

// Incident is one incident with its history.
func (s *Server) Incident(ctx context.Context, id string) (api.Incident, error) {
	var inc api.Incident
	return inc, s.fetch(ctx, "/v1/incidents/"+id, &inc)
}

// Metrics is what /metrics says.
func (s *Server) Metrics(ctx context.Context) (string, error) {
	_, body, err := s.ask(ctx, "/metrics")
	return string(body), err
}

// Fetch is what the server answers for a path of its API, to the admin.
func (s *Server) Fetch(ctx context.Context, path string) (string, error) {
	status, body, err := s.ask(ctx, path)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("ask %s for %s: %d", s.Name, path, status)
	}
	return string(body), err
}

func (s *Server) fetch(ctx context.Context, path string, into any) error {
	status, body, err := s.ask(ctx, path)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("ask %s for %s: %d: %s", s.Name, path, status, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("read what %s answers for %s: %w", s.Name, path, err)
	}
	return nil
}

func (s *Server) ask(ctx context.Context, path string) (int, []byte, error) {
	return s.send(ctx, http.MethodGet, path, nil)
}

// Call makes one call of the API as alice, the admin, over a connection that stays open. A body and an answer are JSON, or nil.
func (s *Server) Call(ctx context.Context, method, path string, body, answer any) error {
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			return fmt.Errorf("render the body of %s: %w", path, err)
		}
	}
	status, got, err := s.send(ctx, method, path, sent)
	switch {
	case err != nil:
		return err
	case status/100 != 2:
		return fmt.Errorf("%s %s of %s: %d: %s", method, path, s.Name, status, got)
	case answer == nil:
		return nil
	}
	if err := json.Unmarshal(got, answer); err != nil {
		return fmt.Errorf("read what %s answers for %s: %w", s.Name, path, err)
	}
	return nil
}

func (s *Server) send(ctx context.Context, method, path string, sent []byte) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.URL(path), bytes.NewReader(sent))
	if err != nil {
		return 0, nil, fmt.Errorf("ask %s: %w", s.Name, err)
	}
	req.Header.Set("Authorization", "Bearer "+s.rig.Token)
	if len(sent) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("ask %s: %w", s.Name, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	return resp.StatusCode, body, err
}

// CLI runs the salvor command against the server, as alice, the admin.
func (s *Server) CLI(ctx context.Context, args ...string) (stdout string, err error) {
	return s.cli(ctx, "token", args)
}

// As runs the salvor command as one of Others or OnCall.
func (s *Server) As(ctx context.Context, name string, args ...string) (stdout string, err error) {
	return s.cli(ctx, name+".token", args)
}

// Alone runs a salvor command that asks no server.
func (r *Rig) Alone(ctx context.Context, args ...string) (stdout string, err error) {
	out, err := exec.CommandContext(ctx, r.binary, args...).Output()
	if err != nil {
		return string(out), fmt.Errorf("salvor %v: %w: %s", args, err, stderrOf(err))
	}
	return string(out), nil
}

func (s *Server) cli(ctx context.Context, token string, args []string) (stdout string, err error) {
	return s.rig.Alone(ctx, append(args, "--server", "http://"+s.Address, "--token-file", filepath.Join(s.rig.Dir, token))...)
}
