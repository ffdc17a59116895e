package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/jetstream"
	"github.com/salvor-io/salvor/internal/app"
	"github.com/salvor-io/salvor/internal/config"
)

// storeWithin bounds the opening of the store, and again the event that is written and read.
const storeWithin = 30 * time.Second

// store examines where events are kept.
func (e *exam) store(ctx context.Context, said answer) []Finding {
	s := &sheet{part: "store"}
	switch {
	case e.cfg.NATS.URL != "":
		e.tryStore(ctx, s, e.cfg, "NATS at "+e.cfg.NATS.URL)
	case said.runs:
		s.askedStore(said)
	case said.err != nil:
		s.warn("takes writes", "mend what is said of the server first", "not tried: a server may be using %s", e.cfg.DataDir)
	default:
		e.embedded(ctx, s)
	}
	if e.cfg.NATS.URL == "" {
		room(s, e.cfg)
	}
	return s.findings
}

// askedStore says what the server that has the store open says of it.
func (s *sheet) askedStore(said answer) {
	for _, line := range said.checks {
		if name, state, _ := strings.Cut(line, ": "); name == "store" && state == "ok" {
			s.ok("takes writes", "the running server, which has it open alone, says that it takes writes")
			return
		} else if name == "store" {
			s.problem("takes writes", "free space in data_dir; the server goes on by itself then", "the running server says of it: %s", state)
			return
		}
	}
	s.problem("takes writes", "is the program at the socket a salvor of this version?", "the running server says nothing of the store")
}

// embedded tries the store in data_dir. One that does not exist yet is tried in a folder beside it that is removed again, so
// that nothing is made in the name of who happens to run this.
func (e *exam) embedded(ctx context.Context, s *sheet) {
	const as = "run salvor doctor as the user that salvor runs as"
	info, err := os.Stat(filepath.Join(e.cfg.DataDir, "nats"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		s.problem("takes writes", as, "data_dir cannot be looked at: %v", err)
		return
	case !ours(info):
		s.problem("takes writes", as, "%s belongs to another user: files written there now would be out of salvor's reach", e.cfg.DataDir)
		return
	default:
		e.tryStore(ctx, s, e.cfg, "the store in "+e.cfg.DataDir)
		return
	}
	beside, err := os.MkdirTemp(existing(e.cfg.DataDir), ".salvor-doctor-")
	if err != nil {
		s.problem("takes writes", "make "+e.cfg.DataDir+" and give it to the user that salvor runs as", "data_dir cannot be made: %v", err)
		return
	}
	defer func() {
		if err := os.RemoveAll(beside); err != nil {
			s.warn("takes writes", "remove "+beside, "the folder of the trial could not be removed: %v", err)
		}
	}()
	scratch := *e.cfg
	scratch.DataDir = beside
	e.tryStore(ctx, s, &scratch, "a new store beside "+e.cfg.DataDir+", which does not exist yet,")
}

// ours says whether a file belongs to the user who runs this.
func ours(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(stat.Uid) == os.Getuid()
}

// existing is a directory or the closest one above it that exists.
func existing(dir string) string {
	for {
		if info, err := os.Stat(dir); err == nil && info.IsDir() || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// tryStore opens a store as serve does, writes one event and reads it again.
func (e *exam) tryStore(ctx context.Context, s *sheet, cfg *config.Config, what string) {
	opening, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	conn, log, err := app.OpenLog(opening, cfg, e.Log)
	if err != nil {
		s.problem("opens", "serve would fail the same way: make room, raise nats.max_store or stop the other process, as it says", "%s does not open: %v", what, err)
		return
	}
	defer func() {
		if err := errors.Join(log.Close(), conn.Close()); err != nil {
			s.warn("closes", "wait until no salvor doctor runs before salvor serve is started", "%s does not close: %v", what, err)
		}
	}()
	began := time.Now()
	wrote, err := writeAndRead(ctx, log, began)
	if err != nil {
		s.problem("takes writes", "see whether its disk is full; serve answers 503 to posts until it takes writes", "%s took no event: %v", what, err)
		return
	}
	s.ok("takes writes", "%s recorded one event durably in %s and gave it back in %s", what, round(wrote), round(time.Since(began)-wrote))
	if !conn.Embedded() {
		durable(ctx, s, conn)
	}
}

// writeAndRead appends one event of a type that nothing reads and waits until the log gives it back. It returns how long the
// append took.
func writeAndRead(ctx context.Context, log events.Log, now time.Time) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	ev, err := events.New("doctor/"+rand.Text(), "io.salvor.doctor.v1", "/salvor/doctor", events.Fleet, "doctor/store", now, struct{}{})
	if err != nil {
		return 0, err
	}
	receipts, err := log.Append(ctx, ev)
	if err != nil {
		return 0, err
	}
	wrote, found := time.Since(now), errors.New("found")
	err = log.Follow(ctx, receipts[0].Seq-1, func(got events.Recorded) error {
		if got.ID == ev.ID {
			return found
		}
		return nil
	}, nil)
	switch {
	case errors.Is(err, found):
		return wrote, nil
	case err == nil:
		return 0, fmt.Errorf("it was recorded at %d, but not given back within %s", receipts[0].Seq, storeWithin)
	}
	return 0, fmt.Errorf("it was recorded at %d, but not given back: %w", receipts[0].Seq, err)
}

// durable says what is known of when an external NATS fsyncs.
func durable(ctx context.Context, s *sheet, conn *jetstream.Conn) {
	const always = "set jetstream { sync_interval: always } in the configuration of each NATS server and restart it"
	version := conn.NATS().ConnectedServerVersion()
	copies := count(conn.Replicas(), "copy")
	if conn.Replicas() > 1 {
		copies = fmt.Sprintf("%d copies", conn.Replicas())
	}
	switch durability, err := conn.Durable(ctx); {
	case err != nil:
		s.warn("durable", always, "NATS %s, %s: it does not say when it fsyncs: %v", version, copies, err)
	case durability == jetstream.SyncedAtOnce:
		s.ok("durable", "NATS %s, %s: it fsyncs before it acknowledges", version, copies)
	case durability == jetstream.SyncedLater:
		s.warn("durable", always, "NATS %s, %s: it acknowledges before it fsyncs (by default up to 2 minutes); a loss of power then loses events that were answered 2xx", version, copies)
	default:
		s.warn("durable", always+"; to let the doctor see it, let Salvor's account use $SYS.REQ.SERVER.PING.JSZ",
			"NATS %s, %s: cannot tell whether it fsyncs before it acknowledges: this account is not told", version, copies)
	}
}
