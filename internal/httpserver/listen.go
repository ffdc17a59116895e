package httpserver

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"
)

func (s *Server) listen() error {
	tcp, err := net.Listen("tcp", s.opts.Address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.opts.Address, err)
	}
	if s.opts.TLS != nil {
		tcp = tls.NewListener(tcp, s.opts.TLS)
	}
	s.listeners = append(s.listeners, tcp)
	if s.opts.Socket == "" {
		return nil
	}
	socket, err := listenUnix(s.opts.Socket)
	if err != nil {
		return fmt.Errorf("listen on socket %s: %w", s.opts.Socket, err)
	}
	s.listeners = append(s.listeners, socket)
	return nil
}

// listenUnix opens a socket for its owner alone. It takes the place of a socket that a dead process left, never of one that
// somebody serves. Closing it removes it.
func listenUnix(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if err := clearStale(path); err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func clearStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return errors.New("something else is there: move it away, or name another path as listen.socket")
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		return errors.Join(errors.New("another salvor serves it: stop that one, or name another path as listen.socket"), c.Close())
	}
	return os.Remove(path)
}
