package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxReason bounds a reason, in bytes.
const maxReason = 256

// blame marks an error that may be the prober's own fault.
func (j *journey) blame(err error) error {
	var lookup *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, errOwn):
		return err
	case !j.left.Load():
		return fmt.Errorf("%w: no request was sent: %w", errOwn, err)
	case errors.As(err, &lookup) && !lookup.IsNotFound, j.resolving.Load():
		return fmt.Errorf("%w: no name server answers: %w", errOwn, err)
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return fmt.Errorf("%w: the proxy is not reached: %w", errOwn, err)
	case isOurs(err):
		return fmt.Errorf("%w: %w", errOwn, err)
	}
	return err
}

// isOurs says whether an error of a system call speaks of this machine and not of the other one.
func isOurs(err error) bool {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS, syscall.EADDRNOTAVAIL,
		syscall.EACCES, syscall.EPERM, syscall.ENETDOWN} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// unreachable is the answer that the error of a request gives, or an error when that cannot be told.
func unreachable(err error) (Answer, error) {
	if errors.Is(err, errOwn) {
		return Answer{}, err
	}
	out := Answer{Reason: plain(err)}
	var refused *tls.CertificateVerificationError
	var invalid x509.CertificateInvalidError
	if errors.As(err, &refused) && errors.As(err, &invalid) && invalid.Reason == x509.Expired {
		out.Expires = expiry(refused.UnverifiedCertificates)
	}
	return out, nil
}

// plain says in a few words what a transport complains of.
func plain(err error) string {
	var lookup *net.DNSError
	var wait net.Error
	switch {
	case errors.As(err, &lookup):
		return "its name is not known"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no route to it"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &wait) && wait.Timeout():
		return fmt.Sprintf("no answer within %s", within)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "it closed the connection without an answer"
	}
	return untrusted(err)
}

// untrusted says what is wrong with a certificate; of any other error it is the text.
func untrusted(err error) string {
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var foreign x509.HostnameError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return fmt.Sprintf("its certificate is good from %s to %s only", invalid.Cert.NotBefore.UTC().Format(time.RFC3339), invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
	case errors.As(err, &unknown):
		return "its certificate is signed by an authority that is not trusted"
	case errors.As(err, &foreign):
		return "its certificate is for other names"
	}
	return oneLine(err.Error())
}

// expiry is when the first of some certificates expires.
func expiry(certs []*x509.Certificate) (first time.Time) {
	for _, c := range certs {
		if first.IsZero() || c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
	return first
}

// oneLine is text as one line that fits into a reason.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if len(text) <= maxReason {
		return text
	}
	cut := maxReason - len("...")
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "..."
}
