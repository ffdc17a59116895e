package responderstest

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// UIDOf is the UID that a server in memory gives to an object without one.
func UIDOf(kind, namespace, name string) types.UID {
	return types.UID("uid-" + strings.ToLower(kind) + "-" + namespace + "-" + name)
}

// InMemory makes clients of a new server that holds the objects, a tape they pass, and a client of the server's own that
// passes none, to look and to play the rest of the world.
func InMemory(t *testing.T, objects ...runtime.Object) (Clusters, *Tape, kubernetes.Interface) {
	t.Helper()
	server, err := NewServer(objects...)
	if err != nil {
		t.Fatal(err)
	}
	return server.Clients(t)
}

// Clients makes clients of the server, as [InMemory] does.
func (s *Server) Clients(t *testing.T) (Clusters, *Tape, kubernetes.Interface) {
	t.Helper()
	tape := NewTape()
	clusters, err := tape.Clusters(s.Config(), s.Config())
	if err != nil {
		t.Fatal(err)
	}
	own, err := kubernetes.NewForConfig(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	return clusters, tape, own
}

// Machine is the power switch of machines that obey at once. Its calls pass the tape.
type Machine struct {
	Tape *Tape
	Down map[string]bool // by node
}

// IsOff says whether the machine is off.
func (m *Machine) IsOff(ctx context.Context, node string) (bool, error) {
	err := m.Tape.Do(ctx, Call{Who: Switch, Verb: "status", Resource: "power", Name: node}, func() error { return nil })
	m.Tape.mu.Lock()
	defer m.Tape.mu.Unlock()
	return m.Down[node], err
}

// Off switches the machine off.
func (m *Machine) Off(ctx context.Context, node string) error {
	return m.Tape.Do(ctx, Call{Who: Switch, Verb: "off", Resource: "power", Name: node}, func() error {
		m.Tape.mu.Lock()
		defer m.Tape.mu.Unlock()
		m.Down[node] = true
		return nil
	})
}

// Patch is a JSON merge patch of what the rest of the world changes.
func Patch(fields map[string]any) []byte {
	raw, err := json.Marshal(fields)
	if err != nil {
		panic(err) // a test wrote something that is not JSON
	}
	return raw
}
