package responderstest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Who makes a call.
type Who string

// The callers: the two credentials of a cluster, and a power switch.
const (
	Reader Who = "reader"
	Writer Who = "writer"
	Switch Who = "switch"
)

// Call is one call to the world.
type Call struct {
	Who             Who
	Verb            string // as RBAC spells it
	Group, Resource string
	Namespace, Name string
	Patch           string // what a patch changes, without the state it is bound to
}

func (c Call) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s/%s %s", c.Who, c.Verb, c.Resource, c.Namespace, c.Name, c.Patch))
}

// IsWrite says whether the call changes the world.
func (c Call) IsWrite() bool {
	return !slices.Contains([]string{"get", "list", "watch", "status"}, c.Verb)
}

// Tape stands between a responder and the world. It records the calls, and the writes that landed, and breaks what it is
// told to break.
type Tape struct {
	mu     sync.Mutex
	calls  []Call
	landed []Call
	tried  int // writes since the tape was armed, those that were broken or that the world refused included
	lands  int // writes since then that landed
	faults faults
}

// faults say what breaks. Writes are counted from 1; 0 breaks none. A write that the world refuses, such as one that conflicts
// with another's, is tried and does not land.
type faults struct {
	before  int                // the write that is tried as this one fails and does not land
	after   int                // the write that lands as this one loses its answer
	cancel  context.CancelFunc // called before the write that fails, if any
	refuse  bool               // every call fails
	hang    chan<- struct{}    // every call says so here and hangs until its context ends
	consent func() error       // asked at each write
}

var errBroken = errors.New("the suite broke the connection")

// NewTape makes a tape that breaks nothing.
func NewTape() *Tape { return &Tape{} }

// Do makes a call to something that is not Kubernetes, such as a power switch.
func (t *Tape) Do(ctx context.Context, call Call, do func() error) error {
	if err := t.begin(ctx, call); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return t.end(call)
}

// begin records a call and breaks it if told to.
func (t *Tape) begin(ctx context.Context, call Call) error {
	t.mu.Lock()
	t.calls = append(t.calls, call)
	now := t.faults
	var nth int
	if call.IsWrite() {
		t.tried++
		nth = t.tried
	}
	t.mu.Unlock()
	if now.hang != nil {
		select {
		case now.hang <- struct{}{}:
		default:
		}
		<-ctx.Done()
		return ctx.Err()
	}
	if call.IsWrite() && now.consent != nil {
		if err := now.consent(); err != nil {
			return fmt.Errorf("%s: %w", call, err)
		}
	}
	if nth > 0 && nth == now.before && now.cancel != nil {
		now.cancel()
	}
	if now.refuse || nth > 0 && nth == now.before {
		return errBroken
	}
	return ctx.Err()
}

// end records a call that the world did, and loses its answer if told to.
func (t *Tape) end(call Call) error {
	if !call.IsWrite() {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.landed = append(t.landed, call)
	if t.lands++; t.lands == t.faults.after {
		return errBroken
	}
	return nil
}

// set arms the tape and begins to count anew.
func (t *Tape) set(f faults) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults, t.tried, t.lands = f, 0, 0
}

func (t *Tape) seen() (calls, landed []Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.calls), slices.Clone(t.landed)
}

// Clusters gives out clients whose calls go through the tape, the same for every cluster.
type Clusters struct {
	reader, writer             kubernetes.Interface
	customReader, customWriter dynamic.Interface
}

// Reader gives the client that observes.
func (c Clusters) Reader(string) (kubernetes.Interface, error) { return c.reader, nil }

// Writer gives the client that acts.
func (c Clusters) Writer(string) (kubernetes.Interface, error) { return c.writer, nil }

// Custom gives the client that observes kinds which Kubernetes itself does not define.
func (c Clusters) Custom(string) (dynamic.Interface, error) { return c.customReader, nil }

// CustomWriter gives the client that acts on such kinds.
func (c Clusters) CustomWriter(string) (dynamic.Interface, error) { return c.customWriter, nil }

// Clusters makes clients of the two credentials.
func (t *Tape) Clusters(reader, writer *rest.Config) (Clusters, error) {
	observe, custom, err := t.clients(reader, Reader)
	if err != nil {
		return Clusters{}, err
	}
	act, customAct, err := t.clients(writer, Writer)
	return Clusters{observe, act, custom, customAct}, err
}

func (t *Tape) clients(config *rest.Config, who Who) (kubernetes.Interface, dynamic.Interface, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &head{t, who, next} })
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("make client of the %s: %w", who, err)
	}
	custom, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("make dynamic client of the %s: %w", who, err)
	}
	return client, custom, nil
}

// head is where requests to an API server pass the tape.
type head struct {
	tape *Tape
	who  Who
	next http.RoundTripper
}

func (h *head) RoundTrip(request *http.Request) (*http.Response, error) {
	call := callOf(request)
	call.Who = h.who
	if call.Verb == "create" && call.Name == "" {
		call.Name = nameIn(request)
	}
	if call.Verb == "patch" {
		call.Patch = patchIn(request)
	}
	if err := h.tape.begin(request.Context(), call); err != nil {
		return nil, err
	}
	response, err := h.next.RoundTrip(request)
	if err != nil || response.StatusCode > 299 {
		return response, err
	}
	if err := h.tape.end(call); err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	return response, nil
}
