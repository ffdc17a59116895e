package jetstream

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/salvor-io/salvor/events/eventstest"
)

// TestMain runs the tests, or the external NATS server that they start: this program again, in a process of its own that
// they may kill.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "nats-server" {
		if err := serveNATS(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(eventstest.Main(m))
}

// serveNATS runs a server as configured until standard input ends, which it does when the test is gone.
func serveNATS(config string) error {
	opts, err := server.ProcessConfigFile(config)
	if err != nil {
		return err
	}
	opts.NoSigs, opts.NoLog = true, true
	srv, err := server.NewServer(opts)
	if err != nil {
		return err
	}
	srv.Start()
	if !srv.ReadyForConnections(startWithin) {
		return fmt.Errorf("nats server is not ready")
	}
	fmt.Println(srv.Addr().(*net.TCPAddr).Port)
	_, err = io.Copy(io.Discard, os.Stdin)
	srv.Shutdown()
	return err
}

// external is a NATS server in a process of its own.
type external struct {
	dir    string
	config string // without listen and store
	port   string
	cmd    *exec.Cmd
	stdin  io.Closer
}

// startExternal starts a server with the configuration, beside its loopback address and its store that fsyncs each write.
func startExternal(t *testing.T, config string) *external {
	x := &external{dir: t.TempDir(), config: config, port: "-1"}
	x.start(t)
	t.Cleanup(func() { x.kill() })
	return x
}

func (x *external) start(t *testing.T) {
	t.Helper()
	conf := filepath.Join(x.dir, "nats.conf")
	text := fmt.Sprintf("listen: \"127.0.0.1:%s\"\njetstream { store_dir: %q, sync_interval: always }\n%s\n", x.port, x.dir, x.config)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	x.cmd = exec.Command(os.Args[0], "nats-server", conf)
	x.cmd.Stderr = os.Stderr
	stdin, err := x.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	x.stdin = stdin
	stdout, err := x.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("nats server did not start: %v", err)
	}
	if x.port == "-1" { // later it starts there again
		x.port = strings.TrimSpace(line)
	}
}

// kill ends the process as a crash does.
func (x *external) kill() {
	x.cmd.Process.Kill()
	x.cmd.Wait()
	x.stdin.Close()
}

// stop ends the process as an operator does.
func (x *external) stop(t *testing.T) {
	t.Helper()
	x.stdin.Close()
	if err := x.cmd.Wait(); err != nil {
		t.Fatalf("stop nats server: %v", err)
	}
}

func (x *external) address() string { return "127.0.0.1:" + x.port }

// certificates are those of an authority, a server on the loopback address, and a client.
type certificates struct{ ca, cert, key string }

func newCertificates(t *testing.T) certificates {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	self := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "salvor test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, self, self, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := writeFile(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return certificates{
		ca: cert, cert: cert,
		key: writeFile(t, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))),
	}
}

// tls is the server's part of the configuration, asking for a client certificate.
func (c certificates) tls() string {
	return fmt.Sprintf("tls { cert_file: %q, key_file: %q, ca_file: %q, verify: true }\n", c.cert, c.key, c.ca)
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// testLog writes what is worth knowing when a test fails.
func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

type testWriter struct{ testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	if w.Context().Err() == nil { // a test that ended takes no more
		w.Logf("%s", strings.TrimRight(string(p), "\n"))
	}
	return len(p), nil
}
