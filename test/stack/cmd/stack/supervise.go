package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"

	"github.com/salvor-io/salvor/test/stack/internal/control"
	"github.com/salvor-io/salvor/test/stack/internal/supervisor"
)

// supervise runs the stack that a file describes, until the other end of standard input is closed. It is what stack.Start
// starts and of no use to people.
func supervise(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("supervise needs a configuration file")
	}
	data, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var config control.Config
	if err := json.Unmarshal(data, &config); err != nil {
		return err
	}
	if !slices.Contains(args, "detached") {
		ctx = leashed(ctx, os.Stdin)
	}
	return supervisor.Run(ctx, config, os.Stdout)
}

// leashed returns a context that ends when the leash does: its owner closed it, or died.
func leashed(ctx context.Context, leash io.Reader) context.Context {
	ctx, letGo := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, leash)
		letGo()
	}()
	return ctx
}
