package ingest

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/salvor-io/salvor/events"
)

// authority signs certificates for the tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	key := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{cert, key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// client is a certificate for that name, valid until then.
func (a authority) client(t *testing.T, name string, until time.Time) tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestClientCertificatesOverTLS(t *testing.T) {
	trusted, foreign := newAuthority(t), newAuthority(t)
	soon := time.Now().Add(time.Hour)
	tests := []struct {
		name   string
		mode   tls.ClientAuthType
		certs  []tls.Certificate
		token  string
		status int // 0: the handshake fails
	}{
		{"known", tls.VerifyClientCertIfGiven, []tls.Certificate{trusted.client(t, "am", soon)}, "", 200},
		{"unknown name", tls.VerifyClientCertIfGiven, []tls.Certificate{trusted.client(t, "eve", soon)}, "", 401},
		{"none", tls.VerifyClientCertIfGiven, nil, "", 401},
		{"none but a token", tls.VerifyClientCertIfGiven, nil, prodToken, 200},
		{"known with a wrong token", tls.VerifyClientCertIfGiven, []tls.Certificate{trusted.client(t, "am", soon)}, "x", 401},
		{"foreign authority", tls.VerifyClientCertIfGiven, []tls.Certificate{foreign.client(t, "am", soon)}, "", 0},
		{"expired", tls.VerifyClientCertIfGiven, []tls.Certificate{trusted.client(t, "am", time.Now().Add(-time.Minute))}, "", 0},
		{"known but never verified", tls.RequestClientCert, []tls.Certificate{foreign.client(t, "am", soon)}, "", 401},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			kept := &journal{}
			server := overTLS(t, kept, trusted, test.mode)
			transport := server.Client().Transport.(*http.Transport)
			for i := range test.certs { // offered even when the server names other authorities
				transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					return &test.certs[i], nil
				}
			}
			header := map[string]string{"Authorization": ""}
			if test.token != "" {
				header["Authorization"] = "Bearer " + test.token
			}
			got, err := request{body: hook(goodAlert), header: header}.try(server)
			if got.status != test.status || (err != nil) != (test.status == 0) {
				t.Errorf("status is %d (%v, %s), want %d", got.status, err, got.Why, test.status)
			}
			if recorded, _ := kept.holds(); (len(recorded) == 1) != (test.status == 200) {
				t.Errorf("recorded %v with status %d", recorded, got.status)
			}
		})
	}
}

func overTLS(t *testing.T, kept *journal, trusted authority, mode tls.ClientAuthType) *httptest.Server {
	t.Helper()
	intake, err := New(Options{
		Log: kept, Dead: kept, Logger: discard(),
		Credentials: append(senders(), Credential{Name: "am", ClientName: "am", Clusters: []string{"prod"}}),
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	intake.Register(mux)
	server := httptest.NewUnstartedServer(mux)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	pool := x509.NewCertPool()
	pool.AddCert(trusted.cert)
	server.TLS = &tls.Config{ClientAuth: mode, ClientCAs: pool}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// raw sends the text over a plain connection and gives the response; the connection stays open until the test ends.
func raw(t *testing.T, server *httptest.Server, text string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func head(more string) string {
	return "POST " + AlertmanagerPath + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + prodToken +
		"\r\nContent-Type: application/json\r\n" + more + "\r\n"
}

func TestBrokenBodiesOnTheWire(t *testing.T) {
	body := hook(goodAlert)
	chunk := func(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }
	tests := []struct {
		name, text string
		status     int
		cut        bool // the client never sends the rest
	}{
		{"whole", head(fmt.Sprintf("Content-Length: %d\r\n", len(body))) + body, 200, false},
		{"whole in chunks", head("Transfer-Encoding: chunked\r\n") + chunk(body[:9]) + chunk(body[9:]) + "0\r\n\r\n", 200, false},
		{"too large in chunks", head("Transfer-Encoding: chunked\r\n") + chunk(strings.Repeat(" ", 5000)), 413, false},
		{"too large as announced", head("Content-Length: 5000\r\n"), 413, true},
		{"never sent", head("Content-Length: 500\r\n"), 503, true},
		{"never ended", head(fmt.Sprintf("Content-Length: %d\r\n", len(body)+1)) + body, 503, true},
		{"never ended in chunks", head("Transfer-Encoding: chunked\r\n") + chunk(body), 503, true},
		{"broken chunk", head("Transfer-Encoding: chunked\r\n") + "zz\r\n" + body, 503, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			kept := &journal{}
			server := serving(t, kept, func(o *Options) {
				o.MaxBody, o.MaxInFlight = 4096, 1
				if test.cut {
					o.ReadWithin = 100 * time.Millisecond
				}
			})
			if got := raw(t, server, test.text); got.StatusCode != test.status {
				t.Errorf("status is %d, want %d", got.StatusCode, test.status)
			}
			if recorded, _ := kept.holds(); (len(recorded) == 1) != (test.status == 200) {
				t.Errorf("recorded %v with status %d", recorded, test.status)
			}
			// The slot is free again although the connection is still open.
			if got := (request{body: body}).send(t, server); got.status != 200 {
				t.Errorf("the next post is answered %d (%s), want 200", got.status, got.Why)
			}
		})
	}
}

func TestTheReadDeadlineEndsNeitherALongRecordingNorItsConnection(t *testing.T) {
	server := serving(t, &journal{}, func(o *Options) {
		o.ReadWithin, o.AnswerWithin = 100*time.Millisecond, time.Minute
		o.Log = appender(func() { time.Sleep(300 * time.Millisecond) }) // a log that takes its time is what is tested
	})
	body := hook(goodAlert)
	text := head(fmt.Sprintf("Content-Length: %d\r\n", len(body))) + body
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for i := range 2 {
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		got, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatalf("post %d: %v", i, err)
		}
		if _, err := io.Copy(io.Discard, got.Body); err != nil || got.StatusCode != 200 {
			t.Errorf("post %d: status is %d (%v), want 200", i, got.StatusCode, err)
		}
	}
}

// appender records anything once the function has returned.
type appender func()

func (a appender) Append(_ context.Context, evs ...events.Event) ([]events.Receipt, error) {
	a()
	return make([]events.Receipt, len(evs)), nil
}
