// Package supervisor runs the processes of one stack, and ends all of them when the stack's owner lets go of it.
package supervisor

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/salvor-io/salvor/test/stack/internal/control"
	"github.com/salvor-io/salvor/test/stack/internal/process"
)

const (
	startLimit = time.Minute      // for one step of the start
	killLimit  = 10 * time.Second // for a killed process to be gone
)

// Supervisor is one running stack.
type Supervisor struct {
	config   control.Config
	launcher *process.Launcher
	servers  servers
	plane    *controlPlane
	fleet    *fleet
	alerting *alertmanagers
	cluster  *cluster
	state    control.State
	stop     context.CancelFunc
}

// Run starts the stack that config describes, tells its start on out as lines of control.Message, and runs it until ctx
// ends or somebody asks it to stop. When it returns, all processes of the stack are gone.
func Run(ctx context.Context, config control.Config, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &Supervisor{config: config, launcher: process.NewLauncher(), stop: stop}
	defer s.cleanUp()
	say := json.NewEncoder(out)
	err := s.start(ctx, func(progress string) error { return say.Encode(control.Message{Progress: progress}) })
	if err != nil {
		return errors.Join(err, say.Encode(control.Message{Error: err.Error()}))
	}
	if err := say.Encode(control.Message{State: &s.state}); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// start brings everything up, in the order in which one thing needs the other.
func (s *Supervisor) start(ctx context.Context, say func(string) error) error {
	steps := []struct {
		name string
		run  func(context.Context) error
	}{
		{"choose ports and make credentials", s.prepare},
		{"start etcd and the API server", s.startServer},
		{"start the controller manager, the scheduler and the Alertmanagers", s.startControllers},
		{"start the nodes", s.startNodes},
		{"open the power switch", s.openPowerSwitch},
		{"open the control server", s.openControl},
	}
	for _, step := range steps {
		started := time.Now()
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		if err := say(fmt.Sprintf("%s: %.1f s", step.name, time.Since(started).Seconds())); err != nil {
			return err
		}
	}
	return s.writeState()
}

func (s *Supervisor) prepare(context.Context) error {
	dir := s.config.Dir
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o755); err != nil {
		return err
	}
	free := newPorts()
	chosen, err := free.several(3)
	if err != nil {
		return err
	}
	keys, err := newCredentials(filepath.Join(dir, "pki"))
	if err != nil {
		return err
	}
	s.plane = &controlPlane{
		binary: s.config.Binaries.ControlPlane, dir: dir, credentials: keys,
		etcdPort: chosen[0], peerPort: chosen[1], serverPort: chosen[2],
		apiFlags: s.config.APIServerFlags, kcmFlags: s.config.ControllerManagerFlags,
	}
	if s.alerting, err = newAlertmanagers(s.config, free); err != nil {
		return err
	}
	s.fleet = newFleet(s.launcher, s.config.Nodes)
	s.fleet.binary, s.fleet.dir, s.fleet.kubeconfig = s.config.Binaries.Kwok, dir, s.plane.kubeconfig("kwok")
	s.cluster = newCluster(s.plane.url(), keys.tokens[superUser], keys.caPEM)
	return s.writeFiles()
}

