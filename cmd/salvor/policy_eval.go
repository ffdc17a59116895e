package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/authoring"
	"github.com/salvor-io/salvor/internal/client"
	"github.com/salvor-io/salvor/policies/rego"
)

func newPolicyEvalCommand(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "eval [FILE]",
		Short: "Ask rules about a question, and be told how the answer comes about",
		Long: `Ask the rules of --dir, beside the shipped ones, about the question in FILE, "-" being standard input: a question (input.json), a
decision as salvor decisions show -o json prints it, or a recorded case of a test. --incident asks about what was asked last about an
incident of a running Salvor.

--explain tells what each rule said, each step from there to the decision, and which step made it what it is.`,
		Example: `  salvor policy eval input.json --dir policies --explain
  salvor policy eval --incident inc-7k3d --dir policies --explain`,
		Args: usage(cobra.MaximumNArgs(1)),
	}
	var dir, incident string
	var explain bool
	cmd.Flags().StringVar(&dir, "dir", ".", "the directory of policy")
	cmd.Flags().StringVar(&incident, "incident", "", "ask about what was asked last about this incident")
	cmd.Flags().BoolVar(&explain, "explain", false, "tell how the answer comes about")
	at, out := connects(cmd, env), prints(cmd, "table", "json", "yaml")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asked, err := askedBy(cmd, at, args, incident)
		if err != nil {
			return err
		}
		if len(asked.Missing) > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "%d facts are not in the question, and are taken to be zero: %s\n", len(asked.Missing), fewOf(asked.Missing))
		}
		rules, err := rulesOf(cmd, dir)
		if err != nil {
			return err
		}
		found, err := authoring.Evaluate(cmd.Context(), rules.Trial(), asked.Question)
		if err != nil {
			return advisedError{err, "no answer is a refusal: Salvor denies then; mend the rule"}
		}
		return out.print(cmd.OutOrStdout(), found, func(w io.Writer) error {
			if explain {
				return found.Explain(w)
			}
			return found.Write(w)
		})
	}
	return cmd
}

// askedBy reads the question that a command names: a file, or an incident.
func askedBy(cmd *cobra.Command, at *connection, args []string, incident string) (authoring.Asked, error) {
	switch {
	case incident != "" && len(args) > 0:
		return authoring.Asked{}, usageError{errors.New("a file and --incident are both given: keep one"), cmd.CommandPath()}
	case incident != "":
		doc, err := lastAsked(cmd.Context(), at, incident)
		if err != nil {
			return authoring.Asked{}, err
		}
		return authoring.ReadAsked(doc.Document)
	case len(args) == 0:
		return authoring.Asked{}, usageError{errors.New("nothing is named to ask about: give a file, or --incident"), cmd.CommandPath()}
	}
	text, err := readSmall(cmd.InOrStdin(), args[0])
	if err != nil {
		return authoring.Asked{}, err
	}
	asked, err := authoring.ReadAsked(text)
	if err != nil {
		return asked, advisedError{fmt.Errorf("read %s: %w", args[0], err), "get a real one: salvor policy input INCIDENT"}
	}
	return asked, nil
}

// maxAsked bounds a document that holds a question, in bytes.
const maxAsked = 1 << 20

// readSmall reads a file, "-" being standard input.
func readSmall(stdin io.Reader, path string) ([]byte, error) {
	in := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxAsked+1))
	if err == nil && len(text) > maxAsked {
		err = fmt.Errorf("read %s: it is larger than %d bytes", path, maxAsked)
	}
	return text, err
}

// rulesOf compiles the rules of a directory beside the shipped ones, and lists what is wrong with them.
func rulesOf(cmd *cobra.Command, dir string) (*rego.Rules, error) {
	sources, err := policyOf(dir)
	if err != nil {
		return nil, err
	}
	read, err := rego.Read(cmd.Context(), sources)
	if err != nil {
		return nil, fmt.Errorf("load policy: %w", err)
	}
	rules, err := rego.Compile(read, rego.Options{Responders: responderNames()})
	if err != nil {
		return nil, tellProblems(cmd.ErrOrStderr(), dir, err)
	}
	return rules, nil
}

// lastAsked is what policy was asked last about an incident: about a plan, or else before a step.
func lastAsked(ctx context.Context, at *connection, incident string) (asked, error) {
	c, err := at.client(ctx)
	if err != nil {
		return asked{}, err
	}
	list, err := c.Decisions(ctx, client.DecisionFilter{Incident: incident, About: "decision"})
	if err != nil {
		return asked{}, err
	}
	if len(list.Decisions) == 0 {
		return asked{}, advisedError{fmt.Errorf("policy was not asked about a plan of %s yet", incident), "see what it waits for: salvor incidents show " + incident}
	}
	last := list.Decisions[len(list.Decisions)-1]
	id, name, _ := strings.Cut(last.Ref, "/")
	doc, err := c.Decision(ctx, id, name)
	return asked{doc.Document, last.Name}, err
}

// asked is a decision as it was stored.
type asked struct {
	Document []byte
	Name     string // of its incident
}

// fewOf lists the first of some names.
func fewOf(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
