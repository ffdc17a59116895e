package rig

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrNoBrowser is that there is no Chromium here.
var ErrNoBrowser = errors.New("there is no chromium: make chromium installs it")

// Visit is a visit of a page by a real Chromium.
type Visit struct {
	Page  string // its address
	Link  string // a one-time link by which to log in first
	Press string // the value of a button to press
	Shots string // a folder for pictures of the page
	Name  string // what their names begin with
}

// Visit has a Chromium open a page, and gives what the page tells after the press.
func (r *Rig) Visit(ctx context.Context, v Visit) (told string, err error) {
	if _, err := exec.LookPath("chromium"); err != nil {
		return "", ErrNoBrowser
	}
	visitor := filepath.Join(r.Dir, "visit")
	build := exec.CommandContext(ctx, "go", "build", "-o", visitor, "./cmd/visit")
	module, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/salvor-io/salvor").Output()
	if err != nil {
		return "", fmt.Errorf("find the folder of salvor's sources: %w: %s", err, stderrOf(err))
	}
	build.Dir = filepath.Join(strings.TrimSpace(string(module)), "test", "browser")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the visitor: %w: %s", err, out)
	}
	out, err := exec.CommandContext(ctx, visitor, "-page", v.Page, "-link", v.Link, "-press", v.Press, "-shots", v.Shots, "-name", v.Name).Output()
	if err != nil {
		return "", fmt.Errorf("visit %s: %w: %s", v.Page, err, stderrOf(err))
	}
	return strings.TrimSpace(string(out)), nil
}
