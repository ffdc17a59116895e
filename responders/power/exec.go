package power

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Exec is a power switch behind a program.
//
// The program is run with two more arguments: off or status, and the node. No shell is involved, and its environment has
// nothing but PATH and LANG. Status is what it prints: on or off, alone. It runs in a process group of its own, which is
// killed as soon as it ends or its time is up, so that nothing of it is left. It may be used by many goroutines.
type Exec struct {
	argv    []string
	timeout time.Duration
}

// NewExec makes a switch of a program, by absolute path or by a name in PATH, and its first arguments. The timeout is of one
// run.
func NewExec(argv []string, timeout time.Duration) (*Exec, error) {
	switch {
	case len(argv) == 0 || argv[0] == "":
		return nil, errors.New("make power switch: it names no program")
	case strings.Contains(argv[0], "/") && !filepath.IsAbs(argv[0]):
		return nil, fmt.Errorf("make power switch: the program %q must be an absolute path, or a name found in PATH", argv[0])
	case timeout <= 0:
		return nil, errors.New("make power switch: its timeout must be more than 0")
	}
	return &Exec{argv, timeout}, nil
}

// Off asks for the power of a node to be cut. It may be repeated.
func (e *Exec) Off(ctx context.Context, node string) error {
	_, err := e.run(ctx, "off", node)
	return err
}

// IsOff asks whether the machine of a node is off now.
func (e *Exec) IsOff(ctx context.Context, node string) (bool, error) {
	answer, err := e.run(ctx, "status", node)
	if err != nil {
		return false, err
	}
	return isOff(strings.TrimSpace(string(answer)), answer)
}

func (e *Exec) run(ctx context.Context, verb, node string) ([]byte, error) {
	if err := checkNode(node); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, e.argv[0], append(e.argv[1:len(e.argv):len(e.argv)], verb, node)...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = time.Second
	var out, complaint bounded
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("run power switch: %w", err)
	}
	err := cmd.Wait()
	_ = killGroup(cmd) // what it left behind, if anything
	return answerOf(ctx, err, &out, &complaint)
}

func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

func answerOf(ctx context.Context, err error, out, complaint *bounded) ([]byte, error) {
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("run power switch: it did not answer in time: %w", ctx.Err())
	case err != nil:
		return nil, fmt.Errorf("run power switch: %w: it said %s", err, excerpt(complaint.kept.Bytes()))
	case out.over:
		return nil, fmt.Errorf("read the answer of the power switch: it is longer than %d bytes", maxAnswer)
	}
	return out.kept.Bytes(), nil
}

// bounded keeps the begin of what is written to it and notes when there was more.
type bounded struct {
	kept bytes.Buffer
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	room := maxAnswer - b.kept.Len()
	b.over = b.over || len(p) > room
	b.kept.Write(p[:min(len(p), room)])
	return len(p), nil
}
