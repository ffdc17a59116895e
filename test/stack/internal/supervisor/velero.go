package supervisor

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/salvor-io/salvor/test/stack/internal/control"
	"github.com/salvor-io/salvor/test/stack/internal/process"
)

// pluginVariable tells our build of Velero where the program is that one of its plugins stands for.
const pluginVariable = "STACK_VELERO_PLUGIN"

// velero knows how the Velero server of a cluster is started.
type velero struct {
	control.Velero
	binaries   control.Binaries
	dir        string
	kubeconfig string
	metrics    int
	profiler   int
}

func newVelero(config control.Config, kubeconfig string, free *ports) (*velero, error) {
	chosen, err := free.several(2)
	if err != nil {
		return nil, err
	}
	return &velero{
		Velero: config.Velero, binaries: config.Binaries, dir: config.Dir, kubeconfig: kubeconfig,
		metrics: chosen[0], profiler: chosen[1],
	}, nil
}

func (v *velero) path(name string) string {
	return filepath.Join(v.dir, "velero", name)
}

// writeFiles makes Velero's folders. Its plugins folder holds Velero itself under the name of the plugin: it makes sure that the
// plugin dies with the server, which upstream's plugins do not by themselves, and becomes the plugin.
func (v *velero) writeFiles() error {
	for _, folder := range []string{"plugins", "tmp"} {
		if err := os.MkdirAll(v.path(folder), 0o755); err != nil {
			return err
		}
	}
	return os.Symlink(v.binaries.Velero, v.path(filepath.Join("plugins", filepath.Base(v.binaries.VeleroPlugin))))
}

// server is the Velero server. It keeps credentials in its temporary folder, which must be its own: other stacks have other keys.
func (v *velero) server() process.Spec {
	flags := []string{
		v.binaries.Velero, "server", "--kubeconfig", v.kubeconfig, "--plugin-dir", v.path("plugins"),
		"--features", "EnableCSI", "--metrics-address", address(v.metrics), "--profiler-address", address(v.profiler),
	}
	server := spec(v.dir, "velero", append(flags, v.Flags...))
	server.Env = []string{
		"TMPDIR=" + v.path("tmp"), pluginVariable + "=" + v.binaries.VeleroPlugin,
		"AWS_ACCESS_KEY_ID=" + v.Bucket.AccessKey, "AWS_SECRET_ACCESS_KEY=" + v.Bucket.SecretKey,
	}
	return server
}

func (v *velero) url() string {
	return "http://" + address(v.metrics) + "/metrics"
}

// startVelero makes Velero's kinds known, starts its server and returns when its storage location can be used.
func (s *Supervisor) startVelero(ctx context.Context) error {
	if err := s.velero.writeFiles(); err != nil {
		return err
	}
	install := spec(s.config.Dir, "velero-install", []string{
		s.config.Binaries.Velero, "install", "--crds-only", "--kubeconfig", s.velero.kubeconfig,
	})
	if err := s.runTool(ctx, install); err != nil {
		return err
	}
	if err := s.ensureAll(ctx, s.velero.objects()); err != nil {
		return err
	}
	if err := s.runVelero(ctx); err != nil {
		return err
	}
	s.state.Velero = s.config.Binaries.Velero
	return await(ctx, "Velero's storage location", s.cluster.locationAvailable, s.servers.find("velero"))
}

// runVelero starts the Velero server, unless it runs, and returns when it answers.
func (s *Supervisor) runVelero(ctx context.Context) error {
	server := s.velero.server()
	if running := s.servers.find(server.Name); running != nil && running.Running() {
		return nil
	}
	return s.runServers(ctx, []process.Spec{server}, []string{s.velero.url()})
}

// stopVelero kills the Velero server, and with it whatever it is at.
func (s *Supervisor) stopVelero(ctx context.Context) error {
	server := s.servers.find("velero")
	if server == nil {
		return fmt.Errorf("velero: %w", errUnknown)
	}
	return server.Kill(ctx)
}

// veleroAct does something to Velero, which there may not be.
func (s *Supervisor) veleroAct(do func(context.Context) error) act {
	return func(ctx context.Context, _ *http.Request) error {
		if s.velero == nil {
			return fmt.Errorf("velero: %w", errUnknown)
		}
		return do(ctx)
	}
}
