// Package rig puts a real stack and real Salvor processes together, for the end-to-end tests, the demo and the benchmarks.
//
// A rig is a stack with Salvor's RBAC applied, a salvor binary built from this checkout, and a folder for what Salvor reads
// and keeps. Servers are started on it, killed, frozen and started again; what they think is asked through their API.
package rig

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/salvor-io/salvor/test/stack"
)

// Cluster is the name Salvor knows the stack's cluster by.
const Cluster = "demo"

// Options say what rig to build.
type Options struct {
	Stack  stack.Options // Alertmanagers.Replicas may be set; their configuration is the rig's
	Pair   bool          // a second cluster, and an object store and a storage system that both share
	Salvor string        // path of a salvor binary; empty builds one
	Log    io.Writer     // progress; nil tells nobody
}

// Rig is a stack with what Salvor needs on it.
type Rig struct {
	Stack   *stack.Stack
	Standby *stack.Stack         // the second cluster of a pair; nil without one
	Store   *stack.Store         // where a pair keeps its backups
	Kube    kubernetes.Interface // as the admin
	Dir     string
	Token   string // of the admin
	Hook    string // token of the intake
	Address string // of the first server; Alertmanager posts to it
	binary  string
	log     io.Writer
}

// Start builds and starts a rig. Stop must be called.
func Start(ctx context.Context, opt Options) (_ *Rig, err error) {
	r := &Rig{binary: opt.Salvor, log: opt.Log}
	if r.log == nil {
		r.log = io.Discard
	}
	if r.Dir, err = os.MkdirTemp("", "salvor-rig-"); err != nil {
		return nil, fmt.Errorf("make a folder for the rig: %w", err)
	}
	defer func() {
		if err != nil {
			_ = r.Stop()
		}
	}()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	opt.Stack.Log = r.log
	if opt.Stack.Alertmanagers.Replicas > 0 {
		opt.Stack.Alertmanagers.Config = stack.Routing{Webhooks: []string{"http://" + r.Address + "/v1/hooks/alertmanager"}, Token: r.Hook}.Config()
	}
	if opt.Pair {
		err = r.pair(ctx, opt.Stack)
	} else {
		r.Stack, err = stack.Start(ctx, opt.Stack)
	}
	if err != nil {
		return nil, err
	}
	return r, r.open(ctx)
}

func (r *Rig) prepare(ctx context.Context) (err error) {
	if r.Token, err = r.token("token"); err != nil {
		return err
	}
	if r.Hook, err = r.token("hook-token"); err != nil {
		return err
	}
	if r.Address, err = FreeAddress(); err != nil {
		return err
	}
	if r.binary != "" {
		return nil
	}
	r.binary = filepath.Join(r.Dir, "salvor")
	return Build(ctx, r.binary)
}

// token makes a token and writes it to a file of the rig's folder.
func (r *Rig) token(file string) (string, error) {
	secret := make([]byte, 16)
	if _, err := rand.Read(secret); err != nil {
		return "", fmt.Errorf("make a token: %w", err)
	}
	token := hex.EncodeToString(secret)
	if err := os.WriteFile(filepath.Join(r.Dir, file), []byte(token), 0o600); err != nil {
		return "", fmt.Errorf("write a token: %w", err)
	}
	return token, nil
}

// Build writes the salvor of this checkout, as it is now, to a path. It compiles as make build does: after that, and after another rig, only what has
// changed is compiled again, and the binary is there in seconds.
func Build(ctx context.Context, to string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", to, "github.com/salvor-io/salvor/cmd/salvor")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build salvor: %w: %s", err, out)
	}
	return nil
}

// FreeAddress is a loopback address whose port is free now.
func FreeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// open makes the admin's client and applies Salvor's RBAC for the users of the stack.
func (r *Rig) open(ctx context.Context) error {
	config, err := clientcmd.BuildConfigFromFlags("", r.Stack.Kubeconfig(stack.Admin))
	if err != nil {
		return fmt.Errorf("read the admin's kubeconfig: %w", err)
	}
	config.QPS, config.Burst = 200, 400
	if r.Kube, err = kubernetes.NewForConfig(config); err != nil {
		return fmt.Errorf("make the admin's client: %w", err)
	}
	return r.grant(ctx)
}

// grant applies the RBAC that salvor prints for the users of each stack.
func (r *Rig) grant(ctx context.Context) error {
	for role, user := range map[string]string{"observe": stack.Observer, "act": stack.Actor} {
		manifest, err := exec.CommandContext(ctx, r.binary, "print", "rbac", "--role", role, "--user", user).Output()
		if err != nil {
			return fmt.Errorf("print the RBAC of %s: %w: %s", role, err, stderrOf(err))
		}
		for name, s := range r.clusters() {
			if err := s.Apply(ctx, manifest); err != nil {
				return fmt.Errorf("apply the RBAC of %s to %s: %w", role, name, err)
			}
		}
	}
	return nil
}

func stderrOf(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return strings.TrimSpace(string(exit.Stderr))
	}
	return ""
}

// Stop stops the stack and removes the rig's folder. Servers are stopped by who started them.
func (r *Rig) Stop() error {
	err := r.stopAll()
	if gone := os.RemoveAll(r.Dir); err == nil {
		err = gone
	}
	return err
}

// Binary is the salvor that servers of the rig run.
func (r *Rig) Binary() string { return r.binary }
