package stack

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/salvor-io/salvor/test/stack/internal/parts"
)

// The programs Binary can build that no stack starts by itself.
const (
	// NATSServer is the plain nats-server.
	NATSServer = parts.NATS
	// Linter is golangci-lint.
	Linter = parts.Linter
)

// Binary builds one of the stack's programs, unless it is built already, and returns its path. Progress goes to log.
func Binary(ctx context.Context, name string, log io.Writer) (string, error) {
	part, err := parts.Find(name)
	if err != nil {
		return "", err
	}
	root, err := parts.Checkout()
	if err != nil {
		return "", err
	}
	return parts.Builder{Root: root, Log: log}.Build(ctx, part)
}

// Dir is the folder of the stack: logs are in its logs folder, and bin/kubectl in it fits the API server.
func (s *Stack) Dir() string { return s.state.Dir }

// APIServerURL is where the API server listens. It stays the same when the server is stopped and started.
func (s *Stack) APIServerURL() string { return s.state.APIServerURL }

// AlertmanagerURLs are the addresses of the Alertmanagers, one for each replica.
func (s *Stack) AlertmanagerURLs() []string { return slices.Clone(s.state.AlertmanagerURLs) }

// PowerURL is the address of the power switch: POST {PowerURL}/nodes/{name}/off and .../on, GET {PowerURL}/nodes/{name}.
func (s *Stack) PowerURL() string { return s.state.PowerURL }

// PowerToken is the bearer token the power switch asks for.
func (s *Stack) PowerToken() string { return s.state.PowerToken }

// Kubeconfig is the path of the kubeconfig of a user: Admin, Human, Observer or Actor.
func (s *Stack) Kubeconfig(user string) string {
	return filepath.Join(s.state.Dir, "kubeconfigs", strings.ReplaceAll(user, ":", "-")+".yaml")
}

// Apply applies manifests on the server's side as the admin, taking over the fields of others. Several documents may follow
// each other.
func (s *Stack) Apply(ctx context.Context, manifests []byte) error {
	_, err := s.kubectl(ctx, Admin, bytes.NewReader(manifests), "apply", "--server-side", "--force-conflicts", "-f", "-")
	return err
}

// Kubectl runs kubectl as a user and returns its standard output. The error holds what it complained of.
func (s *Stack) Kubectl(ctx context.Context, user string, args ...string) (string, error) {
	return s.kubectl(ctx, user, nil, args...)
}

func (s *Stack) kubectl(ctx context.Context, user string, in io.Reader, args ...string) (string, error) {
	return s.runAs(exec.CommandContext(ctx, filepath.Join(s.state.Dir, "bin", "kubectl"), args...), user, in)
}

// runAs runs a program that speaks to the API server as a user, and returns its standard output.
func (s *Stack) runAs(cmd *exec.Cmd, user string, in io.Reader) (string, error) {
	cmd.Env = []string{"KUBECONFIG=" + s.Kubeconfig(user), "HOME=" + s.state.Dir}
	cmd.Stdin = in
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		name := strings.Join(append([]string{filepath.Base(cmd.Path)}, cmd.Args[1:]...), " ")
		return out.String(), fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(complaint.Bytes()))
	}
	return out.String(), nil
}
