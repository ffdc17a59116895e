package stack_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/salvor-io/salvor/test/stack"
)

// asOwner is set for the copy of the test binary that owns a stack and is killed.
const asOwner = "SALVOR_STACK_TEST_OWNER"

// owned is what the owner tells of its stack before it is killed.
type owned struct {
	Dir  string
	PIDs []int
}

// TestOwnerKilled kills the owner of a stack with kill -9, and nothing is left of the stack: no process and no file.
func TestOwnerKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a real control plane")
	}
	t.Parallel()
	owner := exec.Command(os.Args[0], "-test.run=^TestOwner$", "-test.timeout=15m")
	owner.Env = append(os.Environ(), asOwner+"=yes")
	owner.Stderr = t.Output()
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stack.StartChild(owner); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var is owned
	if err := json.Unmarshal(line, &is); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	if left := alive(is.PIDs); len(left) != len(is.PIDs) || len(left) < 10 {
		t.Fatalf("only %v run of %v", left, is.PIDs)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // it was killed
	eventually(t, 10*time.Second, "nothing is left", func() error {
		if left := alive(is.PIDs); len(left) > 0 {
			return errors.New("processes are left")
		}
		if _, err := os.Stat(is.Dir); !errors.Is(err, fs.ErrNotExist) {
			return errors.New("files are left")
		}
		return nil
	})
}

// TestOwner is the owner that TestOwnerKilled kills.
func TestOwner(t *testing.T) {
	if os.Getenv(asOwner) == "" {
		t.Skip("runs as a part of TestOwnerKilled only")
	}
	s := start(t, stack.Options{Log: os.Stderr})
	is := owned{Dir: s.Dir(), PIDs: cluster{t: t, Stack: s}.status()}
	if err := json.NewEncoder(os.Stdout).Encode(is); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
	t.Fatal("nobody killed the owner")
}
