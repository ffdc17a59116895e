package rig

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/salvor-io/salvor/test/stack"
)

// Read is what the one file on the volume of a claim holds.
func (r *Rig) Read(ctx context.Context, cluster, namespace, claim string) (string, error) {
	volume, err := r.VolumeOf(ctx, cluster, namespace, claim)
	if err != nil {
		return "", err
	}
	return r.ReadVolume(ctx, cluster, volume)
}

// ReadVolume is the same of a volume, whether a claim has it or not.
func (r *Rig) ReadVolume(ctx context.Context, cluster, volume string) (string, error) {
	file, err := r.fileOn(ctx, cluster, volume)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read what is on volume %s: %w", volume, err)
	}
	return string(text), nil
}

// Write replaces what the one file on the volume of a claim of the first cluster holds.
func (r *Rig) Write(ctx context.Context, namespace, claim, text string) error {
	volume, err := r.VolumeOf(ctx, Cluster, namespace, claim)
	if err != nil {
		return err
	}
	file, err := r.fileOn(ctx, Cluster, volume)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write to volume %s: %w", volume, err)
	}
	return nil
}

// VolumeOf is the name of the volume that a claim is bound to.
func (r *Rig) VolumeOf(ctx context.Context, cluster, namespace, claim string) (string, error) {
	return r.clusters()[cluster].Kubectl(ctx, stack.Admin, "-n", namespace, "get", "pvc", claim, "-o", "jsonpath={.spec.volumeName}")
}

// fileOn is where the file of a volume lies.
func (r *Rig) fileOn(ctx context.Context, cluster, volume string) (string, error) {
	s := r.clusters()[cluster]
	handle, err := s.Kubectl(ctx, stack.Admin, "get", "pv", volume, "-o", "jsonpath={.spec.csi.volumeHandle}")
	if err != nil {
		return "", err
	}
	return filepath.Join(s.VolumeDir(handle), "file"), nil
}
