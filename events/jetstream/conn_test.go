package jetstream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/salvor-io/salvor/events"
)

func embed(t testing.TB, dir string) *Conn {
	t.Helper()
	conn, err := Embed(t.Context(), EmbedOptions{StoreDir: dir}, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// TestEmbedTwice: two servers never open one store, and the second is told what to do.
func TestEmbedTwice(t *testing.T) {
	dir := t.TempDir()
	first := embed(t, dir)
	_, err := Embed(t.Context(), EmbedOptions{StoreDir: dir}, testLog(t))
	if err == nil || !strings.Contains(err.Error(), "in use by another salvor process: stop that one") {
		t.Fatalf("the second server on %s returned %v, want that it is in use", dir, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	embed(t, dir)
}

func TestEmbedRefuses(t *testing.T) {
	file := writeFile(t, "x")
	spoilt := t.TempDir()
	if err := os.WriteFile(filepath.Join(spoilt, "jetstream"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{
		"no directory": "", "a file": file, "below a file": filepath.Join(file, "store"), "what is no store": spoilt,
	} {
		if conn, err := Embed(t.Context(), EmbedOptions{StoreDir: dir}, testLog(t)); err == nil {
			conn.Close()
			t.Errorf("%s: embedding succeeded", name)
		}
	}
}

// TestEmbeddedListensNowhere: nobody but this process reaches the embedded server.
func TestEmbeddedListensNowhere(t *testing.T) {
	conn := embed(t, t.TempDir())
	if addr := conn.server.current().Addr(); addr != nil {
		t.Errorf("it listens on %s", addr)
	}
	if got, err := conn.Durable(t.Context()); got != SyncedAtOnce || err != nil {
		t.Errorf("durable is %q, %v, want %q", got, err, SyncedAtOnce)
	}
	if config := conn.server.current().JetStreamConfig(); !config.SyncAlways {
		t.Error("it does not sync always")
	}
}

func TestCheckVersion(t *testing.T) {
	for version, good := range map[string]bool{
		"2.15.0": true, "2.15.2-RC.1": true, "2.16.0": true, "3.0.0": true, "2.14.9": false, "2.9.25": false, "1.99.0": false, "": false, "dev": false,
	} {
		if err := checkVersion(version); (err == nil) != good {
			t.Errorf("%q: %v, want good %t", version, err, good)
		}
	}
}

// TestDialCredentials: each way to say who one is works with a server that demands it, and without it the server refuses.
func TestDialCredentials(t *testing.T) {
	t.Parallel()
	seed, public := userKey(t)
	certs := newCertificates(t)
	operator, creds := operatorMode(t)
	for _, test := range []struct {
		name, config string
		with         DialOptions
	}{
		{"password", `authorization { user: salvor, password: s3cret }`, DialOptions{User: "salvor", PasswordFile: writeFile(t, "s3cret\n")}},
		{"token", `authorization { token: s3cret }`, DialOptions{TokenFile: writeFile(t, "s3cret\n")}},
		{"nkey", fmt.Sprintf("authorization { users: [ { nkey: %s } ] }", public), DialOptions{NkeyFile: writeFile(t, seed)}},
		{"creds", operator, DialOptions{CredsFile: writeFile(t, creds)}},
		{"certificate", certs.tls(), DialOptions{CAFile: certs.ca, CertFile: certs.cert, KeyFile: certs.key}},
	} {
		t.Run(test.name, func(t *testing.T) {
			nats := startExternal(t, test.config)
			test.with.URL = "nats://" + nats.address()
			conn := dial(t, test.with)
			defer conn.Close()
			if conn.Embedded() || conn.Replicas() != 1 || conn.Healthy() != nil {
				t.Errorf("embedded %t, replicas %d, healthy %v", conn.Embedded(), conn.Replicas(), conn.Healthy())
			}
			log, err := Open(t.Context(), conn, Options{}, testLog(t))
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			if nobody, err := Dial(t.Context(), DialOptions{URL: test.with.URL, CAFile: test.with.CAFile}, testLog(t)); err == nil {
				nobody.Close()
				t.Error("the server took a connection from nobody")
			}
		})
	}
}

func userKey(t *testing.T) (seed, public string) {
	t.Helper()
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	text, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	if public, err = user.PublicKey(); err != nil {
		t.Fatal(err)
	}
	return string(text), public
}

// operatorMode is a server configuration with an account that has JetStream, and the credentials of a user of it.
func operatorMode(t *testing.T) (config, creds string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	operatorKey, err := nkeys.CreateOperator()
	must(err)
	operatorPub, err := operatorKey.PublicKey()
	must(err)
	operatorJWT, err := jwt.NewOperatorClaims(operatorPub).Encode(operatorKey)
	must(err)
	newAccount := func(limits jwt.JetStreamLimits) (key nkeys.KeyPair, public, token string) {
		key, err := nkeys.CreateAccount()
		must(err)
		public, err = key.PublicKey()
		must(err)
		claims := jwt.NewAccountClaims(public)
		claims.Limits.JetStreamLimits = limits
		token, err = claims.Encode(operatorKey)
		must(err)
		return key, public, token
	}
	accountKey, account, accountJWT := newAccount(jwt.JetStreamLimits{DiskStorage: -1, MemoryStorage: -1, Streams: -1, Consumer: -1})
	_, system, systemJWT := newAccount(jwt.JetStreamLimits{})
	seed, userPub := userKey(t)
	userJWT, err := jwt.NewUserClaims(userPub).Encode(accountKey)
	must(err)
	text, err := jwt.FormatUserConfig(userJWT, []byte(seed))
	must(err)
	return fmt.Sprintf("operator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: { %s: %s, %s: %s }",
		operatorJWT, system, account, accountJWT, system, systemJWT), string(text)
}

func TestDialRefuses(t *testing.T) {
	t.Parallel()
	plain := startExternal(t, "")
	certs, others := newCertificates(t), newCertificates(t)
	secured := startExternal(t, certs.tls())
	small := startExternal(t, "max_payload: 1000")
	missing := filepath.Join(t.TempDir(), "missing")
	for _, test := range []struct {
		name string
		with DialOptions
		want string
	}{
		{"no url", DialOptions{}, "has no url"},
		{"nobody there", DialOptions{URL: "nats://user:hidden@127.0.0.1:1"}, "connect to nats at nats://127.0.0.1:1"},
		{"two replicas", DialOptions{URL: "nats://" + plain.address(), Replicas: 2}, "choose 1 or 3"},
		{"user without password", DialOptions{URL: "nats://" + plain.address(), User: "x"}, "go together"},
		{"certificate without key", DialOptions{URL: "nats://" + plain.address(), CertFile: certs.cert}, "go together"},
		{"two kinds of credentials", DialOptions{URL: "nats://" + plain.address(), User: "x", PasswordFile: certs.key, TokenFile: certs.key}, "more than one kind"},
		{"missing token", DialOptions{URL: "nats://" + plain.address(), TokenFile: missing}, "read nats token file"},
		{"missing password", DialOptions{URL: "nats://" + plain.address(), User: "x", PasswordFile: missing}, "read nats password file"},
		{"missing creds", DialOptions{URL: "nats://" + plain.address(), CredsFile: missing}, "read nats creds file"},
		{"missing nkey", DialOptions{URL: "nats://" + plain.address(), NkeyFile: missing}, "read nats nkey file"},
		{"missing ca", DialOptions{URL: "nats://" + plain.address(), CAFile: missing}, "read nats ca file"},
		{"ca without certificate", DialOptions{URL: "nats://" + plain.address(), CAFile: writeFile(t, "x")}, "holds no certificate"},
		{"server of another authority", DialOptions{URL: "tls://" + secured.address(), CAFile: others.ca, CertFile: certs.cert, KeyFile: certs.key}, "tls: "},
		{"client of another authority", DialOptions{URL: "tls://" + secured.address(), CAFile: certs.ca, CertFile: others.cert, KeyFile: others.key}, "tls"},
		{"small messages", DialOptions{URL: "nats://" + small.address()}, "max_payload is 1000 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			conn, err := Dial(t.Context(), test.with, testLog(t))
			if err == nil {
				conn.Close()
				t.Fatal("it connected")
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("it said %q, want %q", err, test.want)
			}
		})
	}
}

// TestDurable: the sync interval is known where the operator lets it be known.
func TestDurable(t *testing.T) {
	t.Parallel()
	const shared = `
		system_account: SYS
		accounts {
			SYS { exports: [ { service: "$SYS.REQ.SERVER.PING.JSZ", response: stream } ] }
			SALVOR { jetstream: enabled, users: [ { user: salvor, password: x } ],
				imports: [ { service: { account: SYS, subject: "$SYS.REQ.SERVER.PING.JSZ" } } ] }
		}
		no_auth_user: salvor`
	for name, test := range map[string]struct {
		config string
		want   Durability
	}{"private": {"", DurabilityUnknown}, "shared": {shared, SyncedAtOnce}} {
		conn := dial(t, DialOptions{URL: "nats://" + startExternal(t, test.config).address()})
		defer conn.Close()
		if got, err := conn.Durable(t.Context()); got != test.want || err != nil {
			t.Errorf("%s: durable is %q, %v, want %q", name, got, err, test.want)
		}
	}
}

// TestServerGone: with the server away appends say so in time, readiness too, and both come back with it.
func TestServerGone(t *testing.T) {
	t.Parallel()
	server := startExternal(t, "")
	log := openLog(t, dialPlain(t, server.address()), Options{})
	server.kill()
	for n := range 3 { // a busy machine may be late
		begin := time.Now()
		_, err := log.Append(t.Context(), sample(1))
		took := time.Since(begin)
		if !errors.Is(err, events.ErrUnavailable) || took > 2*appendWithin && n == 2 {
			t.Errorf("append returned %v after %s, want ErrUnavailable within %s", err, took, appendWithin)
		}
		if took <= 2*appendWithin {
			break
		}
	}
	if log.Healthy() == nil {
		t.Error("the log is healthy without a server")
	}
	server.start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, err := log.Append(ctx, sample(1)); err != nil; _, err = log.Append(ctx, sample(1)) {
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	if err := log.Healthy(); err != nil {
		t.Errorf("the log is not healthy with its server: %v", err)
	}
}

// TestAppendRidesOutReconnection: an append whose connection breaks after the server recorded it is sent again once there
// is a connection, and makes one event.
func TestAppendRidesOutReconnection(t *testing.T) {
	t.Parallel()
	server := startExternal(t, "")
	between := startProxy(t, server.address())
	direct, conn := dialPlain(t, server.address()), dialPlain(t, between.address())
	log := openLog(t, conn, Options{})
	const most = 10 // a busy machine may need longer than an append has
	for n := 1; n <= most; n++ {
		between.silent.Store(true)
		done := make(chan error, 1)
		go func() {
			_, err := log.Append(t.Context(), sample(n))
			done <- err
		}()
		for messages(t, direct) < n {
			time.Sleep(time.Millisecond)
		}
		between.silent.Store(false)
		between.cut()
		err := <-done
		if got := messages(t, direct); got != n {
			t.Fatalf("%d events are kept, want %d", got, n)
		}
		if err == nil {
			return
		}
	}
	t.Errorf("none of %d appends got through", most)
}

func dialPlain(t *testing.T, address string) *Conn {
	t.Helper()
	conn := dial(t, DialOptions{URL: "nats://" + address})
	t.Cleanup(func() { conn.Close() })
	return conn
}

// dial connects to a server that is there, again where a busy machine has not answered in time.
func dial(t *testing.T, with DialOptions) *Conn {
	t.Helper()
	for n := 1; ; n++ {
		conn, err := Dial(t.Context(), with, testLog(t))
		if err == nil {
			return conn
		}
		if n == 3 {
			t.Fatal(err)
		}
	}
}

// TestHandlesOutliveServer: handles taken from a connection work on after the embedded server was replaced.
func TestHandlesOutliveServer(t *testing.T) {
	conn := embed(t, t.TempDir())
	if err := conn.EnsureStream(t.Context(), jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"other.>"}}); err != nil {
		t.Fatal(err)
	}
	js, nc := conn.JetStream(), conn.NATS()
	stream, err := js.Stream(t.Context(), "OTHER")
	if err != nil {
		t.Fatal(err)
	}
	heard, err := nc.SubscribeSync("other.>")
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint64(3) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		ack, err := js.Publish(ctx, "other.x", nil)
		for ; err != nil && ctx.Err() == nil; ack, err = js.Publish(ctx, "other.x", nil) {
			t.Logf("publish again: %v", err) // until the connection is back
		}
		if err != nil || ack.Sequence != n+1 {
			t.Fatalf("publish %d: %+v, %v", n, ack, err)
		}
		if _, err := stream.GetMsg(ctx, ack.Sequence); err != nil {
			t.Errorf("read message %d: %v", ack.Sequence, err)
		}
		if _, err := heard.NextMsgWithContext(ctx); err != nil {
			t.Errorf("hear message %d: %v", ack.Sequence, err)
		}
		breakServer(t, conn)
	}
}

func sample(n int) events.Event {
	return events.Event{
		ID: fmt.Sprintf("sample/%d", n), Source: "/test", Type: events.TypeNode, Cluster: "prod-eu",
		Entity: fmt.Sprintf("node/worker-%d", n), Time: time.Unix(0, 0).UTC(), Data: fmt.Appendf(nil, `{"n":%d}`, n),
	}
}
