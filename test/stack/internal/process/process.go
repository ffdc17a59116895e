// Package process runs child processes that cannot outlive their parent.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// tailBytes is how much of a log is quoted when a process fails.
const tailBytes = 2 << 10

// Launcher starts processes that the kernel kills when this process ends, however it ends.
//
// The kernel watches the thread that started a child, not the process. So all children are started by one goroutine that
// holds its thread until Close.
type Launcher struct {
	starts chan func()
}

// NewLauncher returns a Launcher. Closing it kills what it started.
func NewLauncher() *Launcher {
	l := &Launcher{starts: make(chan func())}
	go l.run()
	return l
}

func (l *Launcher) run() {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	if syscall.Gettid() == os.Getpid() {
		l.runElsewhere()
		return
	}
	for start := range l.starts {
		start()
	}
}

// runElsewhere runs on another thread: the main one does not end with its goroutine. It is held meanwhile, so that the other
// cannot be it.
func (l *Launcher) runElsewhere() {
	defer runtime.UnlockOSThread()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.run()
	}()
	<-ended
}

// Close ends the starting thread, and so kills every process that is left.
func (l *Launcher) Close() {
	close(l.starts)
}

// Start starts cmd as exec.Cmd.Start does, and has it killed when this process ends.
func (l *Launcher) Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	result := make(chan error)
	l.starts <- func() { result <- cmd.Start() }
	return <-result
}

// Process is a started child whose end is waited for in the background.
type Process struct {
	Name string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
}

// Spec says what to start.
type Spec struct {
	Name string
	Args []string
	Dir  string
	// Env is added to the environment and wins over what is in it.
	Env []string
	// Log is the file both output streams are appended to.
	Log string
}

// Run starts a process with an environment of its own, so that nothing of the caller's leaks in.
func (l *Launcher) Run(spec Spec) (*Process, error) {
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", spec.Name, err)
	}
	defer log.Close()
	cmd := exec.Command(spec.Args[0], spec.Args[1:]...)
	cmd.Dir = spec.Dir
	cmd.Env = append([]string{"HOME=" + spec.Dir, "TMPDIR=" + os.TempDir(), "PATH=" + os.Getenv("PATH")}, spec.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := l.Start(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	p := &Process{Name: spec.Name, cmd: cmd, log: spec.Log, done: make(chan struct{})}
	go p.wait()
	return p, nil
}

func (p *Process) wait() {
	_ = p.cmd.Wait() // how it ended stays in ProcessState
	close(p.done)
}

// PID is the id of the process, also after it ended.
func (p *Process) PID() int {
	return p.cmd.Process.Pid
}

// Running says whether the process has not ended yet.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Kill ends the process without a goodbye and returns when it is gone.
func (p *Process) Kill(ctx context.Context) error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", p.Name, err)
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of %s: %w", p.Name, ctx.Err())
	}
}

// Finish waits for a process that ends by itself. That it ends otherwise than well is an error.
func (p *Process) Finish(ctx context.Context) error {
	select {
	case <-p.done:
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of %s: %w", p.Name, ctx.Err())
	}
	if p.cmd.ProcessState.Success() {
		return nil
	}
	return p.Err()
}

// Err says how the process ended, with the end of its log; it is nil while the process runs.
func (p *Process) Err() error {
	if p.Running() {
		return nil
	}
	return fmt.Errorf("%s ended (%v); the end of %s:\n%s", p.Name, p.cmd.ProcessState, p.log, p.Tail())
}

// Tail returns the end of the log.
func (p *Process) Tail() string {
	file, err := os.Open(p.log)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if size, err := file.Seek(0, io.SeekEnd); err == nil {
		_, _ = file.Seek(max(0, size-tailBytes), io.SeekStart)
	}
	tail, err := io.ReadAll(file)
	if err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(tail))
}

// RSS is the resident memory of the process in bytes, or zero when it does not run.
func (p *Process) RSS() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil || !p.Running() {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmRSS:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}
