package doctor_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/salvor-io/salvor/events/jetstream"
	"github.com/salvor-io/salvor/internal/doctor"
)

// alone is a configuration with nothing but a store.
func alone(t *testing.T, text string) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, "salvor.yaml")
	if err := os.WriteFile(path, []byte("data_dir: data\nlisten: {socket: s}\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, path
}

func examine(t *testing.T, path string) doctor.Report {
	return doctor.Examine(t.Context(), doctor.Options{Config: path, AlertWaits: time.Second, Log: slog.New(slog.DiscardHandler)})
}

// TestStoreThatIsNotThereYet holds that it is tried and that nothing of the trial stays.
func TestStoreThatIsNotThereYet(t *testing.T) {
	dir, path := alone(t, "")
	r := examine(t, path)
	holds(t, r, doctor.OK, "takes writes", "a new store beside "+dir+"/data, which does not exist yet, recorded one event")
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestStoreThatIsThere(t *testing.T) {
	dir, path := alone(t, "")
	store := filepath.Join(dir, "data", "nats")
	if err := os.MkdirAll(store, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		holds(t, examine(t, path), doctor.OK, "takes writes", "the store in "+dir+"/data recorded one event durably")
	}
	held, err := jetstream.Embed(t.Context(), jetstream.EmbedOptions{StoreDir: store}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	holds(t, examine(t, path), doctor.Problem, "opens", "in use by another salvor process")
}

func TestStoreWithoutRoom(t *testing.T) {
	_, path := alone(t, "nats: {max_store: 900TiB}\n")
	holds(t, examine(t, path), doctor.Warning, "room", "but the store may grow to 900TiB")
}

func TestExternalStore(t *testing.T) {
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	go srv.Start()
	defer srv.Shutdown()
	if !srv.ReadyForConnections(30 * time.Second) {
		t.Fatal("nats does not start")
	}
	_, path := alone(t, "nats: {url: "+srv.ClientURL()+"}\n")
	r := examine(t, path)
	holds(t, r, doctor.OK, "takes writes", "NATS at "+srv.ClientURL()+" recorded one event durably")
	holds(t, r, doctor.Warning, "durable", "1 copy: cannot tell whether it fsyncs")
	if strings.Contains(text(r), "room") {
		t.Errorf("room of data_dir does not matter to an external store\n%s", text(r))
	}
	srv.Shutdown()
	srv.WaitForShutdown()
	holds(t, examine(t, path), doctor.Problem, "opens", "connect to nats")
}

func TestNoConfiguration(t *testing.T) {
	r := examine(t, filepath.Join(t.TempDir(), "none.yaml"))
	holds(t, r, doctor.Problem, "loads", "no such file")
	if len(r.Findings) != 1 {
		t.Errorf("more was examined\n%s", text(r))
	}
}
