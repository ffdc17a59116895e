package jetstream

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/salvor-io/salvor/events"
	"github.com/salvor-io/salvor/events/eventstest"
)

// place is where a test's log is kept: it can be connected to again and again.
type place struct {
	connect func(t *testing.T) *Conn
	conn    *Conn
	log     *Log
}

func (p *place) open(t *testing.T) *Log {
	t.Helper()
	p.conn = p.connect(t)
	log, err := Open(t.Context(), p.conn, Options{}, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	p.log = log
	return log
}

func (p *place) close(t *testing.T) {
	t.Helper()
	if err := errors.Join(p.log.Close(), p.conn.Close()); err != nil {
		t.Errorf("close: %v", err)
	}
}

// store is the place as the suite sees it.
func (p *place) store(t *testing.T) *eventstest.Store {
	log := p.open(t)
	t.Cleanup(func() { p.close(t) })
	return &eventstest.Store{
		Log:   log,
		Dead:  func(t *testing.T) []eventstest.Letter { return letters(t, p.conn) },
		Close: func(*testing.T) { p.log.Close() },
		Put: func(t *testing.T, subject string, data []byte) {
			if _, err := p.conn.JetStream().PublishMsg(t.Context(), &nats.Msg{Subject: subject, Data: data}); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// letters reads SALVOR_DEAD.
func letters(t *testing.T, conn *Conn) []eventstest.Letter {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stream, err := conn.JetStream().Stream(ctx, DeadStream)
	if err != nil {
		t.Fatal(err)
	}
	state := stream.CachedInfo().State
	var out []eventstest.Letter
	for seq := max(state.FirstSeq, 1); seq <= state.LastSeq; seq++ {
		msg, err := stream.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		reason, err := unescape(msg.Header.Get(headerReason))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, eventstest.Letter{Subject: msg.Subject, Reason: reason, Data: string(msg.Data)})
	}
	return out
}

func TestEmbeddedLog(t *testing.T) {
	t.Parallel()
	eventstest.Run(t, func(t *testing.T) *eventstest.Store {
		return embeddedStore(t, t.TempDir())
	})
}

func embeddedStore(t *testing.T, dir string) *eventstest.Store {
	p := &place{connect: func(t *testing.T) *Conn {
		conn, err := Embed(t.Context(), EmbedOptions{StoreDir: dir}, testLog(t))
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}}
	s := p.store(t)
	s.Reopen = func(t *testing.T) events.Log {
		p.close(t)
		return p.open(t)
	}
	s.Restart = func(t *testing.T) { breakServer(t, p.conn) }
	return s
}

// breakServer takes JetStream from the embedded server and waits until another server runs in its place.
func breakServer(t *testing.T, conn *Conn) {
	t.Helper()
	broken := conn.server.current()
	if err := broken.ShutdownJetStream(); err != nil {
		t.Fatal(err)
	}
	conn.Suspect()
	for begin := time.Now(); conn.server.current() == broken || conn.Healthy() != nil; time.Sleep(time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("no other server runs: %v", conn.Healthy())
		}
	}
}

func TestExternalLog(t *testing.T) {
	t.Parallel()
	certs := newCertificates(t)
	password := writeFile(t, "s3cret\n")
	eventstest.Run(t, func(t *testing.T) *eventstest.Store {
		nats := startExternal(t, certs.tls()+`authorization { user: salvor, password: s3cret }`)
		between := startProxy(t, nats.address())
		p := &place{connect: func(t *testing.T) *Conn {
			return dial(t, DialOptions{
				URL: "tls://" + between.address(), CAFile: certs.ca, CertFile: certs.cert, KeyFile: certs.key,
				User: "salvor", PasswordFile: password,
			})
		}}
		s := p.store(t)
		s.Restart = func(t *testing.T) {
			nats.kill()
			between.cut()
			nats.start(t)
		}
		s.Reopen = func(t *testing.T) events.Log {
			p.close(t)
			nats.stop(t)
			nats.start(t)
			return p.open(t)
		}
		s.LoseAck = func(t *testing.T, append func(context.Context) error) { loseAck(t, between, append) }
		return s
	})
}

// loseAck lets requests through and no answers, until append gave up.
func loseAck(t *testing.T, between *proxy, append func(context.Context) error) {
	t.Helper()
	between.silent.Store(true)
	err := append(t.Context())
	between.silent.Store(false)
	between.cut()
	if !errors.Is(err, events.ErrUnavailable) {
		t.Errorf("append without an answer returned %v, want ErrUnavailable", err)
	}
}
