package stack

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/salvor-io/salvor/test/stack/internal/control"
	"github.com/salvor-io/salvor/test/stack/internal/parts"
)

// prepare builds the parts and writes down what the supervisor, whose program it returns, is to run.
func prepare(ctx context.Context, options Options) (config control.Config, program string, err error) {
	if program, err = Binary(ctx, parts.Stack, options.Log); err != nil {
		return config, "", err
	}
	binaries, err := build(ctx, options)
	if err != nil {
		return config, "", err
	}
	if config, err = newConfig(options); err != nil {
		return config, "", err
	}
	config.Binaries = binaries
	data, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return config, "", err
	}
	return config, program, os.WriteFile(filepath.Join(config.Dir, "config.json"), data, 0o600)
}

// build builds the programs the supervisor needs.
func build(ctx context.Context, options Options) (built control.Binaries, err error) {
	if built.ControlPlane, err = Binary(ctx, parts.ControlPlane, options.Log); err != nil {
		return built, err
	}
	if built.Kwok, err = Binary(ctx, parts.Kwok, options.Log); err != nil {
		return built, err
	}
	if options.Alertmanagers.Replicas > 0 {
		built.Alertmanager, err = Binary(ctx, parts.Alertmanager, options.Log)
	}
	return built, err
}

func newConfig(options Options) (control.Config, error) {
	config := control.Config{
		Temporary: options.Dir == "", Region: options.Region, Nodes: options.Nodes, Alertmanagers: options.Alertmanagers,
		APIServerFlags: options.APIServerFlags, ControllerManagerFlags: options.ControllerManagerFlags,
	}
	if config.Temporary && options.Detached {
		return config, errors.New("a detached stack needs a Dir")
	}
	var err error
	if config.Temporary {
		config.Dir, err = os.MkdirTemp("", "salvor-stack-")
	} else {
		config.Dir, err = filepath.Abs(options.Dir)
	}
	if err != nil {
		return config, err
	}
	return config, os.MkdirAll(filepath.Join(config.Dir, "logs"), 0o755)
}

// launch starts the supervisor and reads what it says until it is ready. The supervisor ends when its standard input does.
func (s *Stack) launch(ctx context.Context, program string, config control.Config, options Options) error {
	log, err := os.Create(filepath.Join(config.Dir, "logs", "supervisor.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(program, "supervise", filepath.Join(config.Dir, "config.json"))
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // an interrupt at the terminal is for the owner to handle
	if options.Detached {
		cmd.Args = append(cmd.Args, "detached")
	} else if s.leash, err = cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.supervisor = cmd
	stopKilling := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	err = s.follow(out, options.Log)
	if !stopKilling() {
		err = errors.Join(err, ctx.Err())
	}
	if err != nil {
		_ = s.end() // why it did not start says more than how it ended
		return err
	}
	return nil
}

// follow reads the supervisor's messages until it tells its state.
func (s *Stack) follow(out io.Reader, log io.Writer) error {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var message control.Message
		if err := json.Unmarshal(lines.Bytes(), &message); err != nil {
			return fmt.Errorf("read what the supervisor says: %w", err)
		}
		switch {
		case message.Error != "":
			return errors.New(message.Error)
		case message.State != nil:
			s.state = *message.State
			return nil
		default:
			fmt.Fprintln(log, message.Progress)
		}
	}
	return errors.Join(errors.New("the supervisor ended"), lines.Err())
}