// writeFiles writes what the processes read, and a kubectl for people.
func (s *Supervisor) writeFiles() error {
	if err := s.plane.writeAuditPolicy(); err != nil {
		return err
	}
	err := s.plane.credentials.writeKubeconfigs(filepath.Join(s.config.Dir, "kubeconfigs"), s.plane.url())
	if err != nil {
		return err
	}
	bin := filepath.Join(s.config.Dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	return os.Symlink(s.config.Binaries.ControlPlane, filepath.Join(bin, "kubectl"))
}

func (s *Supervisor) startServer(ctx context.Context) error {
	etcd, err := s.launcher.Run(s.plane.etcd())
	if err != nil {
		return err
	}
	s.servers.add(etcd)
	return s.startAPIServer(ctx)
}

// startAPIServer starts the API server, unless it runs, and returns when it is ready.
func (s *Supervisor) startAPIServer(ctx context.Context) error {
	spec := s.plane.apiServer()
	server := s.servers.find(spec.Name)
	if server == nil || !server.Running() {
		var err error
		if server, err = s.launcher.Run(spec); err != nil {
			return err
		}
		s.servers.add(server)
	}
	return await(ctx, startLimit, spec.Name, func(ctx context.Context) error {
		return answers(ctx, s.cluster.client, s.cluster.url+"/readyz")
	}, append(s.servers.all(), server)...)
}

// stopAPIServer kills the API server.
func (s *Supervisor) stopAPIServer(ctx context.Context) error {
	server := s.servers.find(s.plane.apiServer().Name)
	if server == nil {
		return nil
	}
	return server.Kill(ctx)
}

func (s *Supervisor) startControllers(ctx context.Context) error {
	for _, spec := range []process.Spec{s.plane.controllerManager(), s.plane.scheduler()} {
		p, err := s.launcher.Run(spec)
		if err != nil {
			return err
		}
		s.servers.add(p)
	}
	started, err := s.alerting.start(ctx, s.launcher)
	s.servers.add(started...)
	return err
}

// startNodes registers the nodes and returns when they are Ready and a pod could be made.
func (s *Supervisor) startNodes(ctx context.Context) error {
	err := s.cluster.ensure(ctx, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", humanBinding())
	if err != nil {
		return err
	}
	var names []string
	for _, n := range s.config.Nodes {
		names = append(names, n.Name)
	}
	if err := s.register(ctx, names); err != nil {
		return err
	}
	if err := s.fleet.startAll(); err != nil {
		return err
	}
	processes := append(s.servers.all(), s.fleet.processes()...)
	for _, name := range names {
		err := await(ctx, startLimit, "node "+name, func(ctx context.Context) error {
			return s.cluster.nodeReady(ctx, name)
		}, processes...)
		if err != nil {
			return err
		}
	}
	return await(ctx, startLimit, "the default service account", func(ctx context.Context) error {
		return s.cluster.get(ctx, "/api/v1/namespaces/default/serviceaccounts/default", nil)
	}, processes...)
}

// register creates the objects of those of the named nodes that have none, as a starting kubelet does.
func (s *Supervisor) register(ctx context.Context, names []string) error {
	for i, n := range s.config.Nodes {
		if !slices.Contains(names, n.Name) {
			continue
		}
		if err := s.cluster.ensure(ctx, "/api/v1/nodes", nodeObject(n, s.config.Region, i)); err != nil {
			return fmt.Errorf("register node %s: %w", n.Name, err)
		}
	}
	return nil
}

func (s *Supervisor) openPowerSwitch(context.Context) error {
	s.state.PowerToken = rand.Text()
	url, err := serve(powerSwitch(s.fleet, s.state.PowerToken))
	s.state.PowerURL = url
	return err
}

func (s *Supervisor) openControl(context.Context) error {
	s.state.ControlToken = rand.Text()
	url, err := serve(authorized(s.state.ControlToken, s.controlHandler()))
	s.state.ControlURL = url
	return err
}

// serve serves handler on a free loopback port for as long as the process lives.
func serve(handler http.Handler) (url string, err error) {
	listener, err := net.Listen("tcp", address(0))
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String(), nil
}

// writeState leaves in the folder of the stack what it takes to find the stack again.
func (s *Supervisor) writeState() error {
	s.state.PID = os.Getpid()
	s.state.Dir = s.config.Dir
	s.state.Temporary = s.config.Temporary
	s.state.APIServerURL = s.plane.url()
	s.state.AlertmanagerURLs = s.alerting.urls()
	data, err := json.MarshalIndent(s.state, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.config.Dir, control.StateFile), data, 0o600)
}

// cleanUp kills what runs. Nothing of a stack needs a goodbye, as nothing of it is kept.
func (s *Supervisor) cleanUp() {
	ctx, cancel := context.WithTimeout(context.Background(), killLimit)
	defer cancel()
	processes := s.servers.all()
	if s.fleet != nil {
		processes = append(processes, s.fleet.processes()...)
	}
	for _, p := range processes {
		_ = p.Kill(ctx) // what does not die here dies with the launcher
	}
	s.launcher.Close()
	_ = os.Remove(filepath.Join(s.config.Dir, control.StateFile))
	if s.config.Temporary {
		_ = os.RemoveAll(s.config.Dir)
	}
}
