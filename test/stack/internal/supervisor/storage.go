package supervisor

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/salvor-io/salvor/test/stack/internal/control"
	"github.com/salvor-io/salvor/test/stack/internal/process"
)

// storage is the storage system of a cluster: a CSI driver over directories, and upstream's controllers that make volumes and
// snapshots with it.
type storage struct {
	control.Volumes
	binaries   control.Binaries
	dir        string
	kubeconfig string
	// ports are where the controllers tell their metrics, which shows that they run.
	ports []int
}

func newStorage(config control.Config, kubeconfig string, free *ports) (*storage, error) {
	s := &storage{Volumes: config.Volumes, binaries: config.Binaries, dir: config.Dir, kubeconfig: kubeconfig}
	if s.Dir == "" {
		s.Dir = filepath.Join(config.Dir, "volumes")
	}
	var err error
	s.ports, err = free.several(3)
	return s, err
}

func (s *storage) moodFile() string {
	return filepath.Join(s.dir, "storage-mood.json")
}

// controllers are the processes that talk to the driver, which runs already. They try again sooner than they would by
// themselves, so that a test does not wait for minutes for a storage system that is well again.
func (s *storage) controllers() []process.Spec {
	var specs []process.Spec
	for i, binary := range []string{s.binaries.SnapshotController, s.binaries.Snapshotter, s.binaries.Provisioner} {
		args := []string{
			binary, "--kubeconfig", s.kubeconfig, "--http-endpoint", address(s.ports[i]),
			"--retry-interval-start", "500ms", "--retry-interval-max", "5s",
		}
		if binary != s.binaries.SnapshotController {
			args = append(args, "--csi-address", s.socket())
		}
		specs = append(specs, spec(s.dir, filepath.Base(binary), args))
	}
	return specs
}

func (s *storage) driver() process.Spec {
	return spec(s.dir, filepath.Base(s.binaries.Driver), []string{
		s.binaries.Driver, "-socket", s.socket(), "-root", s.Dir, "-mood", s.moodFile(),
	})
}

func (s *storage) socket() string {
	return filepath.Join(s.dir, "csi.sock")
}

func (s *storage) urls() []string {
	var urls []string
	for _, port := range s.ports {
		urls = append(urls, "http://"+address(port)+"/metrics")
	}
	return urls
}

// startStorage makes the kinds and classes of volumes and snapshots known, and starts the storage system.
func (s *Supervisor) startStorage(ctx context.Context) error {
	kubectl := s.plane.spec("kubectl", "--kubeconfig", s.plane.kubeconfig(storageUser),
		"apply", "--server-side", "-f", s.config.Binaries.SnapshotCRDs)
	if err := s.runTool(ctx, kubectl); err != nil {
		return err
	}
	if err := s.ensureAll(ctx, storageObjects()); err != nil {
		return err
	}
	driver, err := s.launcher.Run(s.storage.driver())
	if err != nil {
		return err
	}
	s.servers.add(driver)
	err = await(ctx, driver.Name, func(context.Context) error {
		_, err := os.Stat(s.storage.socket())
		return err
	}, driver)
	if err != nil {
		return err
	}
	s.state.Volumes = s.storage.Dir
	return s.runServers(ctx, s.storage.controllers(), s.storage.urls())
}

// setMood tells the storage system how to misbehave from now on.
func (s *Supervisor) setMood(_ context.Context, r *http.Request) error {
	if s.storage == nil {
		return fmt.Errorf("storage system: %w", errUnknown)
	}
	var mood control.Mood
	if err := json.NewDecoder(r.Body).Decode(&mood); err != nil {
		return err
	}
	data, err := json.Marshal(mood)
	if err != nil {
		return err
	}
	fresh := s.storage.moodFile() + ".new"
	if err := os.WriteFile(fresh, data, 0o644); err != nil {
		return err
	}
	return os.Rename(fresh, s.storage.moodFile())
}
