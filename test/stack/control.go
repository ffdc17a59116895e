package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/salvor-io/salvor/test/stack/internal/control"
)

// Switch is how a node's power switch behaves; see the modes.
type Switch = control.Switch

// The modes of a Switch.
const (
	SwitchWorks   = control.SwitchWorks
	SwitchRefuses = control.SwitchRefuses
	SwitchHangs   = control.SwitchHangs
	SwitchMute    = control.SwitchMute
	SwitchLies    = control.SwitchLies
	SwitchAbsent  = control.SwitchAbsent
)

// Status is what runs at this moment.
type Status = control.Status

// FailNode kills the process of the node's failure domain without a goodbye. The node's power stays on: whether the
// machine still runs, nobody can tell from outside. It returns when the process is gone.
func (s *Stack) FailNode(ctx context.Context, name string) error {
	return s.ask(ctx, http.MethodPost, "/nodes/"+url.PathEscape(name)+"/fail", nil, nil)
}

// HealNode starts the process of the node's failure domain, if it is dead, switches the node's power on, and registers the
// node anew if its object was deleted.
func (s *Stack) HealNode(ctx context.Context, name string) error {
	return s.ask(ctx, http.MethodPost, "/nodes/"+url.PathEscape(name)+"/heal", nil, nil)
}

// FailDomain kills the process of a failure domain, and so fails all nodes in it.
func (s *Stack) FailDomain(ctx context.Context, name string) error {
	return s.ask(ctx, http.MethodPost, "/domains/"+url.PathEscape(name)+"/fail", nil, nil)
}

// HealDomain does for all nodes of a failure domain what HealNode does for one.
func (s *Stack) HealDomain(ctx context.Context, name string) error {
	return s.ask(ctx, http.MethodPost, "/domains/"+url.PathEscape(name)+"/heal", nil, nil)
}

// SetSwitch makes the power switch of a node behave as told. Every switch works at first.
func (s *Stack) SetSwitch(ctx context.Context, node string, behaviour Switch) error {
	return s.ask(ctx, http.MethodPut, "/nodes/"+url.PathEscape(node)+"/switch", behaviour, nil)
}

// StopAPIServer kills the API server, which blinds all who watch through it. Nodes live on and cannot say so.
func (s *Stack) StopAPIServer(ctx context.Context) error {
	return s.ask(ctx, http.MethodPost, "/apiserver/stop", nil, nil)
}

// StartAPIServer starts the API server again, at the same address and with the same data, and returns when it is ready.
func (s *Stack) StartAPIServer(ctx context.Context) error {
	return s.ask(ctx, http.MethodPost, "/apiserver/start", nil, nil)
}

// SetAlertmanagerConfig gives all Alertmanagers another configuration file and returns when they use it.
func (s *Stack) SetAlertmanagerConfig(ctx context.Context, config string) error {
	return s.ask(ctx, http.MethodPut, "/alertmanager/config", config, nil)
}

// Status returns the processes and the nodes as the supervisor, who cannot be fooled, knows them.
func (s *Stack) Status(ctx context.Context) (Status, error) {
	var status Status
	return status, s.ask(ctx, http.MethodGet, "/status", nil, &status)
}

// ask has the supervisor do something.
func (s *Stack) ask(ctx context.Context, method, path string, in, out any) error {
	return ask(ctx, s.state.ControlURL, s.state.ControlToken, method, path, in, out)
}

// ask has the supervisor whose control server is at url do something.
func ask(ctx context.Context, url, token, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask the supervisor for %s: %w", path, err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("ask the supervisor for %s: %w", path, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the supervisor for %s: %s: %s", path, response.Status, bytes.TrimSpace(data))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}
