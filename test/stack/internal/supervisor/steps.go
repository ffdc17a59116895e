package supervisor

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/salvor-io/salvor/test/stack/internal/process"
)

// prepare chooses ports, makes credentials and writes what the processes read.
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
	if err := s.prepareBackups(free); err != nil {
		return err
	}
	s.fleet = newFleet(s.launcher, s.config.Nodes)
	s.fleet.binary, s.fleet.dir, s.fleet.kubeconfig = s.config.Binaries.Kwok, dir, s.plane.kubeconfig("kwok")
	s.cluster = newCluster(s.plane.url(), keys.tokens[superUser], keys.caPEM)
	return s.writeFiles()
}

// prepareBackups prepares the storage system and Velero, if they are wanted.
func (s *Supervisor) prepareBackups(free *ports) (err error) {
	if s.config.Volumes.Present {
		if s.storage, err = newStorage(s.config, s.plane.kubeconfig(storageUser), free); err != nil {
			return err
		}
	}
	if s.config.Velero.Bucket.Name != "" {
		s.velero, err = newVelero(s.config, s.plane.kubeconfig(veleroUser), free)
	}
	return err
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
	return await(ctx, spec.Name, func(ctx context.Context) error {
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
		err := await(ctx, "node "+name, func(ctx context.Context) error {
			return s.cluster.nodeReady(ctx, name)
		}, processes...)
		if err != nil {
			return err
		}
	}
	return await(ctx, "the default service account", func(ctx context.Context) error {
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
