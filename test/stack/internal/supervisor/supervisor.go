// Package supervisor runs the processes of one stack, and ends all of them when the stack's owner lets go of it.
package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/salvor-io/salvor/test/stack/internal/control"
	"github.com/salvor-io/salvor/test/stack/internal/process"
)

const (
	startLimit = 2 * time.Minute  // for one thing to be ready, on a machine that may be busy
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
	storage  *storage // nil if there is none
	velero   *velero  // nil if there is none
	cluster  *cluster
	state    control.State
}

// Run starts the stack that config describes, tells its start on out as lines of control.Message, and runs it until ctx
// ends. When it returns, all processes of the stack are gone.
func Run(ctx context.Context, config control.Config, out io.Writer) error {
	s := &Supervisor{config: config, launcher: process.NewLauncher()}
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
	for _, step := range s.steps() {
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

// step is one thing that is done when a stack starts.
type step struct {
	name string
	run  func(context.Context) error
}

func (s *Supervisor) steps() []step {
	steps := []step{
		{"choose ports and make credentials", s.prepare},
		{"start etcd and the API server", s.startServer},
		{"start the controller manager, the scheduler and the Alertmanagers", s.startControllers},
		{"start the nodes", s.startNodes},
	}
	if s.config.Volumes.Present {
		steps = append(steps, step{"start the storage system", s.startStorage})
	}
	if s.config.Velero.Bucket.Name != "" {
		steps = append(steps, step{"start Velero", s.startVelero})
	}
	return append(steps, step{"open the power switch", s.openPowerSwitch}, step{"open the control server", s.openControl})
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
