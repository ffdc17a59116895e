package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/audit"
)

// never is the beginning of all there is.
var never time.Time

func newAuditExportCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export --out FILE --key FILE",
		Short: "Write a signed copy of all that is kept",
		Long: `Write a copy of all that is kept, as it is stored, signed with your key: salvor audit verify checks it without a server, and what the
server has against it. Put it where nobody can change it. It is written and signed also when something does not fit together; the exit
code is 1 then.`,
		Example: `  openssl genpkey -algorithm ed25519 -out audit.key
  openssl pkey -in audit.key -pubout -out audit.pub
  salvor audit export --out $(date +%F).audit.gz --key audit.key`,
		Args: usage(cobra.NoArgs),
	}
	var path, keyPath, since string
	cmd.Flags().StringVar(&path, "out", "", "file to write, which must not be there yet, gzipped where its name ends in .gz (required)")
	cmd.Flags().StringVar(&keyPath, "key", "", "file of the private key to sign with, ed25519 in PEM (required)")
	cmd.Flags().StringVar(&since, "since", "", "only incidents with a record less far back, such as 30d (default all)")
	at := connects(cmd, env)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if path == "" || keyPath == "" {
			return usageError{errors.New("name the file to write with --out and the key to sign with by --key"), cmd.CommandPath()}
		}
		from := never
		if since != "" {
			var err error
			if from, err = ago(env.now(), since); err != nil {
				return usageError{err, cmd.CommandPath()}
			}
		}
		key, err := privateKey(keyPath)
		if err != nil {
			return err
		}
		c, err := at.client(cmd.Context())
		if err != nil {
			return err
		}
		var report audit.Report
		err = toFile(path, func(w io.Writer) error {
			return c.Audit(cmd.Context(), from, "", func(r io.Reader) (err error) { report, err = audit.NewCheck(nil).Sign(r, w, key); return err })
		})
		if err != nil {
			return err
		}
		tellNotes(cmd.ErrOrStderr(), report)
		fmt.Fprintf(cmd.ErrOrStderr(), "next: put %s where nobody can change it, and later: salvor audit verify --against %s --key PUBLIC_KEY\n", path, path)
		return concludeAudit(report, writeAudit(cmd.OutOrStdout(), report))
	}
	return cmd
}

func privateKey(path string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, advisedError{err, keyHelp}
	}
	key, err := audit.PrivateKey(text)
	if err != nil {
		return nil, advisedError{fmt.Errorf("read %s: %w", path, err), keyHelp}
	}
	return key, nil
}
