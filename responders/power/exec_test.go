package power

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// script makes a switch of a shell script, with the folder it may write to as its first argument.
func script(t *testing.T, timeout time.Duration, body string) (*Exec, string) {
	dir := t.TempDir()
	file := filepath.Join(dir, "switch")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+body), 0o700); err != nil {
		t.Fatal(err)
	}
	e, err := NewExec([]string{"/bin/sh", file, dir}, timeout)
	if err != nil {
		t.Fatal(err)
	}
	return e, dir
}

func TestExecAsksAsPromised(t *testing.T) {
	t.Setenv("SECRET", "leaked")
	e, dir := script(t, 10*time.Second, `echo "$2 $3 $#" >> $1/log; env | cut -d= -f1 | grep -vE '^(PWD|_|SHLVL|OLDPWD)$' | sort | tr '\n' ' ' >> $1/env; echo off`)
	off, err := e.IsOff(t.Context(), "a.b")
	if err != nil || !off {
		t.Errorf("IsOff: %t, %v", off, err)
	}
	if err := e.Off(t.Context(), "a.b"); err != nil {
		t.Error(err)
	}
	asked, _ := os.ReadFile(filepath.Join(dir, "log"))
	env, _ := os.ReadFile(filepath.Join(dir, "env"))
	if string(asked) != "status a.b 3\noff a.b 3\n" || string(env) != "LANG PATH LANG PATH " {
		t.Errorf("asked %q with the environment %q", asked, env)
	}
}

// Not to know is never off.
func TestExecAnswersThatAreNone(t *testing.T) {
	for body, says := range map[string]string{
		"echo maybe":                 "neither on nor off",
		"echo OFF":                   "neither on nor off",
		"echo off; echo on":          "neither on nor off",
		"true":                       "neither on nor off but nothing",
		"echo off >&2":               "neither on nor off",
		"echo off; exit 3":           "exit status 3",
		"echo locked >&2; exit 1":    `it said "locked"`,
		"head -c 70000 /dev/zero":    "longer than 65536 bytes",
		"echo off; kill -9 $$":       "signal: killed",
		"exec /no/such/program-here": "exit status 127",
	} {
		e, _ := script(t, 10*time.Second, body)
		if off, err := e.IsOff(t.Context(), "a"); off || err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: IsOff: %t, %v, want an error that says %q", body, off, err, says)
		}
	}
	e, err := NewExec([]string{"/no/such/program"}, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if off, err := e.IsOff(t.Context(), "a"); off || err == nil {
		t.Errorf("IsOff: %t, %v", off, err)
	}
}

// TestExecLeavesNothingBehind holds that the program and its children are killed when their time is up.
func TestExecLeavesNothingBehind(t *testing.T) {
	e, dir := script(t, time.Minute, "sleep 300 & echo $! > $1/child.tmp; mv $1/child.tmp $1/child; wait")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.Off(ctx, "a") }()
	child := waitForPID(t, filepath.Join(dir, "child"))
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Off: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Off did not return")
	}
	waitForEnd(t, child)
}

func TestExecLeavesNoChildOfAProgramThatEnded(t *testing.T) {
	e, dir := script(t, time.Minute, "sleep 300 >/dev/null 2>&1 & echo $! > $1/child; echo on")
	if off, err := e.IsOff(t.Context(), "a"); off || err != nil {
		t.Errorf("IsOff: %t, %v", off, err)
	}
	waitForEnd(t, waitForPID(t, filepath.Join(dir, "child")))
}

func TestExecTimeout(t *testing.T) {
	e, _ := script(t, 100*time.Millisecond, "echo off; sleep 300")
	if off, err := e.IsOff(t.Context(), "a"); off || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("IsOff: %t, %v", off, err)
	}
}

func TestExecRefusals(t *testing.T) {
	for _, argv := range [][]string{nil, {""}, {"bin/switch"}, {"./switch"}} {
		if _, err := NewExec(argv, time.Second); err == nil {
			t.Errorf("a switch of %q was made", argv)
		}
	}
	if _, err := NewExec([]string{"/bin/true"}, 0); err == nil {
		t.Error("a switch without a timeout was made")
	}
	named, err := NewExec([]string{"echo"}, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := named.Off(t.Context(), "a"); err != nil {
		t.Errorf("a program in PATH was not found: %v", err)
	}
	e, dir := script(t, 10*time.Second, "touch $1/ran")
	for _, node := range []string{"", "-h", "a b", "$(id)", "../a"} {
		if err := e.Off(t.Context(), node); err == nil {
			t.Errorf("Off(%q) ran", node)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
		t.Error("the program ran")
	}
}

func waitForPID(t *testing.T, file string) int {
	t.Helper()
	for range 2000 {
		if raw, err := os.ReadFile(file); err == nil {
			if pid, err := strconv.Atoi(strings.TrimSpace(string(raw))); err == nil {
				return pid
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the program never started its child")
	return 0
}

// waitForEnd waits until a process is gone, or a zombie that nobody reaps.
func waitForEnd(t *testing.T, pid int) {
	t.Helper()
	for range 2000 {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	t.Errorf("process %d was left behind", pid)
}
