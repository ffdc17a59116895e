package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/policies/rego"
	"github.com/salvor-io/salvor/policies/rego/archive"
)

func newPolicyBuildCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "build [DIR]",
		Short: "Make a bundle of a directory of policy, for a server to fetch",
		Long: `Make a bundle of DIR (default the current directory), in the format of OPA: its rules, its settings, and its tests. It has the
revision that salvor policy check says of DIR. What that refuses is not built. A server takes signed bundles alone: sign it here with --key, or later with salvor policy sign.`,
		Example: `  openssl genpkey -algorithm ed25519 -out alice.key && openssl pkey -in alice.key -pubout -out alice.pem
  salvor policy build policies --out policy.tar.gz --key alice.key --key-id alice`,
		Args: usage(cobra.MaximumNArgs(1)),
	}
	cmd.Flags().StringVar(&out, "out", "", "the file to write (required)")
	by := signs(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if out == "" {
			return usageError{errors.New("say where the bundle goes: --out FILE"), cmd.CommandPath()}
		}
		key, err := by.read(cmd)
		if err != nil {
			return err
		}
		dir := directoryOf(args)
		data, revision, err := buildPolicy(cmd, dir)
		if err == nil && key != nil {
			data, err = archive.Sign(cmd.Context(), data, *key)
		}
		if err == nil {
			err = putFile(out, data)
		}
		if err != nil {
			return tellProblems(cmd.ErrOrStderr(), dir, err)
		}
		if key == nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "next: sign it: salvor policy sign %s --key FILE --key-id ID\n", out)
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: revision %s with the shipped rules of this version\n", out, revision)
		return err
	}
	return cmd
}

// buildPolicy makes a bundle of a directory that a server would take, and says which revision a server of this version sees in it.
func buildPolicy(cmd *cobra.Command, dir string) ([]byte, string, error) {
	sources, err := policyOf(dir)
	if err != nil {
		return nil, "", err
	}
	read, err := rego.Read(cmd.Context(), sources)
	if err == nil {
		_, err = rego.Compile(read, rego.Options{Responders: responderNames()})
	}
	if err != nil {
		return nil, "", err
	}
	if _, err := read.Pack(); err != nil { // a server keeps it packed
		return nil, "", err
	}
	data, err := archive.Build(cmd.Context(), read.Sources()[len(sources)-1])
	return data, read.Revision(), err
}

// signing are the flags of a command that signs.
type signing struct{ file, id string }

func signs(cmd *cobra.Command) *signing {
	s := &signing{}
	cmd.Flags().StringVar(&s.file, "key", "", "file that holds the private key (PEM, as openssl genpkey writes it)")
	cmd.Flags().StringVar(&s.id, "key-id", "", "name of the key, as policies.bundle.keys of salvor.yaml has it")
	return s
}

// read gives the key, nil when none is named.
func (s *signing) read(cmd *cobra.Command) (*archive.Key, error) {
	if (s.file == "") != (s.id == "") {
		return nil, usageError{errors.New("a key has a file and a name: give both --key and --key-id, or neither"), cmd.CommandPath()}
	}
	if s.file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(s.file)
	if err != nil {
		return nil, advisedError{fmt.Errorf("read the key: %w", err), "make one: openssl genpkey -algorithm ed25519 -out " + s.file}
	}
	return &archive.Key{ID: s.id, PEM: text}, nil
}

// putFile writes a file at once, in the place of what there may be.
func putFile(path string, text []byte) error {
	next, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = next.Write(text)
	err = errors.Join(err, next.Chmod(0o644), next.Sync(), next.Close())
	if err == nil {
		err = os.Rename(next.Name(), path)
	}
	if err != nil {
		_ = os.Remove(next.Name()) // whatever of it is there is not whole
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
