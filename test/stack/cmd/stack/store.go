package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"

	"github.com/salvor-io/salvor/test/stack/internal/control"
	"github.com/salvor-io/salvor/test/stack/internal/supervisor"
)

// store runs the object store that a file describes, until the other end of standard input is closed. It is what
// stack.StartStore starts and of no use to people.
func store(ctx context.Context, args []string) error {
	var config control.StoreConfig
	ctx, err := supervised(ctx, args, &config)
	if err != nil {
		return err
	}
	return supervisor.RunStore(ctx, config, os.Stdout)
}

// supervised reads the configuration a supervisor is started with, and returns a context that ends when its owner lets go of
// it, unless it is detached.
func supervised(ctx context.Context, args []string, config any) (context.Context, error) {
	if len(args) == 0 {
		return nil, errors.New("a configuration file is needed")
	}
	data, err := os.ReadFile(args[0])
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, config); err != nil {
		return nil, err
	}
	if slices.Contains(args, "detached") {
		return ctx, nil
	}
	return leashed(ctx, os.Stdin), nil
}
