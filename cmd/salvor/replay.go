package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/salvor-io/salvor/internal/config"
	"github.com/salvor-io/salvor/internal/replay"
)

func newReplayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay FILE",
		Short: "Show what Salvor makes of a story, with no cluster and no server",
		Long: `Read FILE, "-" being standard input: a story, which is a scene that a person wrote. Run Salvor over it in virtual time: the same detection,
policy, runbooks and moves as in a running one, on a world that is made of paper. It prints each record of each incident.

A story brings its own salvor.yaml; --config takes another. --against takes a second one, and prints what comes of it that does not come
of the first. A story that says what is wanted of it is compared with that: exit code 1 says that something is different.`,
		Example: `  salvor replay test/scenarios/zone-dies.txtar
  salvor replay zone-dies.txtar --config salvor.yaml
  salvor replay zone-dies.txtar --config salvor.yaml --against salvor.next.yaml`,
		Args: usage(cobra.ExactArgs(1)),
	}
	var path, against string
	cmd.Flags().StringVar(&path, "config", "", "the configuration to judge by (default the story's own)")
	cmd.Flags().StringVar(&against, "against", "", "another configuration, to see what it changes")
	out := prints(cmd, "table", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		story, err := readStory(cmd.InOrStdin(), args[0])
		if err != nil {
			return err
		}
		first, err := play(cmd.Context(), story, path)
		if err != nil {
			return err
		}
		switch {
		case against != "":
			second, err := play(cmd.Context(), story, against)
			if err != nil {
				return err
			}
			return differs(cmd.OutOrStdout(), first.Text(), second.Text(), cmp.Or(path, "the story's salvor.yaml"), against)
		case path == "" && story.Want != nil:
			return differs(cmd.OutOrStdout(), string(story.Want), first.Text(), "as the story wants it", "as it is")
		}
		return out.print(cmd.OutOrStdout(), first.Records, func(w io.Writer) error {
			_, err := io.WriteString(w, first.Text())
			return err
		})
	}
	return cmd
}

func readStory(in io.Reader, path string) (*replay.File, error) {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	story, err := replay.Read(in)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return story, nil
}

// play plays a story by the configuration at a path, "" being its own.
func play(ctx context.Context, story *replay.File, path string) (*replay.Outcome, error) {
	cfg, err := configFor(story, path)
	if err != nil {
		return nil, err
	}
	return story.Play(ctx, cfg)
}

func configFor(story *replay.File, path string) (*config.Config, error) {
	if path != "" {
		return config.Read(path)
	}
	if story.Config == nil {
		return nil, usageError{errors.New("the story brings no salvor.yaml: say by which to judge with --config"), "salvor replay"}
	}
	return config.Parse("salvor.yaml of the story", story.Config)
}

// differs prints what is different, which is an error that needs no more words, or the second text when nothing is.
func differs(w io.Writer, a, b, nameA, nameB string) error {
	var diff bytes.Buffer
	different, err := replay.Differ(&diff, a, b, nameA, nameB)
	if err != nil {
		return err
	}
	if !different {
		_, err = io.WriteString(w, b)
		return err
	}
	if _, err := diff.WriteTo(w); err != nil {
		return err
	}
	return silentError{errors.New("it is different")}
}
