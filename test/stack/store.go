package stack

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/salvor-io/salvor/test/stack/internal/control"
	"github.com/salvor-io/salvor/test/stack/internal/parts"
)

// Bucket is how a bucket is reached.
type Bucket = control.Bucket

// StoreOptions say what an object store is like. The zero value is one in a temporary folder.
type StoreOptions struct {
	// Dir holds everything the store writes. It stays when the store stops, and a store that is started in it again has what it
	// had, in a bucket of the same name and with other keys. Empty means a temporary folder that goes when the store stops.
	Dir string
	// Log is told about progress, a line at a time. Nil tells nobody.
	Log io.Writer
	// Detached lets the store outlive its owner, until AttachStore finds it by its Dir, which may not be empty, and stops it.
	Detached bool
}

// Store is an object store with one bucket, which speaks S3 on a loopback port. It is no part of a stack: a stack that fails
// leaves it as it is, and several stacks may be given the same.
type Store struct {
	owner owner
	state control.StoreState
}

// StartStore builds what is not built yet, starts an object store and returns when it answers. The context bounds the start
// only. The caller must Stop the store, after the stacks that use it; should it die before, the store ends by itself.
func StartStore(ctx context.Context, options StoreOptions) (*Store, error) {
	if options.Log == nil {
		options.Log = io.Discard
	}
	config, program, err := prepareStore(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("prepare object store: %w", err)
	}
	s := &Store{}
	ready, err := s.owner.launch(ctx, program, supervision{
		Command: "store", Dir: config.Dir, Detached: options.Detached, Log: options.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("start object store in %s: %w", config.Dir, err)
	}
	s.state = *ready.Store
	return s, nil
}

func prepareStore(ctx context.Context, options StoreOptions) (config control.StoreConfig, program string, err error) {
	if program, err = Binary(ctx, parts.Stack, options.Log); err != nil {
		return config, "", err
	}
	config.Temporary = options.Dir == ""
	if config.Binary, err = Binary(ctx, parts.ObjectStore, options.Log); err != nil {
		return config, "", err
	}
	if config.Dir, err = makeDir(options.Dir, options.Detached); err != nil {
		return config, "", err
	}
	return config, program, writeConfig(config.Dir, config)
}

// AttachStore finds an object store that runs in dir, be it detached or somebody else's.
func AttachStore(dir string) (*Store, error) {
	s := &Store{}
	if err := readState(dir, &s.state); err != nil {
		return nil, fmt.Errorf("find object store: %w", err)
	}
	if !running(s.state.PID) {
		return nil, fmt.Errorf("find object store in %s: its supervisor is gone", dir)
	}
	s.owner.pid = s.state.PID
	return s, nil
}

// Stop ends the store and returns when it is gone. It may be called repeatedly and returns the same result.
func (s *Store) Stop() error {
	return s.owner.stop()
}

// Bucket is how the bucket of the store is reached.
func (s *Store) Bucket() Bucket { return s.state.Bucket }

// Files is the folder that holds the objects of the bucket, each as a file under its key.
func (s *Store) Files() string { return s.state.Files }

// Fail kills the server of the store: whoever asks it is refused the connection. What it holds stays.
func (s *Store) Fail(ctx context.Context) error {
	return s.ask(ctx, "/fail")
}

// Heal starts the server of the store again, at the same address, and returns when it answers.
func (s *Store) Heal(ctx context.Context) error {
	return s.ask(ctx, "/heal")
}

func (s *Store) ask(ctx context.Context, path string) error {
	return ask(ctx, s.state.ControlURL, s.state.ControlToken, http.MethodPost, path, nil, nil)
}
