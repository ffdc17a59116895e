package stack

import (
	"context"
	"fmt"

	"github.com/salvor-io/salvor/test/stack/internal/control"
)

// Stack is a control plane with nodes that runs on loopback ports of this machine. Its methods may be called from several
// goroutines.
type Stack struct {
	owner owner
	state control.State
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
	ready, err := s.owner.launch(ctx, program, supervision{
		Command: "supervise", Dir: config.Dir, Detached: options.Detached, Log: options.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("start stack in %s: %w", config.Dir, err)
	}
	s.state = *ready.State
	return s, nil
}

// Attach finds a stack that runs in dir, be it detached or somebody else's.
func Attach(dir string) (*Stack, error) {
	s := &Stack{}
	if err := readState(dir, &s.state); err != nil {
		return nil, fmt.Errorf("find stack: %w", err)
	}
	if !running(s.state.PID) {
		return nil, fmt.Errorf("find stack in %s: its supervisor is gone", dir)
	}
	s.owner.pid = s.state.PID
	return s, nil
}

// Stop ends all processes of the stack and returns when they are gone, which takes 15 seconds at the very most. It may be
// called repeatedly and returns the same result.
func (s *Stack) Stop() error {
	return s.owner.stop()
}
