package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/salvor-io/salvor/test/rig"
	"github.com/salvor-io/salvor/test/stack"
)

// ready says whether /readyz answers 200 now.
func ready(ctx context.Context, client *http.Client, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// launched is a salvor process with an empty store of its own.
type launched struct {
	cmd *exec.Cmd
	log *os.File
	dir string // its store is in data
	url string
}

// launch starts a salvor with the shipped settings and says how long it took until it was ready. More is the rest of its salvor.yaml;
// "" watches no cluster.
func (b *bench) launch(ctx context.Context, more string) (*launched, time.Duration, error) {
	dir, err := b.scratch()
	if err != nil {
		return nil, 0, err
	}
	address, err := rig.FreeAddress()
	if err != nil {
		return nil, 0, err
	}
	file := filepath.Join(dir, "salvor.yaml")
	text := fmt.Sprintf("data_dir: %s\nlisten: {address: %s}\n%s", filepath.Join(dir, "data"), address, more)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, 0, fmt.Errorf("write salvor.yaml: %w", err)
	}
	s := &launched{cmd: exec.Command(b.binary, "serve", "--config", file, "--replica", "bench"), dir: dir, url: "http://" + address}
	if s.log, err = os.Create(filepath.Join(dir, "log")); err != nil {
		return nil, 0, fmt.Errorf("open the log: %w", err)
	}
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	began := time.Now()
	if err := stack.StartChild(s.cmd); err != nil {
		return nil, 0, errors.Join(fmt.Errorf("start salvor: %w", err), s.log.Close())
	}
	if err := untilReady(ctx, s.url); err != nil {
		return nil, 0, errors.Join(err, s.end())
	}
	return s, time.Since(began), nil
}

// untilReady asks every 2 ms.
func untilReady(ctx context.Context, url string) error {
	client := &http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	for late := time.Now().Add(30 * time.Second); ; {
		switch {
		case ready(ctx, client, url):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(late):
			return errors.New("salvor was not ready within 30 s")
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// end asks the process to end and waits for it.
func (s *launched) end() error {
	killed := time.AfterFunc(20*time.Second, func() { _ = s.cmd.Process.Kill() })
	defer killed.Stop()
	err := s.cmd.Process.Signal(syscall.SIGTERM)
	return errors.Join(err, s.cmd.Wait(), s.log.Close())
}

// memory is what the kernel says of the process's memory in MiB: VmRSS is what is resident now, VmHWM the most that ever was.
func (s *launched) memory(what string) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read the process's memory: %w", err)
	}
	return memoryOf(string(status), what)
}

// memoryOf reads one line about memory, in MiB, from what the kernel says of a process.
func memoryOf(status, what string) (float64, error) {
	for line := range strings.Lines(status) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == what+":" && fields[2] == "kB" {
			kib, err := strconv.ParseFloat(fields[1], 64)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("read the process's memory: no %s is there", what)
}
