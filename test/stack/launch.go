package stack

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/salvor-io/salvor/test/stack/internal/control"
	"github.com/salvor-io/salvor/test/stack/internal/parts"
)

// prepare builds the parts and writes down what the supervisor, whose program it returns, is to run.
func prepare(ctx context.Context, options Options) (config control.Config, program string, err error) {
	if program, err = Binary(ctx, parts.Stack, options.Log); err != nil {
		return config, "", err
	}
	if config, err = newConfig(options); err != nil {
		return config, "", err
	}
	if config.Binaries, err = build(ctx, config, options); err != nil {
		return config, "", err
	}
	return config, program, writeConfig(config.Dir, config)
}

// build builds the programs the supervisor needs, and no others.
func build(ctx context.Context, config control.Config, options Options) (built control.Binaries, err error) {
	wanted := map[string]*string{parts.ControlPlane: &built.ControlPlane, parts.Kwok: &built.Kwok}
	if config.Alertmanagers.Replicas > 0 {
		wanted[parts.Alertmanager] = &built.Alertmanager
	}
	if config.Volumes.Present {
		wanted[parts.SnapshotController] = &built.SnapshotController
		wanted[parts.Snapshotter] = &built.Snapshotter
		wanted[parts.Provisioner] = &built.Provisioner
		wanted[parts.Driver] = &built.Driver
	}
	if config.Velero.Bucket.Name != "" {
		wanted[parts.Velero] = &built.Velero
		wanted[parts.VeleroPlugin] = &built.VeleroPlugin
	}
	for _, part := range parts.Catalogue() {
		path, isWanted := wanted[part.Name]
		if !isWanted {
			continue
		}
		if *path, err = Binary(ctx, part.Name, options.Log); err != nil {
			return built, err
		}
	}
	if built.SnapshotController != "" {
		built.SnapshotCRDs = filepath.Join(filepath.Dir(built.SnapshotController), parts.CRDs)
	}
	return built, nil
}

func newConfig(options Options) (control.Config, error) {
	config := control.Config{
		Temporary: options.Dir == "", Region: options.Region, Nodes: options.Nodes, Alertmanagers: options.Alertmanagers,
		APIServerFlags: options.APIServerFlags, ControllerManagerFlags: options.ControllerManagerFlags,
		Volumes: options.Volumes,
	}
	if store := options.Backups.Store; store != nil {
		config.Velero = control.Velero{Bucket: store.state.Bucket, Flags: options.Backups.VeleroFlags}
		config.Volumes.Present = true
	}
	var err error
	if config.Dir, err = makeDir(options.Dir, options.Detached); err != nil {
		return config, err
	}
	if config.Volumes.Dir != "" {
		config.Volumes.Dir, err = filepath.Abs(config.Volumes.Dir)
	}
	return config, err
}

// makeDir makes the folder of a stack or a store, with the folder of its logs, and returns its absolute path. Without a name it
// is a temporary one.
func makeDir(name string, detached bool) (dir string, err error) {
	if name == "" && detached {
		return "", errors.New("what is detached needs a Dir")
	}
	if name == "" {
		dir, err = os.MkdirTemp("", "salvor-stack-")
	} else {
		dir, err = filepath.Abs(name)
	}
	if err != nil {
		return "", err
	}
	return dir, os.MkdirAll(filepath.Join(dir, "logs"), 0o755)
}

// writeConfig writes down what a supervisor is to run.
func writeConfig(dir string, config any) error {
	data, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.json"), data, 0o600)
}
