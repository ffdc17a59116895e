package supervisor

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/salvor-io/salvor/test/stack/internal/control"
	"github.com/salvor-io/salvor/test/stack/internal/process"
)

// keeper runs one object store with one bucket.
type keeper struct {
	config   control.StoreConfig
	launcher *process.Launcher
	state    control.StoreState
	port     int

	mu     sync.Mutex
	server *process.Process // nil before the first start
}

// RunStore starts the object store that config describes, tells its start on out as lines of control.Message, and runs it until
// ctx ends. When it returns, its process is gone.
func RunStore(ctx context.Context, config control.StoreConfig, out io.Writer) error {
	k := &keeper{config: config, launcher: process.NewLauncher()}
	defer k.cleanUp()
	say := json.NewEncoder(out)
	if err := k.open(ctx); err != nil {
		return errors.Join(err, say.Encode(control.Message{Error: err.Error()}))
	}
	if err := say.Encode(control.Message{Store: &k.state}); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// open makes the bucket, starts the server and the control server, and leaves in the folder what it takes to find the store.
func (k *keeper) open(ctx context.Context) error {
	port, err := newPorts().free()
	if err != nil {
		return err
	}
	k.port = port
	k.state = control.StoreState{
		PID: os.Getpid(), Dir: k.config.Dir, ControlToken: rand.Text(),
		Bucket: control.Bucket{
			URL: "http://" + address(port), Region: "eu-west-1", Name: "backups", AccessKey: rand.Text(), SecretKey: rand.Text(),
		},
	}
	k.state.Files = filepath.Join(k.config.Dir, "buckets", k.state.Bucket.Name)
	for _, folder := range []string{k.state.Files, filepath.Join(k.config.Dir, "meta"), filepath.Join(k.config.Dir, "logs")} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	if err := k.start(ctx); err != nil {
		return fmt.Errorf("start the object store: %w", err)
	}
	if k.state.ControlURL, err = serve(authorized(k.state.ControlToken, k.handler())); err != nil {
		return err
	}
	return k.writeState()
}

func (k *keeper) writeState() error {
	data, err := json.MarshalIndent(k.state, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(k.config.Dir, control.StateFile), data, 0o600)
}

// handler is the server through which the owner breaks and mends the store.
func (k *keeper) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, do := range map[string]func(context.Context) error{"POST /fail": k.kill, "POST /heal": k.start} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			perform(w, r, func(ctx context.Context, _ *http.Request) error { return do(ctx) })
		})
	}
	return mux
}

// start starts the server, unless it runs, and returns when it answers.
func (k *keeper) start(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.server != nil && k.server.Running() {
		return nil
	}
	server, err := k.launcher.Run(k.spec())
	if err != nil {
		return err
	}
	k.server = server
	return await(ctx, server.Name, func(ctx context.Context) error {
		return answers(ctx, http.DefaultClient, k.state.Bucket.URL+"/health")
	}, server)
}

// kill ends the server. What it stored stays.
func (k *keeper) kill(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.server == nil {
		return nil
	}
	return k.server.Kill(ctx)
}

// spec is the server, which keeps what it knows of objects beside them: not every file system has extended attributes.
func (k *keeper) spec() process.Spec {
	server := spec(k.config.Dir, "versitygw", []string{
		k.config.Binary, "--port", address(k.port), "--health", "/health", "--region", k.state.Bucket.Region,
		"posix", "--sidecar", filepath.Join(k.config.Dir, "meta"), filepath.Dir(k.state.Files),
	})
	server.Env = []string{"ROOT_ACCESS_KEY=" + k.state.Bucket.AccessKey, "ROOT_SECRET_KEY=" + k.state.Bucket.SecretKey}
	return server
}

func (k *keeper) cleanUp() {
	ctx, cancel := context.WithTimeout(context.Background(), killLimit)
	defer cancel()
	_ = k.kill(ctx) // what does not die here dies with the launcher
	k.launcher.Close()
	_ = os.Remove(filepath.Join(k.config.Dir, control.StateFile))
	if k.config.Temporary {
		_ = os.RemoveAll(k.config.Dir)
	}
}
