package stack

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/salvor-io/salvor/test/stack/internal/control"
	"github.com/salvor-io/salvor/test/stack/internal/parts"
)

// stopLimit is how long a supervisor may take to stop before it is killed.
const stopLimit = 15 * time.Second

// owner is what holds a supervisor, whose own child it may be or not.
type owner struct {
	pid        int
	supervisor *exec.Cmd // nil for one that somebody else started
	leash      io.Closer // nil for one that is detached

	stopOnce sync.Once
	stopErr  error
}

// supervision says which supervisor is started and how.
type supervision struct {
	// Command is the command of the stack program that is the supervisor.
	Command string
	// Dir is the folder of what is supervised; it holds config.json.
	Dir      string
	Detached bool
	Log      io.Writer
}

// launch starts a supervisor and reads what it says until it is ready, of which it returns the last. The supervisor ends when
// its standard input does.
func (o *owner) launch(ctx context.Context, program string, s supervision) (last control.Message, err error) {
	log, err := os.Create(filepath.Join(s.Dir, "logs", "supervisor.log"))
	if err != nil {
		return last, err
	}
	defer log.Close()
	cmd := exec.Command(program, s.Command, filepath.Join(s.Dir, "config.json"))
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // an interrupt at the terminal is for the owner to handle
	if s.Detached {
		cmd.Args = append(cmd.Args, "detached")
	} else if o.leash, err = cmd.StdinPipe(); err != nil {
		return last, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return last, err
	}
	if err := cmd.Start(); err != nil {
		return last, err
	}
	o.supervisor, o.pid = cmd, cmd.Process.Pid
	stopKilling := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	last, err = follow(out, s.Log)
	if !stopKilling() {
		err = errors.Join(err, ctx.Err())
	}
	if err != nil {
		_ = o.end() // why it did not start says more than how it ended
	}
	return last, err
}

// follow reads a supervisor's messages until it says that it is ready.
func follow(out io.Reader, log io.Writer) (control.Message, error) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var message control.Message
		if err := json.Unmarshal(lines.Bytes(), &message); err != nil {
			return message, fmt.Errorf("read what the supervisor says: %w", err)
		}
		switch {
		case message.Error != "":
			return message, errors.New(message.Error)
		case message.State != nil || message.Store != nil:
			return message, nil
		default:
			fmt.Fprintln(log, message.Progress)
		}
	}
	return control.Message{}, errors.Join(errors.New("the supervisor ended"), lines.Err())
}

// stop ends the supervisor and returns when it is gone.
func (o *owner) stop() error {
	o.stopOnce.Do(func() {
		if o.supervisor != nil && o.leash != nil {
			o.stopErr = o.end()
		} else {
			o.stopErr = o.endForeign()
		}
	})
	return o.stopErr
}

// end lets go of the leash and waits for the supervisor, whose children die with it.
func (o *owner) end() error {
	if o.leash != nil {
		_ = o.leash.Close()
	}
	killed := time.AfterFunc(stopLimit, func() { _ = o.supervisor.Process.Kill() })
	err := o.supervisor.Wait()
	if !killed.Stop() {
		return fmt.Errorf("stop supervisor: killed after %s", stopLimit)
	}
	if err != nil {
		return fmt.Errorf("stop supervisor: %w", err)
	}
	return nil
}

// endForeign asks a supervisor that is not this process's child to stop, and waits until it is gone.
func (o *owner) endForeign() error {
	if err := syscall.Kill(o.pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop supervisor: %w", err)
	}
	for deadline := time.Now().Add(stopLimit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if !running(o.pid) {
			return nil
		}
	}
	return errors.Join(fmt.Errorf("stop supervisor: killed after %s", stopLimit), syscall.Kill(o.pid, syscall.SIGKILL))
}

// readState reads the state a supervisor left in its folder.
func readState(dir string, state any) error {
	data, err := os.ReadFile(filepath.Join(dir, control.StateFile))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, state); err != nil {
		return fmt.Errorf("read state in %s: %w", dir, err)
	}
	return nil
}

// running says whether pid is a supervisor that has not ended.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	command, rest, _ := strings.Cut(string(stat), ") ")
	return strings.HasSuffix(command, "("+parts.Stack) && !strings.HasPrefix(rest, "Z")
}
