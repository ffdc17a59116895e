package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/salvor-io/salvor/test/stack/internal/control"
	"github.com/salvor-io/salvor/test/stack/internal/parts"
)

// stopLimit is how long a stack may take to stop before it is killed.
const stopLimit = 15 * time.Second

// Stack is a control plane with nodes that runs on loopback ports of this machine. Its methods may be called from several
// goroutines.
type Stack struct {
	state      control.State
	supervisor *exec.Cmd // nil for a stack that somebody else started, or that is detached
	leash      io.Closer

	stopOnce sync.Once
	stopErr  error
}

// Start builds what is not built yet, starts a stack and returns when its nodes are Ready and it can run pods. The context
// bounds the start only. The caller must Stop the stack; should it die before, even by kill -9, the stack ends by itself.
func Start(ctx context.Context, options Options) (*Stack, error) {
	options = options.withDefaults()
	config, program, err := prepare(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("prepare stack: %w", err)
	}
	s := &Stack{}
	if err := s.launch(ctx, program, config, options); err != nil {
		return nil, fmt.Errorf("start stack in %s: %w", config.Dir, err)
	}
	return s, nil
}

// Attach finds a stack that runs in dir, be it detached or somebody else's.
func Attach(dir string) (*Stack, error) {
	data, err := os.ReadFile(filepath.Join(dir, control.StateFile))
	if err != nil {
		return nil, fmt.Errorf("find stack: %w", err)
	}
	s := &Stack{}
	if err := json.Unmarshal(data, &s.state); err != nil {
		return nil, fmt.Errorf("find stack in %s: %w", dir, err)
	}
	if !running(s.state.PID) {
		return nil, fmt.Errorf("find stack in %s: its supervisor is gone", dir)
	}
	return s, nil
}

// Stop ends all processes of the stack and returns when they are gone, which takes 15 seconds at the very most. It may be
// called repeatedly and returns the same result.
func (s *Stack) Stop() error {
	s.stopOnce.Do(func() {
		if s.supervisor != nil && s.leash != nil {
			s.stopErr = s.end()
		} else {
			s.stopErr = s.endForeign()
		}
	})
	return s.stopErr
}

// end lets go of the leash and waits for the supervisor, whose children die with it.
func (s *Stack) end() error {
	if s.leash != nil {
		_ = s.leash.Close()
	}
	killed := time.AfterFunc(stopLimit, func() { _ = s.supervisor.Process.Kill() })
	err := s.supervisor.Wait()
	if !killed.Stop() {
		return fmt.Errorf("stop stack: killed after %s", stopLimit)
	}
	if err != nil {
		return fmt.Errorf("stop stack: %w", err)
	}
	return nil
}

// endForeign asks a supervisor that is not this process's child to stop, and waits until it is gone.
func (s *Stack) endForeign() error {
	if err := syscall.Kill(s.state.PID, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop stack: %w", err)
	}
	for deadline := time.Now().Add(stopLimit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if !running(s.state.PID) {
			return nil
		}
	}
	return errors.Join(fmt.Errorf("stop stack: killed after %s", stopLimit), syscall.Kill(s.state.PID, syscall.SIGKILL))
}

// running says whether pid is a supervisor that has not ended.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	command, rest, _ := strings.Cut(string(stat), ") ")
	return strings.HasSuffix(command, "("+parts.Stack) && !strings.HasPrefix(rest, "Z")
}
