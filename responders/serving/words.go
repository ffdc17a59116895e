package serving

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/url"
	"syscall"
	"time"
)

// inWords says in plain words why there is no answer. What the client wraps errors in holds the whole address, and is left out.
func inWords(err error, within time.Duration) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var timed net.Error
	var lookup *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timed) && timed.Timeout():
		return "it does not answer within " + within.String()
	case errors.As(err, &lookup):
		return "no address is known for " + lookup.Name
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it refuses the connection"
	case errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return "it breaks the connection off before it has answered"
	}
	if text := ofCertificate(err); text != "" {
		return text
	}
	return "it cannot be asked: " + err.Error()
}

// ofCertificate says what is wrong with a certificate, if that is it.
func ofCertificate(err error) string {
	var stranger x509.UnknownAuthorityError
	var other x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &stranger):
		return "nobody who is trusted here signed its certificate: name who did in ca_file"
	case errors.As(err, &other):
		return "its certificate is not one for " + other.Host
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate has expired or is not valid yet"
	}
	return ""
}
