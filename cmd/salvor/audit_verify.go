package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/audit"
	"github.com/salvor-io/salvor/internal/incident"
)

// verifying is what salvor audit verify is asked for.
type verifying struct {
	incident, file, against, key string
	at                           *connection
}

func newVerifyCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify [INCIDENT]",
		Short: "Check what the server has, or a signed copy, and say where it does not fit together",
		Long: `Check all that the server has, or one incident, or a copy that salvor audit export wrote. Each hash is worked out here: the server is
not believed. Exit code 1 when something was changed, is missing, or is not what an earlier copy (--against) has.

Who can write to the store can write a chain anew from some place to its end. That is found only with --against, and only what is older
than the copy: keep copies where nobody can change them.`,
		Example: `  salvor audit verify
  salvor audit verify inc-7k3d
  salvor audit verify --against 2026-11.audit.gz --key audit.pub
  salvor audit verify --file 2026-11.audit.gz --key audit.pub`,
		Args: usage(cobra.MaximumNArgs(1)),
	}
	v := verifying{}
	cmd.Flags().StringVar(&v.file, "file", "", "check this signed copy instead of what the server has")
	cmd.Flags().StringVar(&v.against, "against", "", "a signed copy of earlier, all of which has to be there still")
	cmd.Flags().StringVar(&v.key, "key", "", "file of the public key that --file and --against were signed with")
	v.at = connects(cmd, env)
	out := prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			v.incident = args[0]
		}
		if err := v.check(); err != nil {
			return usageError{err, cmd.CommandPath()}
		}
		report, err := v.report(cmd)
		if err != nil {
			return err
		}
		tellNotes(cmd.ErrOrStderr(), report)
		return concludeAudit(report, out.print(cmd.OutOrStdout(), report, func(w io.Writer) error { return writeAudit(w, report) }))
	}
	return cmd
}

func (v *verifying) check() error {
	switch {
	case v.file != "" && v.incident != "":
		return errors.New("a copy is checked as a whole: leave out INCIDENT or --file")
	case (v.file != "" || v.against != "") && v.key == "":
		return errors.New("a copy is worth what its signature is: name the public key with --key FILE")
	case v.file == "" && v.against == "" && v.key != "":
		return errors.New("--key goes with --file or --against")
	}
	return nil
}

// report checks what was asked for.
func (v *verifying) report(cmd *cobra.Command) (report audit.Report, err error) {
	var key []byte
	if v.key != "" {
		if key, err = publicKey(v.key); err != nil {
			return report, err
		}
	}
	var earlier *audit.Earlier
	if v.against != "" {
		if err := opened(v.against, func(r io.Reader) (err error) { earlier, err = audit.ReadEarlier(r, key); return err }); err != nil {
			return report, err
		}
	}
	check := audit.NewCheck(earlier)
	if v.file != "" {
		err = opened(v.file, func(r io.Reader) (err error) { report, err = check.ReadSigned(r, key); return err })
		return report, err
	}
	c, err := v.at.client(cmd.Context())
	if err != nil {
		return report, err
	}
	err = c.Audit(cmd.Context(), never, v.incident, func(r io.Reader) (err error) { report, err = check.Read(r); return err })
	return report, err
}

func tellNotes(talk io.Writer, report audit.Report) {
	for _, note := range report.Notes() {
		fmt.Fprintln(talk, note)
	}
}

// concludeAudit is the error of a check whose report was printed.
func concludeAudit(report audit.Report, printing error) error {
	if printing == nil && !report.Whole() {
		return silentError{errors.New("what is kept does not fit together")}
	}
	return printing
}

func writeAudit(w io.Writer, report audit.Report) error {
	if _, err := fmt.Fprintln(w, report.Sentence()); err != nil || report.Whole() {
		return err
	}
	var rows [][]string
	for _, b := range report.Breaks {
		seq := ""
		if b.Seq > 0 {
			seq = strconv.FormatUint(b.Seq, 10)
		}
		rows = append(rows, []string{nameOf(b.Of), b.Of, seq, b.Kind, b.What})
	}
	return table(w, []string{"NAME", "OF", "SEQ", "KIND", "WHAT"}, rows)
}

// nameOf is the short name of an incident; what is none has no other.
func nameOf(of string) string {
	if len(of) > 17 && of[16] == '-' {
		return incident.ID(of).Name()
	}
	return of
}
