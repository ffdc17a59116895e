package probe

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/test/stack"
)

// mayAsk lets the observer ask about etcd.
const mayAsk = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: salvor-probe}
rules:
- {nonResourceURLs: [/readyz, /readyz/etcd], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: salvor-probe}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: salvor-probe}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: salvor-observe}]
`

// TestRealCluster probes a real control plane while its API server is killed and started again, as somebody who is known and as
// nobody.
func TestRealCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a control plane")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute) // building it the first time takes most of that
	defer cancel()
	s, err := stack.Start(ctx, stack.Options{Nodes: stack.Nodes(1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { must(t, s.Stop()) }()
	server, known := wayTo(t, s.Kubeconfig(stack.Observer), false)
	_, nobody := wayTo(t, s.Kubeconfig(stack.Observer), true)
	if _, err := EtcdBehind(server, nobody)(ctx); err == nil {
		t.Error("nobody is told about etcd")
	}
	must(t, s.Apply(ctx, []byte(mayAsk)))

	said := newHeard()
	probing(ctx, t, said, "replica", map[string]Check{TargetAPIServer: APIServer(server, known), TargetEtcd: EtcdBehind(server, known)})
	probing(ctx, t, said, "anonymous", map[string]Check{TargetAPIServer: APIServer(server, nobody)})
	for _, entity := range []string{"probe/replica/apiserver", "probe/replica/etcd", "probe/anonymous/apiserver"} {
		p := said.wait(ctx, t, time.Time{}, entity, true)
		if strings.HasSuffix(entity, TargetAPIServer) && (p.Expires.Before(time.Now()) || p.Took <= 0) {
			t.Errorf("%s: expires %s, took %g s", entity, p.Expires, p.Took)
		}
	}

	killed := time.Now()
	must(t, s.StopAPIServer(ctx))
	for _, by := range []string{"replica", "anonymous"} {
		if p := said.wait(ctx, t, killed, "probe/"+by+"/apiserver", false); p.Reason != "connection refused" {
			t.Errorf("%s says %q", by, p.Reason)
		}
	}
	t.Logf("not up %s after it was killed", time.Since(killed).Round(100*time.Millisecond))
	must(t, s.StartAPIServer(ctx))
	began := time.Now()
	for _, by := range []string{"replica", "anonymous"} {
		said.wait(ctx, t, began, "probe/"+by+"/apiserver", true)
	}
	t.Logf("up %s after it was started", time.Since(began).Round(100*time.Millisecond))
	if n := said.downs("probe/replica/etcd"); n > 0 {
		t.Errorf("etcd was said to be down %d times while only its API server was", n)
	}
}

// wayTo is the address of a kubeconfig, and the way there with or without its token.
func wayTo(t *testing.T, kubeconfig string, asNobody bool) (*url.URL, http.RoundTripper) {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	must(t, err)
	if asNobody {
		cfg = rest.AnonymousClientConfig(cfg)
	}
	secure, err := rest.TLSConfigFor(cfg)
	must(t, err)
	way, err := rest.HTTPWrappersForConfig(cfg, Transport(secure))
	must(t, err)
	server, err := url.Parse(cfg.Host)
	must(t, err)
	return server, way
}

// TestRealEtcd probes an etcd of three members that talk only to who has a certificate, while they are killed one by one.
func TestRealEtcd(t *testing.T) {
	if testing.Short() {
		t.Skip("starts an etcd of three members")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	keys := newKeys(t)
	endpoints, members := startEtcd(ctx, t, keys)
	check, err := Etcd(endpoints, Secure{CAFile: keys.path("ca.crt"), CertFile: keys.path("client.crt"), KeyFile: keys.path("client.key")})
	must(t, err)
	said := newHeard()
	probing(ctx, t, said, "r", map[string]Check{TargetEtcd: check})
	const entity = "probe/r/etcd"
	if p := said.wait(ctx, t, time.Time{}, entity, true); p.Expires.Before(time.Now()) {
		t.Errorf("expires %s", p.Expires)
	}
	stranger, err := Etcd(endpoints, Secure{CAFile: keys.path("ca.crt")})
	must(t, err)
	if a, err := stranger(ctx); err == nil {
		t.Errorf("who has no certificate is told %+v", a)
	}

	kill(t, members[0])
	said.wait(ctx, t, time.Now().Add(3*time.Second), entity, true) // those left have a leader by then
	kill(t, members[1])
	p := said.wait(ctx, t, time.Now(), entity, false)
	if !strings.HasPrefix(p.Reason, "0 of 3 members are healthy; ") || !strings.Contains(p.Reason, "connection refused") {
		t.Errorf("said %q", p.Reason)
	}
	t.Logf("said %q", p.Reason)
}

func startEtcd(ctx context.Context, t *testing.T, keys keys) (endpoints []string, members []*exec.Cmd) {
	t.Helper()
	binary, err := stack.Binary(ctx, "controlplane", os.Stderr)
	must(t, err)
	var cluster, peers []string
	for i := range 3 {
		peers = append(peers, "http://"+freeAddress(t))
		endpoints = append(endpoints, "https://"+freeAddress(t))
		cluster = append(cluster, fmt.Sprintf("m%d=%s", i, peers[i]))
	}
	for i := range 3 {
		cmd := exec.Command(binary, "etcd", "--name", fmt.Sprintf("m%d", i), "--data-dir", t.TempDir(), "--unsafe-no-fsync", "--log-level", "error",
			"--listen-client-urls", endpoints[i], "--advertise-client-urls", endpoints[i], "--listen-peer-urls", peers[i],
			"--initial-advertise-peer-urls", peers[i], "--initial-cluster", strings.Join(cluster, ","), "--client-cert-auth",
			"--trusted-ca-file", keys.path("ca.crt"), "--cert-file", keys.path("server.crt"), "--key-file", keys.path("server.key"))
		cmd.Stderr = t.Output()
		must(t, stack.StartChild(cmd))
		members = append(members, cmd)
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
	}
	return endpoints, members
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// keys are the certificates of an etcd: of an authority, of its members, and of who may ask them.
type keys string

func (k keys) path(name string) string { return filepath.Join(string(k), name) }

func newKeys(t *testing.T) keys {
	t.Helper()
	k := keys(t.TempDir())
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	ca := template("ca")
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	k.write(t, "ca", ca, ca, caKey, caKey)
	for _, name := range []string{"server", "client"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(t, err)
		k.write(t, name, template(name), ca, key, caKey)
	}
	return k
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
}

func (k keys) write(t *testing.T, name string, cert, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, key.Public(), signer)
	must(t, err)
	private, err := x509.MarshalECPrivateKey(key)
	must(t, err)
	must(t, os.WriteFile(k.path(name+".crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(t, os.WriteFile(k.path(name+".key"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private}), 0o600))
}

// heard is a log that one can wait on.
type heard struct {
	journal
	more chan struct{} // takes one when something was said
}

func newHeard() *heard { return &heard{more: make(chan struct{}, 1)} }

func (h *heard) Append(ctx context.Context, evs ...events.Event) ([]events.Receipt, error) {
	receipts, err := h.journal.Append(ctx, evs...)
	select {
	case h.more <- struct{}{}:
	default:
	}
	return receipts, err
}

// wait waits until the last that was said of an entity is that, by an attempt after since.
func (h *heard) wait(ctx context.Context, t *testing.T, since time.Time, entity string, up bool) events.Probe {
	t.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for {
		if p, at := h.last(entity); p.Up == up && at.After(since) {
			return p
		}
		select {
		case <-h.more:
		case <-late.C:
			t.Fatalf("%s: not heard up %v, but %s", entity, up, h.story())
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
	}
}

// last is the last that was said of an entity, and when the attempt was made.
func (h *heard) last(entity string) (p events.Probe, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, ev := range h.evs {
		if of, _ := events.SaidOf(ev.Entity); of == entity {
			p, at = h.said[i], ev.Time
		}
	}
	return p, at
}

func (h *heard) downs(entity string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, ev := range h.evs {
		if of, _ := events.SaidOf(ev.Entity); of == entity && !h.said[i].Up {
			n++
		}
	}
	return n
}

// probing probes until the test ends.
func probing(ctx context.Context, t *testing.T, log Appender, by string, targets map[string]Check) {
	t.Helper()
	source, err := New(Options{Cluster: "c", By: by, Targets: targets, Log: log, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	must(t, err)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); _ = source.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
