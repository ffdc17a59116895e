package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/responders/serving"
)

// prometheusWithin bounds one query.
const prometheusWithin = 10 * time.Second

// probesOf are the probes of each cluster that has any, in the order of the file.
func probesOf(cfg *config.Config) (map[string][]*serving.Probe, error) {
	out := map[string][]*serving.Probe{}
	for _, p := range cfg.Probes {
		probe, err := Probe(p)
		if err != nil {
			return nil, err
		}
		for _, cluster := range p.Clusters {
			out[cluster] = append(out[cluster], probe)
		}
	}
	return out, nil
}

// Probe opens a probe. Nothing is asked of it yet.
func Probe(p config.Probe) (*serving.Probe, error) {
	access, err := access(p.URL, p.TokenFile, p.CAFile, p.Timeout)
	if err != nil {
		return nil, fmt.Errorf("open the probe %s: %w", p.Name, err)
	}
	return serving.NewProbe(serving.ProbeOptions{Access: access, Name: p.Name, Status: p.Expect.Status, Contains: p.Expect.BodyContains})
}

// prometheusOf is the Prometheus of each cluster that has one.
func prometheusOf(cfg *config.Config) (map[string]*serving.Prometheus, error) {
	out := map[string]*serving.Prometheus{}
	for _, c := range cfg.Clusters {
		if c.Prometheus == nil {
			continue
		}
		server, err := Prometheus(*c.Prometheus)
		if err != nil {
			return nil, fmt.Errorf("open the Prometheus of cluster %s: %w", c.Name, err)
		}
		out[c.Name] = server
	}
	return out, nil
}

// Prometheus makes a client of a Prometheus. Nothing is asked of it yet.
func Prometheus(p config.Prometheus) (*serving.Prometheus, error) {
	access, err := access(p.URL, p.TokenFile, p.CAFile, prometheusWithin)
	if err != nil {
		return nil, err
	}
	return serving.NewPrometheus(access)
}

func access(address, tokenFile, caFile string, within time.Duration) (_ serving.Access, err error) {
	out := serving.Access{URL: address, Timeout: within, TLS: &tls.Config{MinVersion: tls.VersionTLS12}}
	if tokenFile != "" {
		if out.Token, err = config.Secret(tokenFile); err != nil {
			return out, err
		}
	}
	if caFile == "" {
		return out, nil
	}
	text, err := os.ReadFile(caFile)
	if err != nil {
		return out, err
	}
	out.TLS.RootCAs = x509.NewCertPool()
	if !out.TLS.RootCAs.AppendCertsFromPEM(text) {
		return out, fmt.Errorf("read %s: it holds no certificate", caFile)
	}
	return out, nil
}
