package velero

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/salvor-io/salvor/responders"
)

// Bounds of one download: its time, what is sent, and what that unpacks to.
const (
	downloadTime = time.Minute
	mostSent     = 16 << 20
	mostUnpacked = 128 << 20
)

// errNoDownload says that a document cannot be had, though nothing is wrong with what it is about.
var errNoDownload = errors.New("Velero's documents cannot be read") //nolint:staticcheck // it is a name

// fetch reads a document about a backup or a restore from the object store, as JSON, by asking Velero for its address.
func (w world) fetch(ctx context.Context, env responders.Env, place Location, kind, name, under string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, downloadTime)
	defer cancel()
	address, err := w.address(ctx, env, place.Namespace, kind, name, under)
	if err != nil {
		return err
	}
	if err := place.download(ctx, address, into); err != nil {
		return fmt.Errorf("%w: %s of %s: %w", errNoDownload, kind, name, err)
	}
	return nil
}

// address asks Velero for an address by which a document can be read for some minutes.
func (w world) address(ctx context.Context, env responders.Env, namespace, kind, name, under string) (address string, err error) {
	request, err := object(env, "DownloadRequest", namespace, under, map[string]any{"target": map[string]any{"kind": kind, "name": name}})
	if err != nil {
		return "", err
	}
	err = until(ctx, "wait for Velero to say where "+kind+" of "+name+" is", func(ctx context.Context) (bool, error) {
		made, err := w.make(ctx, downloads, request)
		if err != nil {
			return false, err
		}
		var status struct {
			DownloadURL string    `json:"downloadURL"`
			Expiration  time.Time `json:"expiration"`
		}
		if expires, _, _ := unstructured.NestedString(made.Object, "status", "expiration"); expires != "" {
			status.Expiration, _ = time.Parse(time.RFC3339, expires)
		}
		status.DownloadURL, _, _ = unstructured.NestedString(made.Object, "status", "downloadURL")
		address = status.DownloadURL
		// One that is over is deleted by Velero, and then asked for anew.
		return address != "" && (status.Expiration.IsZero() || time.Until(status.Expiration) > 0), nil
	})
	if apierrors.IsNotFound(err) {
		err = ErrNotInstalled
	}
	return address, err
}

// download reads a document from an address that is one of the location.
func (l Location) download(ctx context.Context, address string, into any) error {
	return l.unpack(ctx, address, mostSent, func(unpacked io.Reader) error {
		return json.NewDecoder(io.LimitReader(unpacked, mostUnpacked)).Decode(into)
	})
}

// unpack reads what is packed at an address that is one of the location, of which at most so many bytes are sent.
func (l Location) unpack(ctx context.Context, address string, most int64, read func(io.Reader) error) error {
	where, err := url.Parse(address)
	if err != nil || !l.owns(where) {
		return errors.New("the address that Velero gives is not one of the storage location; set its publicUrl")
	}
	client, err := l.client()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return errors.New("the address that Velero gives cannot be read")
	}
	request.Header.Set("Accept-Encoding", "identity") // it is packed by itself
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("ask %s: %w", where.Host, bare(err))
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ask %s: it answers %s", where.Host, response.Status)
	}
	unpacked, err := gzip.NewReader(io.LimitReader(response.Body, most))
	if err != nil {
		return fmt.Errorf("unpack what %s sends: %w", where.Host, err)
	}
	if err := read(unpacked); err != nil {
		return fmt.Errorf("read what %s sends: %w", where.Host, err)
	}
	return nil
}

// bare is an error without the address, which is as good as a credential for some minutes.
func bare(err error) error {
	var about *url.Error
	if errors.As(err, &about) {
		return about.Err
	}
	return err
}

// owns says whether an address is one of the object store that the location names. Whoever can write on a DownloadRequest leads Salvor nowhere else.
func (l Location) owns(where *url.URL) bool {
	if where.Scheme != "https" && where.Scheme != "http" || where.User != nil {
		return false
	}
	var named []string
	for _, key := range []string{"publicUrl", "s3Url", "storageEndpoint", "storageAccountURI"} {
		if root, err := url.Parse(l.config[key]); err == nil && root.Host != "" {
			named = append(named, root.Host)
		}
	}
	if len(named) > 0 {
		// A bucket may be the first part of the name of the host.
		return slices.ContainsFunc(named, func(host string) bool { return where.Host == host || strings.HasSuffix(where.Host, "."+host) })
	}
	ends := map[string][]string{"aws": {".amazonaws.com", ".amazonaws.com.cn"}, "gcp": {".googleapis.com"}, "azure": {".blob.core.windows.net"}}
	provider := l.provider[strings.LastIndex(l.provider, "/")+1:]
	return where.Scheme == "https" && slices.ContainsFunc(ends[provider], func(end string) bool { return strings.HasSuffix(where.Hostname(), end) })
}

// client asks the object store, whose certificate is verified. It follows no redirects.
func (l Location) client() (*http.Client, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if len(l.roots) > 0 && !roots.AppendCertsFromPEM(l.roots) {
		return nil, errors.New("the caCert of the storage location holds no certificate")
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second, DisableCompression: true}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}
