package jetstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// oldest is the first NATS release with everything Salvor relies on.
var oldest = [2]int{2, 15}

// leastPayload is the smallest max_payload, in bytes, that carries every event and record.
const leastPayload = 1 << 20

// dialWithin bounds reaching the server.
const dialWithin = 10 * time.Second

// DialOptions says where an external NATS is and who Salvor is there. At most one kind of credentials is given: creds,
// nkey, user with password, or token; a client certificate may come with any of them.
type DialOptions struct {
	URL          string // one URL or several, separated by commas; tls://host:4222
	CAFile       string // PEM of who signed the server's certificate; empty: the system's
	CertFile     string // client certificate and
	KeyFile      string // its key
	CredsFile    string // JWT and seed, as nsc writes them
	NkeyFile     string // seed of a user nkey
	User         string
	PasswordFile string // password of User
	TokenFile    string
	Replicas     int // copies of each stream: 1 (also 0) or 3
}

// Dial connects to an external NATS. It fails when the server cannot be reached before ctx ends (at most 10 seconds), when
// it is too old, has no JetStream for this account, or takes only small messages.
func Dial(ctx context.Context, opts DialOptions, log *slog.Logger) (*Conn, error) {
	options, err := opts.options()
	if err != nil {
		return nil, err
	}
	options = append(commonOptions(log), options...)
	options = append(options, nats.Timeout(timeLeft(ctx, dialWithin)))
	nc, err := nats.Connect(opts.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to nats at %s: %w", redacted(opts.URL), err)
	}
	conn, err := open(nc, max(opts.Replicas, 1), nil)
	if err == nil {
		err = conn.check(ctx)
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("use nats at %s: %w", nc.ConnectedUrlRedacted(), err)
	}
	return conn, nil
}

// check refuses a server that cannot do what Salvor needs.
func (c *Conn) check(ctx context.Context) error {
	if err := checkVersion(c.nc.ConnectedServerVersion()); err != nil {
		return err
	}
	if most := c.nc.MaxPayload(); most < leastPayload {
		return fmt.Errorf("its max_payload is %d bytes, at least %d are needed", most, leastPayload)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if _, err := c.js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("jetstream is not to be had for this account, enable it on the server: %w", err)
	}
	return nil
}

func checkVersion(version string) error {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		return fmt.Errorf("server version %q is not understood, at least %d.%d is needed", version, oldest[0], oldest[1])
	}
	if major > oldest[0] || major == oldest[0] && minor >= oldest[1] {
		return nil
	}
	return fmt.Errorf("server version %s is too old, upgrade it to at least %d.%d", version, oldest[0], oldest[1])
}

// timeLeft is how long ctx lasts, at most the given time.
func timeLeft(ctx context.Context, most time.Duration) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return min(most, time.Until(deadline))
	}
	return most
}

// options turns the files named into connection options, reading each once now so that a mistake shows at start.
func (o DialOptions) options() ([]nats.Option, error) {
	if o.URL == "" {
		return nil, errors.New("external nats has no url")
	}
	if o.Replicas != 0 && o.Replicas != 1 && o.Replicas != 3 {
		return nil, fmt.Errorf("nats replicas are %d, choose 1 or 3", o.Replicas)
	}
	secure, err := o.tls()
	if err != nil {
		return nil, err
	}
	who, err := o.credentials()
	if err != nil {
		return nil, err
	}
	return append(secure, who...), nil
}

func (o DialOptions) tls() ([]nats.Option, error) {
	var out []nats.Option
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read nats ca file: %w", err)
		}
		if !x509.NewCertPool().AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("nats ca file %s holds no certificate", o.CAFile)
		}
		out = append(out, nats.RootCAs(o.CAFile))
	}
	if (o.CertFile == "") != (o.KeyFile == "") {
		return nil, errors.New("nats client certificate and key go together, one is missing")
	}
	if o.CertFile != "" {
		if _, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile); err != nil {
			return nil, fmt.Errorf("load nats client certificate: %w", err)
		}
		out = append(out, nats.ClientCert(o.CertFile, o.KeyFile))
	}
	return out, nil
}

// credentials are read anew at each reconnect where NATS allows it (creds, token), so that a rotated secret is taken up.
func (o DialOptions) credentials() ([]nats.Option, error) {
	var out []nats.Option
	if o.CredsFile != "" {
		if _, err := os.Stat(o.CredsFile); err != nil {
			return nil, fmt.Errorf("read nats creds file: %w", err)
		}
		out = append(out, nats.UserCredentials(o.CredsFile))
	}
	if o.NkeyFile != "" {
		opt, err := nats.NkeyOptionFromSeed(o.NkeyFile)
		if err != nil {
			return nil, fmt.Errorf("read nats nkey file: %w", err)
		}
		out = append(out, opt)
	}
	if o.User != "" || o.PasswordFile != "" {
		if o.User == "" || o.PasswordFile == "" {
			return nil, errors.New("nats user and password file go together, one is missing")
		}
		if _, err := readSecret(o.PasswordFile); err != nil {
			return nil, fmt.Errorf("read nats password file: %w", err)
		}
		out = append(out, nats.UserInfoHandler(func() (string, string) {
			password, _ := readSecret(o.PasswordFile) // unreadable now: the server refuses, and the refusal is logged
			return o.User, password
		}))
	}
	if o.TokenFile != "" {
		if _, err := readSecret(o.TokenFile); err != nil {
			return nil, fmt.Errorf("read nats token file: %w", err)
		}
		out = append(out, nats.TokenHandler(func() string {
			token, _ := readSecret(o.TokenFile)
			return token
		}))
	}
	if len(out) > 1 {
		return nil, errors.New("nats has more than one kind of credentials, choose one of creds, nkey, user and token")
	}
	return out, nil
}

func readSecret(path string) (string, error) {
	text, err := os.ReadFile(path)
	return strings.TrimSpace(string(text)), err
}

// redacted leaves out of a URL what may be a secret in it.
func redacted(urls string) string {
	list := strings.Split(urls, ",")
	for i, u := range list {
		if at := strings.LastIndexByte(u, '@'); at >= 0 {
			scheme, _, found := strings.Cut(u, "://")
			if !found {
				scheme = "nats"
			}
			list[i] = scheme + "://" + u[at+1:]
		}
	}
	return strings.Join(list, ",")
}
