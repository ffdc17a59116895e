package main

import (
	"bufio"
	"compress/gzip"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/audit"
)

func newAuditCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Check that nothing that was recorded has been changed, and keep a signed copy",
		Long: `Check that nothing that was recorded has been changed since, and keep a signed copy where nobody can.

Each record of an incident names the hash of the one before it, and of what policy was asked; each entry of a trail (configuration,
people, pauses, policy) that of the one before it. The server gives all of it as it is stored, and this machine follows the hashes.`,
		Args: usage(noSuchCommand),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTrailsCommand(env), newVerifyCommand(env), newAuditExportCommand(env))
	return cmd
}

// keyHelp says how a pair of keys is made.
const keyHelp = "make a pair: openssl genpkey -algorithm ed25519 -out audit.key; openssl pkey -in audit.key -pubout -out audit.pub"

// opened reads a file of an audit, gzipped or not.
func opened(path string, read func(io.Reader) error) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return advisedError{err, "name a file that salvor audit export wrote"}
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	in := bufio.NewReader(f)
	plain := io.Reader(in)
	if magic, err := in.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		plain = unpacked
	}
	if err := read(plain); err != nil {
		return advisedError{fmt.Errorf("read %s: %w", path, err), "name a whole file that salvor audit export wrote"}
	}
	return nil
}

// publicKey reads the key of who signed.
func publicKey(path string) (ed25519.PublicKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, advisedError{err, keyHelp}
	}
	key, err := audit.PublicKey(text)
	if err != nil {
		return nil, advisedError{fmt.Errorf("read %s: %w", path, err), keyHelp}
	}
	return key, nil
}
