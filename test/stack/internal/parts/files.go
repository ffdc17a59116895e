package parts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// layFiles copies the files a part needs beside its binary into folder, from the version of their module that go.mod requires.
func (b Builder) layFiles(ctx context.Context, p Part, folder string) error {
	if p.Files == (Files{}) {
		return nil
	}
	module, err := b.moduleFolder(ctx, p)
	if err != nil {
		return err
	}
	found, err := filepath.Glob(filepath.Join(module, p.Files.Pattern))
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("%s has no %s", p.Files.Module, p.Files.Pattern)
	}
	folder = filepath.Join(folder, p.Files.Folder)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, path := range found {
		data, err := os.ReadFile(path)
		if err := errors.Join(err, os.WriteFile(filepath.Join(folder, filepath.Base(path)), data, 0o644)); err != nil {
			return err
		}
	}
	return nil
}

// moduleFolder returns where Go keeps the module of the part's files, which it fetches if it has to.
func (b Builder) moduleFolder(ctx context.Context, p Part) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", p.Files.Module)
	cmd.Dir = filepath.Join(b.Root, p.folder())
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("find module %s: %w: %s", p.Files.Module, err, strings.TrimSpace(complaint.String()))
	}
	dir := strings.TrimSpace(string(out))
	if dir == "" {
		return "", fmt.Errorf("find module %s: it is not downloaded", p.Files.Module)
	}
	return dir, nil
}
