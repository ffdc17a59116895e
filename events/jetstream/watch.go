package jetstream

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

const (
	examineEvery = 2 * time.Second        // how often a well server is looked at
	probeEvery   = 250 * time.Millisecond // how often a full disk is tried
	restartPause = 2 * time.Second        // between two restarts in a row
	headroom     = 2 << 20                // bytes that must fit before a restart is worth while
)

// healthy says what keeps the store from taking writes.
func (e *embedded) healthy() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.trouble
}

// suspect asks for an examination now.
func (e *embedded) suspect() {
	select {
	case e.suspicion <- struct{}{}:
	default:
	}
}

// watch looks after the server until stop.
func (e *embedded) watch() {
	defer close(e.watched)
	turn := time.NewTicker(examineEvery)
	defer turn.Stop()
	for {
		select {
		case <-e.stop:
			return
		case <-turn.C:
		case <-e.suspicion:
		}
		if err := e.examine(); err != nil {
			e.mend(err)
		}
	}
}

// examine says what the server reports to be wrong with its streams.
func (e *embedded) examine() error {
	srv := e.current()
	if srv == nil {
		return errors.New("embedded nats does not run")
	}
	if h := srv.Healthz(nil); h.StatusCode != http.StatusOK {
		return fmt.Errorf("embedded nats: %s", h.Error)
	}
	return nil
}

// mend restarts the server as soon as its directory takes writes again, and as often as it needs. A stream that met a
// write error refuses everything until then, so nothing is lost by stopping it.
func (e *embedded) mend(cause error) {
	e.setTrouble(cause)
	e.log.Error("event store takes no writes, waiting for its directory to take them again",
		"error", cause, "dir", e.opts.StoreDir)
	for pause := time.Duration(0); ; pause = restartPause {
		if !e.sleep(pause) || !e.awaitSpace() {
			return
		}
		if err := e.restart(); err != nil {
			e.setTrouble(err)
			e.log.Error("embedded nats did not restart, trying again", "error", err)
			continue
		}
		if err := e.examine(); err != nil {
			e.setTrouble(err)
			continue
		}
		e.setTrouble(nil)
		e.log.Info("event store takes writes again", "dir", e.opts.StoreDir)
		return
	}
}

func (e *embedded) restart() error {
	if err := e.halt(); err != nil {
		return err
	}
	return e.start(startWithin)
}

// awaitSpace returns true when the directory takes writes and false when the server is to stop.
func (e *embedded) awaitSpace() bool {
	for {
		err := tryWrite(e.opts.StoreDir)
		if err == nil {
			return true
		}
		e.setTrouble(fmt.Errorf("event store takes no writes: %w", err))
		if !e.sleep(probeEvery) {
			return false
		}
	}
}

func (e *embedded) setTrouble(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.trouble = err
}

// sleep returns false when the server is to stop.
func (e *embedded) sleep(d time.Duration) bool {
	select {
	case <-e.stop:
		return false
	case <-time.After(d):
		return true
	}
}

// tryWrite writes and syncs a file of headroom bytes in dir and removes it.
func tryWrite(dir string) error {
	f, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, headroom))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}
