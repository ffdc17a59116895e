package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/authoring"
	"github.com/salvor-io/salvor/policies"
	"github.com/salvor-io/salvor/policies/rego/regotest"
)

func newPolicyInputCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "input INCIDENT",
		Short: "Write what policy was asked about an incident as input.json, for your editor",
		Long: `Write the question that policy was asked last about a plan for INCIDENT. Editors with OPA's or Regal's plug-in evaluate rules on the file
input.json of the directory that is open; Salvor never reads it as policy.`,
		Example: `  cd policies && salvor policy input inc-7k3d`,
		Args:    usage(cobra.ExactArgs(1)),
	}
	var path string
	cmd.Flags().StringVar(&path, "out", "input.json", `the file to write; "-" is standard output`)
	at := connects(cmd, env)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		doc, err := lastAsked(cmd.Context(), at, args[0])
		if err != nil {
			return err
		}
		asked, err := authoring.ReadAsked(doc.Document)
		if err != nil {
			return fmt.Errorf("read what was asked about %s: %w", args[0], err)
		}
		text, err := indented(asked.Question)
		if err != nil {
			return err
		}
		if path == "-" {
			_, err := cmd.OutOrStdout().Write(text)
			return err
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s: what policy was asked about %s\n", path, doc.Name)
		return nil
	}
	return cmd
}

func newPolicyRecordCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "record INCIDENT",
		Short: "Keep what was decided about an incident as a test",
		Long: `Write the question that policy was asked last about a plan for INCIDENT, and the decision that came of it, as a test into --dir.
salvor policy test asks your rules about it from then on, and fails where the decision comes out otherwise: verdict, reasons, what held
it back and who is asked. The file can be edited: what "want" leaves out is not compared.`,
		Example: `  salvor policy record inc-7k3d --dir policies && salvor policy test policies`,
		Args:    usage(cobra.ExactArgs(1)),
	}
	var dir string
	cmd.Flags().StringVar(&dir, "dir", ".", "the directory of policy")
	at := connects(cmd, env)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if _, err := policyOf(dir); err != nil {
			return err
		}
		doc, err := lastAsked(cmd.Context(), at, args[0])
		if err != nil {
			return err
		}
		asked, err := authoring.ReadAsked(doc.Document)
		if err != nil {
			return fmt.Errorf("read what was asked about %s: %w", args[0], err)
		}
		return recordCase(cmd, dir, doc.Name, asked)
	}
	return cmd
}

// recordCase writes a case. One that is there and says something else stays: somebody may have edited it.
func recordCase(cmd *cobra.Command, dir, name string, asked authoring.Asked) error {
	if asked.Decision == nil {
		return fmt.Errorf("keep %s as a test: its decision is not there", name)
	}
	q := asked.Question
	c := regotest.Case{Name: fmt.Sprintf("%s: %s of %s", name, q.Fault.Anchor, q.Cluster.Name), Question: q, Want: regotest.WantOf(*asked.Decision)}
	var text bytes.Buffer
	if err := c.Write(&text); err != nil {
		return err
	}
	path := filepath.Join(dir, name+"_test.json")
	is, err := os.ReadFile(path)
	switch {
	case err == nil && !bytes.Equal(is, text.Bytes()):
		return advisedError{fmt.Errorf("write %s: it is there, and says something else", path), "move it away first, or keep it as it is"}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s\n", path)
	return tellOtherwise(cmd, dir, q, *asked.Decision)
}

// tellOtherwise says where the rules at hand decide otherwise than those that were in force: the test fails by them.
func tellOtherwise(cmd *cobra.Command, dir string, q policies.Question, was policies.Decision) error {
	rules, err := rulesOf(cmd, dir)
	if err != nil {
		return err
	}
	found, err := authoring.Evaluate(cmd.Context(), rules, q)
	if err != nil {
		return err
	}
	if is := found.Decision; is.Verdict != was.Verdict || is.Would != was.Would {
		fmt.Fprintf(cmd.ErrOrStderr(), "by the rules of %s it is %s, and was %s by revision %s: the test fails until they agree, or you edit it\n", dir, is.Verdict, was.Verdict, was.Revision)
	}
	return nil
}

func indented(of any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	err := enc.Encode(of)
	return out.Bytes(), err
}
