package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/salvor-io/salvor/internal/api"
)

const (
	serverWithin = 5 * time.Second // one question to the running server
	maxAnswer    = 16 << 20        // bytes read of any answer
)

// server is the salvor that may be running with this configuration, asked through its Unix socket.
type server struct {
	socket string
	http   *http.Client
}

func newServer(socket string) *server {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	return &server{socket, &http.Client{Timeout: serverWithin, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}
}

// answer is what became of the question whether a server runs.
type answer struct {
	runs    bool     // it answered
	ready   bool     // with 200
	checks  []string // the lines of /readyz
	version string
	err     error // why it is not known whether one runs; nil when none does
}

// look asks whether a server runs and is ready.
func (s *server) look(ctx context.Context) answer {
	got, err := s.get(ctx, "/readyz")
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return answer{}
	case err != nil:
		return answer{err: err}
	}
	a := answer{runs: true, ready: got.status == http.StatusOK, checks: lines(got.body)}
	var v api.Version
	if got, err = s.get(ctx, "/v1/version"); err == nil && json.Unmarshal(got.body, &v) == nil {
		a.version = v.Version // empty when it says nothing of use
	}
	return a
}

// alerts are the alerts of a name that the server has in its view.
func (s *server) alerts(ctx context.Context, name string) ([]api.Alert, error) {
	got, err := s.get(ctx, "/v1/alerts?name="+url.QueryEscape(name))
	if err != nil {
		return nil, err
	}
	if got.status != http.StatusOK {
		return nil, fmt.Errorf("ask the server for its alerts: it answers %d: %s", got.status, excerpt(got.body))
	}
	var list []api.Alert
	if err := json.Unmarshal(got.body, &list); err != nil {
		return nil, fmt.Errorf("read the server's alerts: %w", err)
	}
	return list, nil
}

func (s *server) get(ctx context.Context, path string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://salvor"+path, nil)
	if err != nil {
		return reply{}, fmt.Errorf("ask the server: %w", err)
	}
	return fetch(s.http, req)
}

// reply is what a server answered.
type reply struct {
	status int
	body   []byte
	date   time.Time // by its clock; zero when it does not say
}

func fetch(client *http.Client, req *http.Request) (reply, error) {
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return reply{}, fmt.Errorf("read the answer of %s: %w", req.URL.Path, err)
	}
	date, _ := http.ParseTime(resp.Header.Get("Date")) // zero when there is none
	return reply{resp.StatusCode, body, date}, nil
}

// running says whether a server runs with this configuration, and how it is.
func (e *exam) running(said answer) []Finding {
	s := &sheet{part: "server"}
	socket := e.cfg.Listen.Socket
	switch {
	case errors.Is(said.err, fs.ErrPermission):
		s.problem("runs", "run salvor doctor as the user that salvor runs as, or as root", "%s may not be used by you, so that what a running server says is not known", socket)
	case said.err != nil:
		s.problem("runs", "see its log; is the process stopped, or another program at the socket?", "something listens on %s and does not answer: %v", socket, said.err)
	case !said.runs:
		s.ok("runs", "no server runs here (nothing listens on %s)", socket)
	case !said.ready:
		s.problem("ready", "see the log of salvor", "the server is not ready: %s", strings.Join(said.checks, "; "))
	default:
		s.ok("ready", "the server answers on %s: %s", socket, strings.Join(said.checks, "; "))
	}
	if said.version != "" && said.version != e.Version {
		s.warn("version", "restart the server after an upgrade, and run the doctor of the same version", "the server is %s, this doctor is %s", said.version, e.Version)
	}
	return s.findings
}

func lines(text []byte) []string {
	return strings.Split(strings.TrimSpace(string(text[:min(len(text), 4<<10)])), "\n")
}

// excerpt is the begin of an answer, in one line.
func excerpt(text []byte) string {
	const most = 200
	return strings.Join(strings.Fields(string(text[:min(len(text), most)])), " ")
}
