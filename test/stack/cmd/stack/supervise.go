package main

import (
	"context"
	"io"
	"os"

	"github.com/salvor-io/salvor/test/stack/internal/control"
	"github.com/salvor-io/salvor/test/stack/internal/supervisor"
)

// supervise runs the stack that a file describes, until the other end of standard input is closed. It is what stack.Start
// starts and of no use to people.
func supervise(ctx context.Context, args []string) error {
	var config control.Config
	ctx, err := supervised(ctx, args, &config)
	if err != nil {
		return err
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
