package process

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestProcessThatEndsSaysWhatItLogged(t *testing.T) {
	launcher := NewLauncher()
	defer launcher.Close()
	p, err := launcher.Run(Spec{
		Name: "sample", Args: []string{"sh", "-c", "echo out of coffee; exit 3"}, Dir: t.TempDir(),
		Log: filepath.Join(t.TempDir(), "sample.log"),
	})
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return !p.Running() })
	if err := p.Err(); err == nil || !strings.Contains(err.Error(), "exit status 3") ||
		!strings.Contains(err.Error(), "out of coffee") {
		t.Errorf("err = %v, want the exit status and the log", err)
	}
}

func TestKillReturnsWhenTheProcessIsGone(t *testing.T) {
	launcher := NewLauncher()
	defer launcher.Close()
	p, err := launcher.Run(Spec{
		Name: "sleeper", Args: []string{"sleep", "60"}, Dir: t.TempDir(), Log: filepath.Join(t.TempDir(), "log"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if !p.Running() || p.RSS() == 0 || p.Err() != nil {
		t.Errorf("running %t, memory %d, err %v", p.Running(), p.RSS(), p.Err())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for range 2 {
		if err := p.Kill(ctx); err != nil || p.Running() {
			t.Errorf("kill: %v, running %t", err, p.Running())
		}
	}
}

func TestChildrenDieWithTheLauncher(t *testing.T) {
	launcher := NewLauncher()
	cmd := exec.Command("sleep", "60")
	if err := launcher.Start(cmd); err != nil {
		t.Fatal(err)
	}
	launcher.Close()
	ended := make(chan error)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "killed") {
			t.Errorf("ended with %v, want killed", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("the child lives on")
		_ = cmd.Process.Kill()
	}
}

func waitFor(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not within 5 s")
		}
	}
}
